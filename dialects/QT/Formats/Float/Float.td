//===- Float.td - weights as floats -----------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_QT_FORMATS_FLOAT_TD
#define SINTER_QT_FORMATS_FLOAT_TD

include "dialects/QT/QTBase.td"

def QT_FloatAttr : QT_Attr<"FloatFormat", "float", [DeclareAttrInterfaceMethods<QT_QuantFormat>]> {
  let summary = "f32, f16 or bf16, as they are";
  let description = [{
    `#qt.float<bf16>`. Values that the type cannot hold are rounded to the nearest, ties to even.
  }];
  let parameters = (ins "::mlir::FloatType":$type);
  let assemblyFormat = "`<` $type `>`";
  let genVerifyDecl = 1;
}

#endif // SINTER_QT_FORMATS_FLOAT_TD
