//===- FusedAttention.cpp - onnxruntime's attention operators -----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Expansion.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Rules/AttentionParts.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// com.microsoft MultiHeadAttention, and what Attention is behind its projection, in one form.
struct Fused {
  /// Where a head's channels are.
  enum Form {
    Rows,     ///< [B, L, heads * size], at `column`
    PackedQkv, ///< [B, L, heads, 3, size], at `part`
    PackedKv, ///< [B, L, heads, 2, size], at `part`
    Heads,    ///< [B, heads, L, size]
  };
  struct Source {
    Value value;
    Form form = Rows;
    int64_t column = 0, part = 0;
    int64_t biasColumn = 0;
  };
  Source source[3]; ///< queries, keys, values
  Value bias, keyMask, scoreBias, pastKey, pastValue;
  bool stacked = false; ///< pastKey holds keys and values
  AttentionSizes sizes;
  Type element;
};

/// Lengths and the past, once the sources are known.
LogicalResult settle(NodeOp node, Fused &f, Inference &infer) {
  AttentionSizes &s = f.sizes;
  s.groups = s.heads;
  if (f.pastKey) {
    const TensorInfo key = infer[f.pastKey];
    unsigned lead = f.stacked;
    if (key.rank() != 4 + lead)
      return node.emitError("expected a past of rank ") << 4 + lead << ", but got rank " << key.rank();
    if ((f.stacked && failed(infer.unify(node, key.shape[0], 2, "halves of the past"))) ||
        failed(infer.unify(node, key.shape[lead], s.batch, "batch sizes of queries and past")) ||
        failed(infer.unify(node, key.shape[lead + 1], s.heads, "numbers of heads")) || failed(infer.unify(node, key.shape[lead + 3], s.headSize, "head sizes")))
      return failure();
    s.past = key.shape[lead + 2];
    if (f.pastValue) {
      const TensorInfo value = infer[f.pastValue];
      if (value.rank() != 4 || failed(infer.unify(node, value.shape[0], s.batch, "batch sizes of queries and past")) ||
          failed(infer.unify(node, value.shape[1], s.heads, "numbers of heads")) || failed(infer.unify(node, value.shape[2], s.past, "past lengths")) ||
          failed(infer.unify(node, value.shape[3], s.valueSize, "head sizes")))
        return failure();
    } else if (s.headSize != s.valueSize) {
      return node.emitError("expected keys and values of one head size in a stacked past");
    }
  }
  auto resolve = [&](SymExpr &e) { e = infer.symbols.resolve(e); };
  resolve(s.batch);
  resolve(s.tokens);
  resolve(s.past);
  resolve(s.newKeys);
  s.total = infer.symbols.resolve(s.past + s.newKeys);
  if (f.bias && (infer[f.bias].rank() != 1 || failed(infer.unify(node, infer[f.bias].shape[0], s.heads * (2 * s.headSize + s.valueSize), "sizes of the bias"))))
    return failure();
  return success(succeeded(inferKeyMask(node, f.keyMask, s, infer)) && succeeded(inferScoreBias(node, f.scoreBias, s, infer)));
}

/// sinter.PackedAttention(qkv [B, S, heads * (2D + E)], mask_index?, past?, attention_bias?): Attention without its projection.
FailureOr<Fused> packedAttention(NodeOp node, Inference &infer) {
  Fused f;
  const TensorInfo qkv = infer[node.getInputs()[0]];
  auto width = qkv.rank() == 3 ? infer.symbols.resolve(qkv.shape[2]).constant() : std::nullopt;
  AttentionSizes &s = f.sizes;
  s.heads = node.getInt("num_heads", 0);
  if (!width || s.heads <= 0)
    return node.emitError("expected an input of rank 3 with a fixed width, and num_heads above 0");
  SmallVector<int64_t> widths(3, *width / 3);
  if (auto given = node.getInts("qkv_hidden_sizes")) {
    if (given->size() != 3 || (*given)[0] != (*given)[1])
      return node.emitError("expected three qkv_hidden_sizes, the first two equal");
    widths.assign(given->begin(), given->end());
  }
  if (widths[0] + widths[1] + widths[2] != *width || widths[0] <= 0 || widths[2] <= 0 || widths[0] % s.heads || widths[2] % s.heads)
    return node.emitError("expected a width that divides into queries, keys and values of ") << s.heads << " heads, but got " << *width;
  f.element = qkv.element;
  int64_t column = 0;
  for (unsigned i = 0; i < 3; ++i) {
    f.source[i] = {node.getInputs()[0], Fused::Rows, column, 0, 0};
    column += widths[i];
  }
  s.batch = qkv.shape[0];
  s.tokens = s.newKeys = qkv.shape[1];
  s.headSize = widths[0] / s.heads;
  s.valueSize = widths[2] / s.heads;
  f.keyMask = node.getInputOrNull(1);
  f.pastKey = node.getInputOrNull(2);
  f.scoreBias = node.getInputOrNull(3);
  f.stacked = true;
  if (failed(settle(node, f, infer)))
    return failure();
  return f;
}

FailureOr<Fused> multiHead(NodeOp node, Inference &infer) {
  enum { Query, Key, Val, Bias, KeyMask, ScoreBias, PastKey, PastValue, PastLength, Indirection };
  if (node.getInputOrNull(PastLength) || node.getInputOrNull(Indirection))
    return node.emitError("a past of fixed capacity (past_sequence_length, cache_indirection) is not supported");
  Fused f;
  AttentionSizes &s = f.sizes;
  s.heads = node.getInt("num_heads", 0);
  if (s.heads <= 0)
    return node.emitError("expected num_heads above 0");
  Value query = node.getInputs()[Query], key = node.getInputOrNull(Key), value = node.getInputOrNull(Val);
  const TensorInfo q = infer[query], k = key ? infer[key] : TensorInfo(), v = value ? infer[value] : TensorInfo();
  f.element = q.element;
  auto constant = [&](const SymExpr &e) { return infer.symbols.resolve(e).constant().value_or(0); };
  bool packed = !key && !value && q.rank() == 5, packedKv = key && !value && k.rank() == 5, heads = key && value && k.rank() == 4 && v.rank() == 4;
  bool rows = key && value && k.rank() == 3 && v.rank() == 3;
  if (!packed && (q.rank() != 3 || !(packedKv || heads || rows)))
    return node.emitError("expected queries [B, S, heads * size] with keys and values of rank 3 or 4, or packed ones of rank 5");
  if (packed) {
    s.headSize = s.valueSize = constant(q.shape[4]);
    if (constant(q.shape[2]) != s.heads || constant(q.shape[3]) != 3)
      return node.emitError("expected packed queries, keys and values [B, S, ") << s.heads << ", 3, size]";
    s.newKeys = q.shape[1];
    for (int64_t i = 0; i < 3; ++i)
      f.source[i] = {query, Fused::PackedQkv, 0, i, 0};
  } else {
    int64_t width = constant(q.shape[2]);
    s.headSize = width / s.heads;
    f.source[0] = {query, Fused::Rows, 0, 0, 0};
    if (packedKv) {
      s.valueSize = s.headSize;
      if (constant(k.shape[2]) != s.heads || constant(k.shape[3]) != 2 || constant(k.shape[4]) != s.headSize)
        return node.emitError("expected packed keys and values [B, L, ") << s.heads << ", 2, " << s.headSize << "]";
      s.newKeys = k.shape[1];
      for (int64_t i = 0; i < 2; ++i)
        f.source[i + 1] = {key, Fused::PackedKv, 0, i, 0};
    } else {
      unsigned length = heads ? 2 : 1;
      s.valueSize = heads ? constant(v.shape[3]) : constant(v.shape[2]) / s.heads;
      if (heads ? constant(k.shape[1]) != s.heads || constant(k.shape[3]) != s.headSize : constant(k.shape[2]) != width)
        return node.emitError("expected keys as wide as queries");
      s.newKeys = k.shape[length];
      if (failed(infer.unify(node, v.shape[length], s.newKeys, "lengths of keys and values")))
        return failure();
      f.source[1] = {key, heads ? Fused::Heads : Fused::Rows, 0, 0, 0};
      f.source[2] = {value, heads ? Fused::Heads : Fused::Rows, 0, 0, 0};
    }
    if (failed(infer.unify(node, k.shape[0], q.shape[0], "batch sizes of queries and keys")))
      return failure();
    if (width % s.heads)
      return node.emitError("expected a fixed width that divides into ") << s.heads << " heads";
  }
  if (s.headSize <= 0 || s.valueSize <= 0)
    return node.emitError("expected a fixed width that divides into ") << s.heads << " heads";
  for (unsigned i = 0; i < 3; ++i)
    f.source[i].biasColumn = i * s.heads * s.headSize;
  s.batch = q.shape[0];
  s.tokens = q.shape[1];
  f.bias = node.getInputOrNull(Bias);
  f.keyMask = node.getInputOrNull(KeyMask);
  f.scoreBias = node.getInputOrNull(ScoreBias);
  f.pastKey = node.getInputOrNull(PastKey);
  f.pastValue = node.getInputOrNull(PastValue);
  if (bool(f.pastKey) != bool(f.pastValue))
    return node.emitError("expected past keys and past values, or neither");
  if (failed(settle(node, f, infer)))
    return failure();
  return f;
}

/// [B, heads, L, size] of queries (0), keys (1) or values (2).
Value headsOf(Lowering &lower, Location loc, const Fused &f, unsigned which) {
  const AttentionSizes &s = f.sizes;
  const Fused::Source &source = f.source[which];
  int64_t size = which == 2 ? s.valueSize : s.headSize;
  // Keys and values that come as heads were projected, with their bias, elsewhere.
  bool biased = f.bias && source.form != Fused::Heads;
  return lower.generate(loc, {s.batch, SymExpr(s.heads), which ? s.newKeys : s.tokens, SymExpr(size)}, f.element,
                        [&](OpBuilder &b, Location l, ValueRange i) -> Value {
                          Value column = arith::AddIOp::create(b, l, arith::MulIOp::create(b, l, i[1], constantIndex(b, l, size)), i[3]);
                          auto plus = [&](int64_t offset) {
                            return offset ? arith::AddIOp::create(b, l, column, constantIndex(b, l, offset)).getResult() : column;
                          };
                          SmallVector<Value> at{i[0], i[2], i[1], constantIndex(b, l, source.part), i[3]};
                          if (source.form == Fused::Rows)
                            at = {i[0], i[2], plus(source.column)};
                          else if (source.form == Fused::Heads)
                            at.assign(i.begin(), i.end());
                          Value x = lower.read(b, l, source.value, at);
                          if (biased)
                            x = arith::AddFOp::create(b, l, x, lower.read(b, l, f.bias, plus(source.biasColumn)));
                          return x;
                        });
}

/// Attention over what `f` says; presents, stacked or not, are the results behind the first.
LogicalResult lowerFused(NodeOp node, Lowering &lower, const Fused &f) {
  Location loc = node.getLoc();
  const AttentionSizes &s = f.sizes;
  AttentionParts parts;
  parts.sizes = s;
  parts.element = f.element;
  parts.query = headsOf(lower, loc, f, 0);
  Value halves[2];
  for (unsigned half = 0; half < 2; ++half) {
    halves[half] = headsOf(lower, loc, f, half + 1);
    Value past = half && !f.stacked ? f.pastValue : f.pastKey;
    if (past)
      halves[half] = appendPast(lower, loc, past, halves[half], {s.batch, SymExpr(s.heads), s.total, SymExpr(half ? s.valueSize : s.headSize)}, half, f.stacked);
  }
  parts.key = halves[0];
  parts.value = halves[1];
  bool causal = node.getInt("unidirectional", 0);
  // Without as many queries as keys, positions count from the past's end.
  if (causal && !lower.infer.symbols.equal(s.newKeys, s.tokens))
    return node.emitError("unidirectional attention to other tokens than the queries' is not supported");
  parts.causal = causal;
  parts.scale = node.getFloat("scale", 0);
  parts.mask = buildKeyMask(lower, loc, f.keyMask, f.scoreBias, node.getFloat("mask_filter_value", -10000), s);
  lower.map(node.getResult(0), buildAttention(lower, loc, parts));
  if (node.getNumResults() < 2)
    return success();
  if (!f.stacked) {
    for (unsigned half = 0; half < 2 && half + 1 < node.getNumResults(); ++half)
      lower.map(node.getResult(half + 1), halves[half]);
    if (node.hasUsedOutput(3))
      return node.emitError("the scores as an output are not supported");
    return success();
  }
  if (node.hasUsedOutput(1))
    lower.map(node.getResult(1), lower.generate(loc, lower.infer[node.getResult(1)].shape, f.element, [&](OpBuilder &b, Location l, ValueRange i) {
      Value first = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, i[0], constantIndex(b, l, 0));
      Value x = tensor::ExtractOp::create(b, l, halves[0], i.drop_front()), y = tensor::ExtractOp::create(b, l, halves[1], i.drop_front());
      return arith::SelectOp::create(b, l, first, x, y).getResult();
    }));
  return success();
}

using Reader = FailureOr<Fused> (*)(NodeOp, Inference &);

Rule fusedRule(Reader reader) {
  Rule rule;
  rule.infer = [reader](NodeOp node, Inference &infer) -> LogicalResult {
    auto f = reader(node, infer);
    if (failed(f))
      return failure();
    const AttentionSizes &s = f->sizes;
    infer.set(node.getResult(0), {f->element, {s.batch, s.tokens, SymExpr(s.heads * s.valueSize)}, {}});
    for (unsigned i = 1; i < node.getNumResults(); ++i) {
      Shape shape{s.batch, SymExpr(s.heads), s.total, SymExpr(i == 2 ? s.valueSize : s.headSize)};
      if (f->stacked)
        shape.insert(shape.begin(), SymExpr(2));
      infer.set(node.getResult(i), {f->element, shape, {}});
    }
    return success();
  };
  rule.lower = [reader](NodeOp node, Lowering &lower) -> LogicalResult {
    auto f = reader(node, lower.infer);
    return failed(f) ? failure() : lowerFused(node, lower, *f);
  };
  return rule;
}

/// What Attention and QAttention refuse.
LogicalResult checkPacked(NodeOp node, Value pastLength) {
  if (node.getInt("do_rotary", 0))
    return node.emitError("do_rotary is not supported in ") << node.getOpType();
  if (pastLength || node.getInt("past_present_share_buffer", 0))
    return node.emitError("a past of fixed capacity (past_present_share_buffer) is not supported");
  return success();
}

/// The attention behind a projection, with the options of `node`.
void replaceByPacked(NodeOp node, Expansion &e, Value qkv, Value mask, Value past, Value bias) {
  SmallVector<NamedAttribute> attributes;
  for (NamedAttribute attribute : node.getAttrs())
    if (llvm::is_contained({"num_heads", "unidirectional", "scale", "mask_filter_value", "qkv_hidden_sizes"}, attribute.getName().getValue()))
      attributes.push_back(attribute);
  auto results = e.nodes("PackedAttention", {qkv, mask, past, bias}, node.getNumResults(), attributes, "sinter");
  for (auto [i, result] : llvm::enumerate(results))
    e.replace(i, result);
}

/// Attention(input, weights, bias?, mask_index?, past?, attention_bias?, past_sequence_length?)
LogicalResult expandAttention(NodeOp node, Inference &, Expansion &e) {
  if (failed(checkPacked(node, node.getInputOrNull(6))))
    return failure();
  Value qkv = e.node("MatMul", {node.getInputs()[0], node.getInputs()[1]});
  if (Value bias = node.getInputOrNull(2))
    qkv = e.node("Add", {qkv, bias});
  replaceByPacked(node, e, qkv, node.getInputOrNull(3), node.getInputOrNull(4), node.getInputOrNull(5));
  return success();
}

/// QAttention(input, weight, bias, input_scale, weight_scale, mask_index?, input_zero_point?, weight_zero_point?, past?)
LogicalResult expandQAttention(NodeOp node, Inference &, Expansion &e) {
  if (failed(checkPacked(node, {})))
    return failure();
  ValueRange in = node.getInputs();
  Value qkv = e.integerProduct(in[0], in[1], in[3], in[4], node.getInputOrNull(6), node.getInputOrNull(7));
  replaceByPacked(node, e, e.node("Add", {qkv, in[2]}), node.getInputOrNull(5), node.getInputOrNull(8), {});
  return success();
}

} // namespace

void sinter::raise::addFusedAttentionRules(RuleTable &table) {
  table.add("sinter", "PackedAttention", fusedRule(packedAttention));
  table.add("com.microsoft", "MultiHeadAttention", fusedRule(multiHead));
  table.add("com.microsoft", "Attention", {{}, {}, expandAttention});
  table.add("com.microsoft", "QAttention", {{}, {}, expandQAttention});
}
