//===- QT.td - the qt dialect -----------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_QT_TD
#define SINTER_QT_TD

include "dialects/QT/QTBase.td"
include "dialects/QT/Formats/Float/Float.td"
include "dialects/QT/Formats/Int/Int.td"

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def QT_QuantTensorType : QT_Type<"QuantTensor", "tensor"> {
  let summary = "a weight of a linear, in a format";
  let description = [{
    `rows` output channels (N) of `columns` values (K).

    ```mlir
    !qt.tensor<4096x11008, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
    ```
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "QuantFormat":$format);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The format's fields, with the group resolved: the number of columns that share a scale, at most `columns`.
    Fields getFields() const;
    /// Groups in a row; the last may be shorter. 1 where the format has no scales.
    int64_t getGroups() const;
  }];
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

def QT_Granularity : I32Enum<"Granularity", "which activations share a scale", [
  I32EnumCase<"tensor", 0>, I32EnumCase<"token", 1>, I32EnumCase<"group", 2>]> {
  let cppNamespace = "::sinter::qt";
}

def QT_ScaleSource : I32Enum<"ScaleSource", "where an activation's scale comes from", [
  I32EnumCase<"Dynamic", 0, "dynamic">, I32EnumCase<"Static", 1, "static">]> {
  let cppNamespace = "::sinter::qt";
}

def QT_ActivationAttr : QT_Attr<"Activation", "act"> {
  let summary = "how the input of a linear is quantized";
  let description = [{
    8-bit integers, `i8` or `ui8`, with one scale a tensor, a token (a row), or a token and group of the weight it
    meets. A `dynamic` scale is computed from the values: with a zero point as ONNX's DynamicQuantizeLinear does,
    without one from the largest magnitude m: `code = round(x * (127 / m))`, `scale = m / 127`. A `static` one is an
    operand, as in ONNX's QuantizeLinear. Codes are rounded to even and clamped. A linear without this attribute takes f32.

    ```mlir
    #qt.act<type = i8, granularity = group>
    #qt.act<type = ui8, granularity = tensor, scale = dynamic, zp = true>
    ```
  }];
  let parameters = (ins "::mlir::IntegerType":$type, EnumParameter<QT_Granularity>:$granularity,
                    DefaultValuedParameter<"ScaleSource", "ScaleSource::Dynamic">:$scale,
                    DefaultValuedParameter<"bool", "false">:$zp);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

def QT_Form : I32Enum<"Form", "how a file writes a weight", [
  I32EnumCase<"dense", 0>, I32EnumCase<"matmul_nbits", 1>, I32EnumCase<"affine", 2>]> {
  let cppNamespace = "::sinter::qt";
}

def QT_SourceAttr : QT_Attr<"Source", "source"> {
  let summary = "a weight as it is in a file";
  let description = [{
    Each tensor is an `#onnx.tensor` or a `dense` constant. Forms, for `rows` N and `columns` K:
    - `dense`: `payload` is a float tensor [N,K], or [K,N] where `transposed`.
    - `matmul_nbits`: com.microsoft MatMulNBits: `payload` ui8 [N, ceil(K/group), group*bits/8], `scales`
      [N*ceil(K/group)], `zeros` of the scales' type in the same shape, or ui8 packed a row [N *
      ceil(ceil(K/group)*bits/8)]. `bits` is 4 or 8.
    - `affine`: ONNX DequantizeLinear: `payload` i8, ui8, i4 or ui4 [N,K], or [K,N] where `transposed`; `scales`
      with one element, one a channel ([N]), or one a channel and `group` along K (the payload's shape with K
      divided); `zeros` of the payload's type and the scales' shape.

    `group` 0 is the whole row.
  }];
  let parameters = (ins EnumParameter<QT_Form>:$form, "int64_t":$rows, "int64_t":$columns,
                    DefaultValuedParameter<"bool", "false">:$transposed,
                    DefaultValuedParameter<"unsigned", "0">:$bits, DefaultValuedParameter<"int64_t", "0">:$group,
                    "::mlir::Attribute":$payload, OptionalParameter<"::mlir::Attribute">:$scales,
                    OptionalParameter<"::mlir::Attribute">:$zeros);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def QT_ConstantOp : QT_Op<"constant", [Pure]> {
  let summary = "a weight: where its values come from, and the format it is kept in";
  let description = [{
    The values are those of `sources`, one below the other (concatenated along N). Where a source has the result's
    format already (see `getNaturalType`), its codes, scales and zero points are kept bit for bit; otherwise they
    are encoded from f32. Nothing is read here: `WeightReader` does that, when panels are written.

    ```mlir
    %w = qt.constant [#qt.source<form = dense, rows = 512, columns = 512,
                                 payload = #onnx.tensor<#onnx.data<"m.onnx", 0, 1048576>, tensor<512x512xf32>>>]
        : !qt.tensor<512x512, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
    ```
  }];
  let arguments = (ins TypedArrayAttrBase<QT_SourceAttr, "sources">:$sources, OptionalAttr<StrAttr>:$name);
  let results = (outs QT_QuantTensorType:$result);
  let assemblyFormat = "$sources attr-dict `:` type($result)";
  let hasVerifier = 1;
}

#endif // SINTER_QT_TD
