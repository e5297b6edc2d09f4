//===- Onnx.td - the onnx dialect -----------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_ONNX_TD
#define SINTER_ONNX_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Onnx_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::sinter::onnx";
  let summary = "";
}

class Onnx_Op<string mnemonic, list<Trait> traits = []> : Op<Onnx_Dialect, mnemonic, traits>;
class Onnx_Type<string name, string mnemonic_, list<Trait> traits = []> : TypeDef<Onnx_Dialect, name, traits> { let mnemonic = mnemonic_; }
class Onnx_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<Onnx_Dialect, name, traits> { let mnemonic = mnemonic_; }

#endif // SINTER_ONNX_TD
