//===- QTBase.td - the qt dialect and what a weight format gives *- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_QT_BASE_TD
#define SINTER_QT_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def QT_Dialect : Dialect {
  let name = "qt";
  let cppNamespace = "::sinter::qt";
  let summary = "quantized weights and activations: what they mean, not where their bytes are";
  let dependentDialects = ["::sinter::onnx::OnnxDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

class QT_Op<string mnemonic, list<Trait> traits = []> : Op<QT_Dialect, mnemonic, traits>;
class QT_Type<string name, string mnemonic_, list<Trait> traits = []> : TypeDef<QT_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}
class QT_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<QT_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def QT_QuantFormat : AttrInterface<"QuantFormat"> {
  let cppNamespace = "::sinter::qt";
  let description = [{
    A weight format: its logical fields, and how f32 becomes them and back. The order of bytes in memory belongs to
    `#kern.panel`, the arithmetic to the kernels, which know a format by its fields alone.
  }];
  let methods = [
    InterfaceMethod<"The format's fields; the group is 0 where a whole row shares a scale.", "::sinter::qt::Fields",
                    "getFields">,
    InterfaceMethod<"Encodes `rows` rows of `columns` values, each field rounded to the nearest. Deterministic.",
                    "void", "encode", (ins "const float *":$values, "int64_t":$rows, "int64_t":$columns,
                                           "::sinter::qt::Rows &":$out)>,
    InterfaceMethod<[{Writes rows * columns values: the reference that kernels are tested against. (code - zero) is rounded
                      to f32, then its product with the scale.}],
                    "void", "decode", (ins "const ::sinter::qt::Rows &":$rows, "float *":$out), [{}],
                    [{ ::sinter::qt::decodeRows(rows, out); }]>,
  ];
}

#endif // SINTER_QT_BASE_TD
