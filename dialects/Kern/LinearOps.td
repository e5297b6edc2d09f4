//===- LinearOps.td - kernels that read packed weights -----------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KERN_LINEAROPS_TD
#define SINTER_KERN_LINEAROPS_TD

include "dialects/Kern/KernBase.td"

// What is used of the qt dialect, in words of its C++: its .td would define its enums here once more.
def Kern_WeightType : Type<CPred<"::llvm::isa<::sinter::qt::QuantTensorType>($_self)">, "quantized tensor",
                           "::sinter::qt::QuantTensorType">;
def Kern_ActivationAttr : Attr<CPred<"::llvm::isa<::sinter::qt::ActivationAttr>($_self)">, "activation format"> {
  let storageType = "::sinter::qt::ActivationAttr";
  let returnType = "::sinter::qt::ActivationAttr";
  let convertFromStorage = "$_self";
}

def Kern_PanelOrder : I32Enum<"PanelOrder", "the order of a panel's codes", [
  I32EnumCase<"Floats", 0, "floats">, I32EnumCase<"Bytes", 1, "bytes">, I32EnumCase<"Nibbles", 2, "nibbles">]> {
  let cppNamespace = "::sinter::kern";
}

def Kern_PanelAttr : Kern_Attr<"Panel", "panel"> {
  let summary = "the order of bytes of a packed weight";
  let description = [{
    A weight is cut into panels of `channels` rows, each one linear run of memory that a kernel reads from begin to
    end. A panel is a sequence of groups; a group is its scales [channels], its zero points [channels] where the
    format stores them (a byte each, or f32), its i32 sums over k of (code - zero) [channels] where `sums`, and its
    codes:
    - `nibbles`: [k/8][channels][4] bytes; the low nibbles are k 0 to 3 of the 8, the high ones k 4 to 7;
    - `bytes`: [k/4][channels][4] bytes;
    - `floats`: [k][channels] values, and neither groups nor scales.

    The last group is as long as its columns, rounded up to 8 with codes 0; rows beyond the last have scale 0. All
    parts are multiples of 64 bytes.
  }];
  let parameters = (ins "int64_t":$channels, EnumParameter<Kern_PanelOrder>:$order,
                    DefaultValuedParameter<"bool", "false">:$sums);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Kern_LinearStrategyAttr : Kern_Attr<"LinearStrategy", "linear_strategy"> {
  let summary = "how the loops of a linear are tiled";
  let description = [{
    `mr` rows by `nr` vectors are accumulated in registers. Up to `decode_rows` rows read the panel directly; more
    of them unpack `segment` columns of a panel at a time into scratch and use them for up to `row_block` rows, the
    block of a work item. The result does not depend on it.
  }];
  let parameters = (ins "int64_t":$mr, "int64_t":$nr, "int64_t":$decode_rows, "int64_t":$row_block, "int64_t":$segment);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

/// Kernels over a packed weight: `weight` is its type, `panel` the order of its bytes.
class Kern_PanelOp<string mnemonic, list<Trait> traits = []>
    : Kern_Op<mnemonic, traits # [DeclareOpInterfaceMethods<Kern_KernelOpInterface, ["getGrain", "getScratchBytes"]>]> {
  let hasVerifier = 1;
}

def Kern_LinearOp : Kern_PanelOp<"linear", [SingleBlock, AttrSizedOperandSegments]> {
  let summary = "rows of activations times packed weights";
  let description = [{
    out[m, n] = epilogue(sum over k of input[m, k] * weight[n, k], m, n), for `rows` rows. The input is f32 [rows,
    K], or what `kern.quantize_rows` wrote where `activation` is given. Items are panels, in
    turn for each block of rows. The epilogue yields an
    element for each output; it may load from other memrefs.

    Several weights of one type may meet the same input: the epilogue then gets the sum of each, such as a gate and
    what it gates, which need no memory between them.

    ```mlir
    kern.linear range(%begin to %end) rows(%m) ins(%a : memref<?x2048xf32>) weights(%w : memref<?xi8>)
        outs(%c : memref<?x512xf32>) scratch(%scratch : memref<?xi8>) as !qt.tensor<512x2048, #qt.float<bf16>>
        panel <channels = 64, order = floats> epilogue {
    ^bb0(%acc: f32, %row: index, %col: index):
      %bias = memref.load %b[%col] : memref<?xf32>
      %sum = arith.addf %acc, %bias : f32
      kern.yield %sum : f32
    }
    ```
    The order of sums is fixed for all numbers of rows, and each output has one accumulator:
    - float weights: acc = fma(x, w, acc), k ascending;
    - integer weights, f32 activations: sum = fma(x, code - zero, sum), k ascending, from 0 in every group; then acc
      = fma(sum, scale, acc), groups ascending;
    - integer activations: the exact sum of a group's (code - zero) * (code - zero), as f32 (with float zero points
      fma(-zero, sum of the row's codes, sum of products)), times the row's scale of the group where `activation`
      has one; then acc = fma(sum, scale, acc), groups ascending; then times the row's or the tensor's scale.
  }];
  let arguments = (ins Index:$begin, Index:$end, Index:$rows, AnyMemRef:$input,
                       Variadic<AnyMemRef>:$weights, Variadic<AnyMemRef>:$outs, AnyMemRef:$scratch,
                       TypeAttrOf<Kern_WeightType>:$weight,
                       Kern_PanelAttr:$panel, OptionalAttr<Kern_ActivationAttr>:$activation,
                       OptionalAttr<Kern_LinearStrategyAttr>:$strategy);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `rows` `(` $rows `)` `ins` `(` $input `:` type($input) `)`
    `weights` `(` $weights `:` type($weights) `)`
    `outs` `(` $outs `:` type($outs) `)` `scratch` `(` $scratch `:` type($scratch) `)` `as` $weight `panel` $panel
    (`activation` $activation^)? (`strategy` $strategy^)? `epilogue` $epilogue attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$end, "::mlir::Value":$rows,
                                 "::mlir::Value":$input, "::mlir::ValueRange":$weights,
                                 "::mlir::ValueRange":$outs, "::mlir::Value":$scratch,
                                 "::sinter::qt::QuantTensorType":$weight, "PanelAttr":$panel,
                                 "::sinter::qt::ActivationAttr":$activation, "LinearStrategyAttr":$strategy,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$epilogue)>];
  let extraClassDeclaration = [{
    ::sinter::qt::QuantTensorType getWeightType() { return ::llvm::cast<::sinter::qt::QuantTensorType>(getWeight()); }
    /// The attribute, or what is chosen for the target.
    LinearStrategyAttr getStrategyOrDefault();
  }];
}

def Kern_QuantizeRowsOp : Kern_PanelOp<"quantize_rows"> {
  let summary = "f32 rows as the packed activations of a linear";
  let description = [{
    Writes `rows` rows of `input` ([rows, K] f32) in the order that `kern.linear` reads, with their scales and the
    sums of each group of the weight that they will meet (any weight with the same columns and group will do).
    `activationBytes` says how large `output` is. Items are blocks of `mr` rows.

    `params`: for a static scale, its f32 and (where `activation` has a zero point) its integer, each a memref with
    one element; for a dynamic scale a tensor the extremes that `kern.row_range` wrote.
  }];
  let arguments = (ins Index:$begin, Index:$end, Index:$rows, AnyMemRef:$input, Variadic<AnyMemRef>:$params,
                       AnyMemRef:$output, TypeAttrOf<Kern_WeightType>:$weight,
                       Kern_ActivationAttr:$activation, OptionalAttr<Kern_LinearStrategyAttr>:$strategy);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `rows` `(` $rows `)` `ins` `(` $input `:` type($input) `)`
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $output `:` type($output) `)` `for` $weight `activation` $activation (`strategy` $strategy^)? attr-dict
  }];
  let extraClassDeclaration = [{
    ::sinter::qt::QuantTensorType getWeightType() { return ::llvm::cast<::sinter::qt::QuantTensorType>(getWeight()); }
    LinearStrategyAttr getStrategyOrDefault();
  }];
}

def Kern_RowRangeOp : Kern_PanelOp<"row_range"> {
  let summary = "the extremes of blocks of rows";
  let description = [{
    Item i writes the least and the greatest value, and 0, of rows [i * 16, i * 16 + 16) of `input` to `output`[i,
    0] and [i, 1].
  }];
  let arguments = (ins Index:$begin, Index:$end, Index:$rows, AnyMemRef:$input, AnyMemRef:$output);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `rows` `(` $rows `)` `ins` `(` $input `:` type($input) `)`
    `outs` `(` $output `:` type($output) `)` attr-dict
  }];
}

def Kern_GatherRowsOp : Kern_PanelOp<"gather_rows"> {
  let summary = "rows of a packed weight as f32: an embedding";
  let description = [{
    out[i, :] = row ids[i] of the weight, for `rows` ids. A negative id counts from the end; one outside the table
    gives its nearest row. Items are ids.
  }];
  let arguments = (ins Index:$begin, Index:$end, Index:$rows, AnyMemRef:$ids, AnyMemRef:$weights, AnyMemRef:$output,
                       TypeAttrOf<Kern_WeightType>:$weight, Kern_PanelAttr:$panel);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `rows` `(` $rows `)` `ids` `(` $ids `:` type($ids) `)`
    `weights` `(` $weights `:` type($weights) `)`
    `outs` `(` $output `:` type($output) `)` `as` $weight `panel` $panel attr-dict
  }];
  let extraClassDeclaration = [{
    ::sinter::qt::QuantTensorType getWeightType() { return ::llvm::cast<::sinter::qt::QuantTensorType>(getWeight()); }
  }];
}

#endif // SINTER_KERN_LINEAROPS_TD
