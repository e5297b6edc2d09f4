//===- OnnxAttention.cpp - ONNX's own attention operator ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"
#include "passes/Raise/Recognize.h"
#include "passes/Raise/Rules/AttentionParts.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

enum { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kValidKeys };

/// Attention's sizes; operands of rank 3 have their heads in the last axis.
FailureOr<AttentionSizes> attentionSizes(NodeOp node, Inference &infer) {
  AttentionSizes s;
  const TensorInfo q = infer[node.getInputs()[kQuery]], k = infer[node.getInputs()[kKey]], v = infer[node.getInputs()[kValue]];
  if ((q.rank() != 3 && q.rank() != 4) || k.rank() != q.rank() || v.rank() != q.rank())
    return node.emitError("expected queries, keys and values of rank 3, or all of rank 4");
  bool flat = q.rank() == 3;
  auto constant = [&](const SymExpr &e) { return infer.symbols.resolve(e).constant().value_or(0); };
  s.heads = flat ? node.getInt("q_num_heads", 0) : constant(q.shape[1]);
  s.groups = flat ? node.getInt("kv_num_heads", 0) : constant(k.shape[1]);
  if (s.heads <= 0 || s.groups <= 0 || s.heads % s.groups)
    return node.emitError("expected a fixed number of query heads that is a multiple of the key heads");
  int64_t widths[] = {constant(q.shape.back()), constant(k.shape.back()), constant(v.shape.back())};
  if (flat && (widths[0] % s.heads || widths[1] % s.groups || widths[2] % s.groups))
    return node.emitError("expected widths that divide into ") << s.heads << " query heads and " << s.groups << " key heads";
  s.headSize = flat ? widths[0] / s.heads : widths[0];
  s.valueSize = flat ? widths[2] / s.groups : widths[2];
  if (s.headSize <= 0 || s.valueSize <= 0 || (flat ? widths[1] / s.groups : widths[1]) != s.headSize)
    return node.emitError("expected keys with heads as wide as the queries', and values with fixed ones");
  unsigned length = flat ? 1 : 2;
  s.batch = q.shape[0];
  s.tokens = q.shape[length];
  s.newKeys = k.shape[length];
  for (const TensorInfo *info : {&k, &v})
    if (failed(infer.unify(node, info->shape[0], s.batch, "batch sizes")) || failed(infer.unify(node, info->shape[length], s.newKeys, "lengths of keys and values")) ||
        (!flat && failed(infer.unify(node, info->shape[1], s.groups, "numbers of heads"))))
      return failure();
  Value pastKey = node.getInputOrNull(kPastKey), pastValue = node.getInputOrNull(kPastValue);
  if (bool(pastKey) != bool(pastValue))
    return node.emitError("expected past keys and past values, or neither");
  if (pastKey) {
    s.past = infer[pastKey].rank() == 4 ? infer[pastKey].shape[2] : SymExpr(0);
    for (unsigned half = 0; half < 2; ++half) {
      const TensorInfo past = infer[half ? pastValue : pastKey];
      if (past.rank() != 4)
        return node.emitError("expected past keys and values of rank 4");
      if (failed(infer.unify(node, past.shape[0], s.batch, "batch sizes")) || failed(infer.unify(node, past.shape[1], s.groups, "numbers of heads")) ||
          failed(infer.unify(node, past.shape[2], s.past, "past lengths")) ||
          failed(infer.unify(node, past.shape[3], half ? s.valueSize : s.headSize, "head sizes")))
        return failure();
    }
  }
  for (SymExpr *e : {&s.batch, &s.tokens, &s.past, &s.newKeys})
    *e = infer.symbols.resolve(*e);
  s.total = infer.symbols.resolve(s.past + s.newKeys);
  return s;
}

LogicalResult inferAttention(NodeOp node, Inference &infer) {
  auto s = attentionSizes(node, infer);
  if (failed(s))
    return failure();
  if (!(node.getFloat("softcap", 0) >= 0))
    return node.emitError("expected a softcap that is not negative");
  if (Value mask = node.getInputOrNull(kMask)) {
    // Since version 24 the last axis may be shorter than the keys: what it does not reach is masked.
    TensorInfo info = infer[mask];
    if (!info.rank())
      return node.emitError("expected a mask of rank 1 or more");
    bool shorter = node.getSince() >= 24 && !infer.symbols.equal(info.shape.back(), s->total) &&
                   infer.symbols.lessEqual(info.shape.back(), s->total) == true && !infer.symbols.resolve(info.shape.back()).is(1);
    AttentionSizes sizes = *s;
    if (shorter)
      sizes.total = info.shape.back();
    if (failed(inferScoreBias(node, mask, sizes, infer)))
      return failure();
  }
  if (Value valid = node.getInputOrNull(kValidKeys)) {
    if (infer[valid].rank() != 1)
      return node.emitError("expected nonpad_kv_seqlen with a length a sequence");
    if (failed(infer.unify(node, infer[valid].shape[0], s->batch, "batch sizes")))
      return failure();
  }
  Type element = infer[node.getInputs()[kQuery]].element;
  bool flat = infer[node.getInputs()[kQuery]].rank() == 3;
  Shape out = flat ? Shape{s->batch, s->tokens, SymExpr(s->heads * s->valueSize)} : Shape{s->batch, SymExpr(s->heads), s->tokens, SymExpr(s->valueSize)};
  infer.set(node.getResult(0), {element, out, {}});
  for (unsigned i = 1; i < node.getNumResults() && i < 3; ++i)
    infer.set(node.getResult(i), {element, {s->batch, SymExpr(s->groups), s->total, SymExpr(i == 1 ? s->headSize : s->valueSize)}, {}});
  if (node.getNumResults() > 3)
    infer.set(node.getResult(3), {element, {s->batch, SymExpr(s->heads), s->tokens, s->total}, {}});
  return success();
}

/// What scores get: the mask, keys behind the valid ones dropped, and the causal bound where it is not `total - tokens`. Null where there is nothing.
Value scoreMask(Lowering &lower, NodeOp node, const AttentionSizes &s, bool causal) {
  Value mask = node.getInputOrNull(kMask), valid = node.getInputOrNull(kValidKeys);
  Inference &infer = lower.infer;
  const TensorInfo info = mask ? infer[mask] : TensorInfo();
  bool boolean = !mask || info.element.isInteger(1);
  bool shorter = mask && !infer.symbols.resolve(info.shape.back()).is(1) && !infer.symbols.equal(info.shape.back(), s.total);
  causal &= bool(valid) || !infer.symbols.equal(s.newKeys, s.tokens);
  if (!mask && !valid && !causal)
    return {};
  auto maskSize = [&](int64_t d) -> SymExpr {
    int64_t own = d - (4 - info.rank());
    return mask && own >= 0 ? infer.symbols.resolve(info.shape[own]) : SymExpr(1);
  };
  Shape shape{valid ? s.batch : maskSize(0), maskSize(1), causal ? s.tokens : maskSize(2), s.total};
  Type f32 = lower.builder.getF32Type(), i1 = lower.builder.getI1Type();
  return lower.generate(node.getLoc(), shape, boolean ? i1 : f32, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
    Value keep, bias;
    auto require = [&](Value condition) { keep = keep ? arith::AndIOp::create(b, l, keep, condition).getResult() : condition; };
    if (mask) {
      SmallVector<Value> at(i);
      if (shorter) {
        Value end = lower.size(b, l, info.shape.back());
        require(arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, i[3], end));
        at[3] = safeIndex(b, l, i[3], end);
      }
      Value x = lower.readBroadcast(b, l, mask, at);
      if (boolean)
        require(x);
      else
        bias = castElement(b, l, x, info.element, f32);
    }
    Value keys;
    if (valid) {
      keys = toIndex(b, l, lower.read(b, l, valid, i[0]));
      require(arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, i[3], keys));
    }
    if (causal) {
      Value first = keys ? arith::SubIOp::create(b, l, keys, lower.size(b, l, s.tokens)).getResult() : lower.size(b, l, s.past);
      require(arith::CmpIOp::create(b, l, arith::CmpIPredicate::sle, i[3], arith::AddIOp::create(b, l, first, i[2])));
    }
    if (boolean)
      return keep;
    return keep ? arith::SelectOp::create(b, l, keep, bias, constant(b, l, f32, -std::numeric_limits<double>::infinity())).getResult() : bias;
  });
}

LogicalResult lowerAttention(NodeOp node, Lowering &lower) {
  auto s = attentionSizes(node, lower.infer);
  if (failed(s))
    return failure();
  if (node.hasUsedOutput(3))
    return node.emitError("qk_matmul_output is not supported");
  Location loc = node.getLoc();
  bool flat = lower.infer[node.getInputs()[kQuery]].rank() == 3;
  Value key = node.getInputs()[kKey], value = node.getInputs()[kValue];
  // A cache is read as it is, not with its heads repeated.
  if (!flat && !node.getInputOrNull(kPastKey) && !node.hasUsedOutput(1) && !node.hasUsedOutput(2)) {
    Value keyGroups = repeatedHeads(key, lower.infer), valueGroups = repeatedHeads(value, lower.infer);
    auto groups = keyGroups ? lower.infer.symbols.resolve(lower.infer[keyGroups].shape[1]).constant() : std::nullopt;
    if (groups && valueGroups && lower.infer.symbols.resolve(lower.infer[valueGroups].shape[1]).is(*groups)) {
      s->groups = *groups;
      key = keyGroups;
      value = valueGroups;
    }
  }
  auto heads = [&](Value x, int64_t count, const SymExpr &length, int64_t size) -> Value {
    if (!flat)
      return lower.tensor(x);
    return lower.generate(loc, {s->batch, SymExpr(count), length, SymExpr(size)}, lower.infer[x].element, [&](OpBuilder &b, Location l, ValueRange i) {
      Value column = arith::AddIOp::create(b, l, arith::MulIOp::create(b, l, i[1], constantIndex(b, l, size)), i[3]);
      return lower.read(b, l, x, ValueRange{i[0], i[2], column});
    });
  };
  AttentionParts parts;
  parts.sizes = *s;
  parts.element = lower.infer[node.getInputs()[kQuery]].element;
  parts.query = heads(node.getInputs()[kQuery], s->heads, s->tokens, s->headSize);
  parts.key = heads(key, s->groups, s->newKeys, s->headSize);
  parts.value = heads(value, s->groups, s->newKeys, s->valueSize);
  if (Value past = node.getInputOrNull(kPastKey)) {
    parts.key = appendPast(lower, loc, past, parts.key, {s->batch, SymExpr(s->groups), s->total, SymExpr(s->headSize)}, 0, /*stacked=*/false);
    parts.value = appendPast(lower, loc, node.getInputOrNull(kPastValue), parts.value, {s->batch, SymExpr(s->groups), s->total, SymExpr(s->valueSize)}, 1,
                             /*stacked=*/false);
  }
  bool causal = node.getInt("is_causal", 0);
  parts.causal = causal && !node.getInputOrNull(kValidKeys) && lower.infer.symbols.equal(s->newKeys, s->tokens);
  parts.mask = scoreMask(lower, node, *s, causal);
  parts.scale = node.getFloat("scale", 0);
  parts.softcap = node.getFloat("softcap", 0);
  parts.zeroMaskedRows = true;
  Value y = buildAttention(lower, loc, parts);
  if (!flat)
    y = lower.generate(loc, lower.infer[node.getResult(0)].shape, parts.element, [&](OpBuilder &b, Location l, ValueRange i) {
      Value column = arith::AddIOp::create(b, l, arith::MulIOp::create(b, l, i[1], constantIndex(b, l, s->valueSize)), i[3]);
      return tensor::ExtractOp::create(b, l, y, ValueRange{i[0], i[2], column});
    });
  lower.map(node.getResult(0), y);
  for (unsigned i = 1; i < node.getNumResults() && i < 3; ++i)
    lower.map(node.getResult(i), i == 1 ? parts.key : parts.value);
  return success();
}

} // namespace

void sinter::raise::addOnnxAttentionRules(RuleTable &table) { table.add("", "Attention", {inferAttention, lowerAttention}); }
