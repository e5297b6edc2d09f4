//===- Int.td - weights as integers with scales -----------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_QT_FORMATS_INT_TD
#define SINTER_QT_FORMATS_INT_TD

include "dialects/QT/QTBase.td"

def QT_IntAttr : QT_Attr<"IntFormat", "int", [DeclareAttrInterfaceMethods<QT_QuantFormat>]> {
  let summary = "4- or 8-bit integers, a scale a group, and a zero point";
  let description = [{
    value = (code - zero) * scale, with `group` columns sharing a scale (0: the whole row) and `axis` 1 the axis
    that groups run along. `zp` is `none` (signed and symmetric), a constant, `int` (one of the code's width a
    group) or `float` (one f32 a group). Codes are unsigned everywhere: a signed one is kept with half the range
    added, and `none` means a zero point of that half.

    ```mlir
    #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>
    #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>
    ```
  }];
  let parameters = (ins "unsigned":$bits, "unsigned":$axis, "int64_t":$group, "::mlir::FloatType":$scale,
                        "ZeroPoint":$zp);
  let assemblyFormat = "`<` $bits `,` struct($axis, $group, $scale, $zp) `>`";
  let builders = [AttrBuilder<(ins "unsigned":$bits, "int64_t":$group, "::mlir::FloatType":$scale, "ZeroPoint":$zp),
                              [{ return $_get($_ctxt, bits, 1u, group, scale, zp); }]>];
  let genVerifyDecl = 1;
}

#endif // SINTER_QT_FORMATS_INT_TD
