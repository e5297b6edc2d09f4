//===- Attention.cpp - attention as one operator ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Rules/AttentionParts.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// com.microsoft GroupQueryAttention, of one sequence whose tokens are contiguous.
struct GroupQuery {
  int64_t heads, groups, headSize;
  bool packed;
};

FailureOr<GroupQuery> groupQuery(NodeOp node, Inference &infer) {
  GroupQuery g;
  g.heads = node.getInt("num_heads", 0);
  g.groups = node.getInt("kv_num_heads", 0);
  if (g.heads <= 0 || g.groups <= 0 || g.heads % g.groups)
    return node.emitError("expected num_heads to be a multiple of kv_num_heads");
  const TensorInfo &query = infer[node.getInputs()[0]];
  auto width = query.rank() == 3 ? infer.symbols.resolve(query.shape[2]).constant() : std::nullopt;
  g.packed = !node.getInputOrNull(1);
  int64_t parts = g.packed ? g.heads + 2 * g.groups : g.heads;
  if (!width || *width % parts)
    return node.emitError("expected a query of rank 3 whose width divides into ") << parts << " heads";
  g.headSize = *width / parts;
  for (StringRef name : {"k_quant_type", "v_quant_type"})
    if (StringRef type = node.getString(name, "NONE"); type != "NONE")
      return node.emitError("a quantized cache (") << name << " = " << type << ") is not supported";
  if (!(node.getFloat("softcap", 0) >= 0))
    return node.emitError("expected a softcap that is not negative");
  if (node.getInt("smooth_softmax", 0) || node.getInt("qk_output", 0))
    return node.emitError("smooth_softmax and qk_output are not supported");
  return g;
}

LogicalResult inferGroupQuery(NodeOp node, Inference &infer) {
  auto g = groupQuery(node, infer);
  if (failed(g))
    return failure();
  const TensorInfo query = infer[node.getInputs()[0]];
  for (unsigned i : {1u, 2u}) {
    if (g->packed)
      break;
    Value v = node.getInputOrNull(i);
    if (!v || infer[v].rank() != 3)
      return node.emitError("expected keys and values of rank 3, or neither");
    const Shape expected{query.shape[0], query.shape[1], SymExpr(g->groups * g->headSize)};
    for (unsigned d = 0; d < 3; ++d)
      if (failed(infer.unify(node, infer[v].shape[d], expected[d], "sizes of queries, and of keys or values")))
        return failure();
  }
  if (Value positions = node.getInputOrNull(9); positions && infer[positions].rank() != 2)
    return node.emitError("expected position_ids of rank 2");
  if (failed(infer.broadcastsTo(node, 9, ArrayRef(query.shape).take_front(2))))
    return failure();
  TensorInfo out = query;
  out.shape[2] = g->heads * g->headSize;
  infer.set(node.getResult(0), out);
  SymExpr past = 0;
  for (unsigned i : {3u, 4u}) {
    Value v = node.getInputOrNull(i);
    if (!v)
      continue;
    const TensorInfo cache = infer[v];
    if (cache.rank() != 4)
      return node.emitError("expected past keys and values of rank 4");
    // Lengths that differ from sequence to sequence are not kept.
    if (failed(infer.unify(node, query.shape[0], 1, "batch sizes (one sequence is supported with a cache)")) ||
        failed(infer.unify(node, cache.shape[0], query.shape[0], "batch sizes")) || failed(infer.unify(node, cache.shape[1], g->groups, "numbers of KV heads")) ||
        failed(infer.unify(node, cache.shape[3], g->headSize, "head sizes")))
      return failure();
    if (i == 4 && failed(infer.unify(node, past, cache.shape[2], "past lengths")))
      return failure();
    past = cache.shape[2];
  }
  SymExpr total = infer.symbols.resolve(past + query.shape[1]);
  if (Value v = node.getInputOrNull(6); v && infer[v].elements && infer[v].elements->size() == 1)
    if (failed(infer.unify(node, infer[v].elements->front(), total, "total lengths")))
      return failure();
  for (unsigned i = 1; i < node.getNumResults() && i < 3; ++i)
    infer.set(node.getResult(i), {query.element, {query.shape[0], SymExpr(g->groups), infer.symbols.resolve(total), SymExpr(g->headSize)}, {}});
  for (unsigned i = 3; i < node.getNumResults(); ++i)
    infer.set(node.getResult(i), out);
  return success();
}

LogicalResult lowerGroupQuery(NodeOp node, Lowering &lower) {
  Inference &infer = lower.infer;
  auto g = groupQuery(node, infer);
  if (failed(g))
    return failure();
  Location loc = node.getLoc();
  const TensorInfo query = infer[node.getInputs()[0]];
  if (node.getInputOrNull(12) || node.getInputOrNull(13))
    return node.emitError("cache scales are not supported");
  Value norms[] = {node.getInputOrNull(14), node.getInputOrNull(15), Value()};
  bool rotaryOn = node.getInt("do_rotary", 0), interleaved = node.getInt("rotary_interleaved", 0);
  Value cosCache = node.getInputOrNull(7), sinCache = node.getInputOrNull(8), positions = node.getInputOrNull(9);
  int64_t rotary = 0;
  if (rotaryOn) {
    if (!cosCache || !sinCache || infer[cosCache].rank() != 2)
      return node.emitError("expected cos_cache and sin_cache of rank 2 with do_rotary");
    if (infer[sinCache].rank() != 2 || !infer.symbols.equal(infer[sinCache].shape[0], infer[cosCache].shape[0]) ||
        !infer.symbols.equal(infer[sinCache].shape[1], infer[cosCache].shape[1]))
      return node.emitError("expected a cos_cache and a sin_cache of one shape");
    auto halfWidth = infer.symbols.resolve(infer[cosCache].shape[1]).constant();
    if (!halfWidth || *halfWidth * 2 > g->headSize)
      return node.emitError("expected a cos_cache at most half as wide as a head");
    rotary = *halfWidth * 2;
  }
  Value pastKey = node.getInputOrNull(3), pastValue = node.getInputOrNull(4);
  SymExpr past = pastKey ? infer.symbols.resolve(infer[pastKey].shape[2]) : SymExpr(0);
  const SymExpr batch = query.shape[0], tokens = query.shape[1];

  // Element (sequence, head, token, channel) of the queries (part 0), keys (1) or values (2).
  auto heads = [&](unsigned part, bool rotated) {
    int64_t count = part == 0 ? g->heads : g->groups;
    Value source = part == 0 || g->packed ? node.getInputs()[0] : node.getInputs()[part];
    int64_t offset = !g->packed || part == 0 ? 0 : part == 1 ? g->heads * g->headSize : (g->heads + g->groups) * g->headSize;
    Type element = query.element, f32 = lower.builder.getF32Type();
    Shape shape{batch, SymExpr(count), tokens, SymExpr(g->headSize)};
    auto plain = [&](OpBuilder &b, Location l, ValueRange i, Value channel) {
      Value column = arith::AddIOp::create(b, l, arith::MulIOp::create(b, l, i[1], constantIndex(b, l, g->headSize)), channel);
      if (offset)
        column = arith::AddIOp::create(b, l, column, constantIndex(b, l, offset));
      return lower.read(b, l, source, ValueRange{i[0], i[2], column});
    };
    // Each head is normalised before it is rotated, where the operator has weights for that.
    Value normalized;
    if (norms[part]) {
      Value wide = lower.generate(loc, shape, f32, [&](OpBuilder &b, Location l, ValueRange i) { return castElement(b, l, plain(b, l, i, i[3]), element, f32); });
      normalized = sinter::graph::NormOp::create(lower.builder, loc, wide.getType(), wide, "rms", llvm::APFloat(float(node.getFloat("qk_norm_epsilon", 1e-6))));
    }
    return lower.generate(loc, shape, element, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
      auto x = [&](Value channel) -> Value {
        if (!normalized)
          return plain(b, l, i, channel);
        Value weight = castElement(b, l, lower.read(b, l, norms[part], channel), lower.infer[norms[part]].element, f32);
        Value y = arith::MulFOp::create(b, l, tensor::ExtractOp::create(b, l, normalized, ValueRange{i[0], i[1], i[2], channel}), weight);
        return castElement(b, l, y, f32, element);
      };
      if (!rotated)
        return x(i[3]);
      Value position = positions ? toIndex(b, l, lower.readBroadcast(b, l, positions, ValueRange{i[0], i[2]}))
                                 : arith::AddIOp::create(b, l, lower.size(b, l, past), i[2]).getResult();
      position = safeIndex(b, l, position, lower.size(b, l, infer[cosCache].shape[0]));
      auto table = [&](Value cache) { return [&, cache](Value half) { return lower.read(b, l, cache, ValueRange{position, half}); }; };
      auto cosine = table(cosCache), sine = table(sinCache);
      return rotateChannel(b, l, i[3], rotary, g->headSize, interleaved, x, cosine, sine);
    });
  };
  Value q = heads(0, rotaryOn), k = heads(1, rotaryOn), v = heads(2, false);
  AttentionParts parts;
  SymExpr total = infer.symbols.resolve(past + tokens);
  parts.sizes = {batch, tokens, past, tokens, total, g->heads, g->groups, g->headSize, g->headSize};
  if (pastKey && pastValue) {
    Shape present{batch, SymExpr(g->groups), total, SymExpr(g->headSize)};
    k = appendPast(lower, loc, pastKey, k, present, 0, /*stacked=*/false);
    v = appendPast(lower, loc, pastValue, v, present, 1, /*stacked=*/false);
  }
  for (unsigned i = 1; i < node.getNumResults() && i < 3; ++i)
    lower.map(node.getResult(i), i == 1 ? k : v);
  Value bias = node.getInputOrNull(10), sinks = node.getInputOrNull(11);
  parts.element = query.element;
  parts.query = q;
  parts.key = k;
  parts.value = v;
  parts.mask = bias ? lower.tensor(bias) : Value();
  parts.sinks = sinks ? lower.tensor(sinks) : Value();
  parts.scale = node.getFloat("scale", 0);
  parts.softcap = node.getFloat("softcap", 0);
  parts.causal = node.getInt("causal", 1) != 0;
  parts.window = std::max<int64_t>(0, node.getInt("local_window_size", -1));
  lower.map(node.getResult(0), buildAttention(lower, loc, parts));
  for (unsigned i = 3; i < node.getNumResults(); ++i)
    if (node.hasUsedOutput(i))
      return node.emitError("output ") << i << " of GroupQueryAttention is not supported";
  return success();
}

} // namespace

void sinter::raise::addAttentionRules(RuleTable &table) {
  table.add("com.microsoft", "GroupQueryAttention", {inferGroupQuery, lowerGroupQuery});
}
