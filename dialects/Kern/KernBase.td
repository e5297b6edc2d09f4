//===- KernBase.td - what every kernel op shares -----------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KERN_BASE_TD
#define SINTER_KERN_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kern_Dialect : Dialect {
  let name = "kern";
  let cppNamespace = "::sinter::kern";
  let summary = "kernels: the work of one dispatch, and how it is tiled";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::sinter::kv::KVDialect", "::sinter::qt::QTDialect"];
  let useDefaultAttributePrinterParser = 1;
}

class Kern_Op<string mnemonic, list<Trait> traits = []> : Op<Kern_Dialect, mnemonic, traits>;
class Kern_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<Kern_Dialect, name, traits> { let mnemonic = mnemonic_; }

def Kern_KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let description = [{
    An op that does the work of one dispatch on a range `[begin, end)` of its work items. Items are independent: any split of
    `[0, grid)` over threads gives the same bits.
  }];
  let cppNamespace = "::sinter::kern";
  let methods = [
    InterfaceMethod<"Builds the number of work items as index arithmetic right before the op, from values that dominate it.",
                    "::mlir::Value", "buildGrid", (ins "::mlir::OpBuilder &":$builder)>,
    InterfaceMethod<"Fewest work items worth a thread.", "int64_t", "getGrain", (ins), [{}], [{ return 1; }]>,
    InterfaceMethod<"Bytes of scratch one thread needs.", "int64_t", "getScratchBytes", (ins), [{}], [{ return 0; }]>,
  ];
}

def Kern_TargetAttr : Kern_Attr<"Target", "target"> {
  let summary = "the CPU that code is generated for, in LLVM's words";
  let parameters = (ins StringRefParameter<"LLVM's CPU name">:$cpu, StringRefParameter<"LLVM's feature string, complete">:$features);
  let assemblyFormat = "`<` `cpu` `=` $cpu `,` `features` `=` $features `>`";
  let extraClassDeclaration = [{
    /// Whether a feature such as "avx512vnni" is on.
    bool has(llvm::StringRef feature) const;
    /// The target of the enclosing module (attribute `kern.target`); baseline x86-64-v3 where there is none.
    static TargetAttr of(mlir::Operation *op);
  }];
}

def Kern_YieldOp : Kern_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "ends a scalar region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

#endif // SINTER_KERN_BASE_TD
