//===- Graph.td - the graph dialect -------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_GRAPH_TD
#define SINTER_GRAPH_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// Words of the qt dialect: its .td would define its enums here once more.
def Graph_WeightType : Type<CPred<"::llvm::isa<::sinter::qt::QuantTensorType>($_self)">, "quantized tensor", "::sinter::qt::QuantTensorType">;
def Graph_ActivationAttr : Attr<CPred<"::llvm::isa<::sinter::qt::ActivationAttr>($_self)">, "activation format"> {
  let storageType = "::sinter::qt::ActivationAttr";
  let returnType = "::sinter::qt::ActivationAttr";
  let convertFromStorage = "$_self";
}

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::sinter::graph";
  let summary = "the vocabulary of transformers, on tensors";
  let dependentDialects = ["::sinter::qt::QTDialect"];
  let useDefaultAttributePrinterParser = 1;
  let description = [{
    What a transformer is made of, where upstream has no word for it. Elementwise and data-movement operations are
    `tensor.generate`: a function from an output index to a scalar. Sizes that are known only at run time are index arithmetic on `graph.dim`.

    `--convert-graph-to-linalg` (`passes/Lower/Reference`) writes down what each of these operations means, as loops. Integers are signed. Sums of floats narrower
    than f32 are f32; the order of sums is a kernel's own.
  }];
}

class Graph_Op<string mnemonic, list<Trait> traits = []> : Op<Graph_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

def Graph_SymbolKind : I32EnumAttr<"SymbolKind", "where a symbol's value comes from", [
  I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"Past", 1, "past">, I32EnumAttrCase<"First", 2, "first">]> {
  let cppNamespace = "::sinter::graph";
  let genSpecializedAttr = 0;
}
def Graph_SymbolKindAttr : EnumAttr<Graph_Dialect, Graph_SymbolKind, "kind">;

def Graph_SymbolOp : Graph_Op<"symbol", [Symbol]> {
  let summary = "a run-time size with static bounds";
  let description = [{
    `input`: read from the shape of an input. `past`: the number of tokens in the session's cache. `first`: the first
    row whose result is wanted.

    ```mlir
    graph.symbol @sequence_length input 1 to 512
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Graph_SymbolKindAttr:$kind, I64Attr:$lo, I64Attr:$hi);
  let assemblyFormat = "$sym_name $kind $lo `to` $hi attr-dict";
  let hasVerifier = 1;
}

def Graph_DimOp : Graph_Op<"dim", [Pure]> {
  let summary = "the value of a symbol";
  let arguments = (ins FlatSymbolRefAttr:$symbol);
  let results = (outs Index:$result);
  let assemblyFormat = "$symbol attr-dict";
}

def Graph_BindOp : Graph_Op<"bind"> {
  let summary = "says what the sizes of an input or output are";
  let description = "One index value an axis. A run checks them.";
  let arguments = (ins AnyRankedTensor:$tensor, Variadic<Index>:$sizes);
  let assemblyFormat = "$tensor `[` $sizes `]` attr-dict `:` type($tensor)";
}

//===----------------------------------------------------------------------===//
// Transformer operations
//===----------------------------------------------------------------------===//

def Graph_LinearOp : Graph_Op<"linear", [Pure]> {
  let summary = "rows times a weight";
  let description = [{
    `result[..., n] = sum_k input[..., k] * weight[n, k]`. The weight is a `qt` tensor [N, K]; `activation` (a `qt` activation
    format) says how the input is quantized first, none: not at all. `params` has what a static format needs: its scale (f32) and, where it has a
    zero point, that (8 bits), each a tensor of one element.

    ```mlir
    %y = graph.linear %x, %w params(%scale, %zero : tensor<f32>, tensor<i8>) {activation = #qt.act<type = ui8, granularity = tensor, scale = static, zp = true>}
        : tensor<?x64xf32>, !qt.tensor<32x64, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>> -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Graph_WeightType:$weight, Variadic<AnyRankedTensor>:$params, OptionalAttr<Graph_ActivationAttr>:$activation);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`params` `(` $params^ `:` type($params) `)`)? attr-dict `:` type($input) `,` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Graph_EmbeddingOp : Graph_Op<"embedding", [Pure]> {
  let summary = "rows of a weight";
  let description = [{
    `result[..., k] = weight[ids[...], k]`, ids below 0 counted from the end, ids outside the table the nearest row; the weight is a `qt` tensor [N, K].
  }];
  let arguments = (ins AnyRankedTensor:$ids, Graph_WeightType:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$ids `,` $weight attr-dict `:` type($ids) `,` type($weight) `->` type($result)";
}

def Graph_MatMulOp : Graph_Op<"matmul", [Pure]> {
  let summary = "batched product of two activations";
  let description = "`result[b..., m, n] = sum_k a[b..., m, k] * b[b..., k, n]`; equal batch dims; integers accumulate in the result's type.";
  let arguments = (ins AnyRankedTensor:$a, AnyRankedTensor:$b);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b) `->` type($result)";
  let hasVerifier = 1;
}

def Graph_NormOp : Graph_Op<"norm", [Pure, SameOperandsAndResultType]> {
  let summary = "normalises the last axis, without scale and bias";
  let description = [{
    `rms`: `x / sqrt(mean(x^2) + epsilon)`; `layer`: `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`.
  }];
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$kind, F32Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Graph_SoftmaxOp : Graph_Op<"softmax", [Pure, SameOperandsAndResultType]> {
  let summary = "softmax over the last axis";
  let description = "`exp(x - max(x)) / sum(exp(x - max(x)))`, with `log` its logarithm.";
  let arguments = (ins AnyRankedTensor:$input, UnitAttr:$log);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Graph_ReduceOp : Graph_Op<"reduce", [Pure]> {
  let summary = "reduces axes, which vanish from the shape";
  let description = [{
    `kind` is add, mul, max, min, argmax, argmin. The last two give the place (first of equals; `last` for the last) as i64, counted in row-major order over the axes.
    Of nothing: 0, 1, the least number, the greatest, place 0. A NaN is never the best place.
  }];
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$kind, DenseI64ArrayAttr:$axes, UnitAttr:$last);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $input `axes` $axes attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Graph_ScanOp : Graph_Op<"scan", [Pure, SameOperandsAndResultType]> {
  let summary = "running sum along an axis";
  let description = "`result[i] = sum of input[j], j <= i`; with `exclusive` j < i; with `reverse` from the other end.";
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$axis, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `axis` $axis attr-dict `:` type($result)";
}

def Graph_ScatterOp : Graph_Op<"scatter", [Pure]> {
  let summary = "a tensor with elements replaced at computed places";
  let description = [{
    `indices` [U..., n] name elements, or slices, of `base` by its first n axes (below 0: from the end; outside: the nearest); each becomes that of `updates`
    [U..., rest of base], in row-major order, or is combined with it: `combine` is add, mul, max or min.
  }];
  let arguments = (ins AnyRankedTensor:$base, AnyRankedTensor:$indices, AnyRankedTensor:$updates, OptionalAttr<StrAttr>:$combine);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $base `,` $indices `,` $updates (`combine` $combine^)? attr-dict `:` type($base) `,` type($indices) `,` type($updates) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Graph_TopKOp : Graph_Op<"topk", [Pure]> {
  let summary = "the `k` largest (or smallest) elements of the last axis, best first, and where they were";
  let description = "Of equal elements the first comes first. Places are i64. `k` is at most the size of the axis.";
  let arguments = (ins AnyRankedTensor:$input, Index:$k, UnitAttr:$largest);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
  let assemblyFormat = "$input `,` $k attr-dict `:` type($input) `->` type($values) `,` type($indices)";
}

//===----------------------------------------------------------------------===//
// Attention and its cache
//===----------------------------------------------------------------------===//

def Graph_AppendOp : Graph_Op<"append", [Pure]> {
  let summary = "past tokens followed by new ones";
  let description = [{
    [B, H, P, D] and [B, H, S, D] give [B, H, P+S, D]: the tensor form of a cache's append. With `half` the past is stacked, [2, B, H, P, D], keys before values, and
    the result continues that half of it. A past of another float type is rounded to the result's.
  }];
  let arguments = (ins AnyRankedTensor:$past, AnyRankedTensor:$update, I64Attr:$axis, OptionalAttr<I64Attr>:$half);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$past (`half` $half^)? `,` $update `axis` $axis attr-dict `:` type($past) `,` type($update) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The axis of the past that is its length.
    int64_t getPastAxis() { return getAxis() + (getHalf() ? 1 : 0); }
  }];
}

def Graph_AttentionOp : Graph_Op<"attention", [Pure, AttrSizedOperandSegments]> {
  let summary = "scaled dot product attention with grouped heads";
  let description = [{
    query [B, H, S, D], key [B, G, T, D], value [B, G, T, E], H a multiple of G, give [B, S, H, E] (heads behind rows, as the next
    linear reads them). Scores are `scale * q.k`, then `softcap * tanh(x / softcap)` where softcap is not 0, then the
    mask [B|1, H|1, S|1, T] is added (float) or kept where true (i1). `causal`: key j is visible to row i only where j <= T - S + i;
    `window` W > 0: and j > T - S + i - W. With `outside`, keys that those two exclude
    are not invisible: the mask gives each of them a finite bias of at most that much, so they weigh nothing unless all of the row's keys do, and the two only tell
    kernels what can be skipped. `sinks` [H]: one more logit a head that takes weight and gives nothing. A row without a visible key and without a sink
    is NaN, or 0 with `zero_masked_rows`.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key, AnyRankedTensor:$value,
                       Optional<AnyRankedTensor>:$mask, Optional<AnyRankedTensor>:$sinks,
                       F32Attr:$scale, DefaultValuedAttr<F32Attr, "0.0f">:$softcap, UnitAttr:$causal,
                       DefaultValuedAttr<I64Attr, "0">:$window, OptionalAttr<F32Attr>:$outside, UnitAttr:$zero_masked_rows);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` $mask^ `:` type($mask))? (`sinks` $sinks^ `:` type($sinks))? attr-dict
    `:` type($query) `,` type($key) `,` type($value) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$query, "::mlir::Value":$key, "::mlir::Value":$value, "::mlir::Value":$mask,
                                 "::mlir::Value":$sinks, "::llvm::APFloat":$scale, "::llvm::APFloat":$softcap, "bool":$causal, "int64_t":$window,
                                 "bool":$zeroMaskedRows), [{
    build($_builder, $_state, result, query, key, value, mask, sinks, scale, softcap, causal, uint64_t(window), /*outside=*/::mlir::FloatAttr(),
          zeroMaskedRows);
  }]>];
  let hasVerifier = 1;
}

#endif // SINTER_GRAPH_TD
