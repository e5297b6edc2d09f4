//===- AttentionParts.cpp - what attention operators share --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules/AttentionParts.h"
#include "dialects/Graph/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace sinter::raise {

Value buildAttention(Lowering &lower, Location loc, const AttentionParts &parts) {
  const AttentionSizes &s = parts.sizes;
  Type f32 = lower.builder.getF32Type();
  // A cache is read in its own type.
  auto wide = [&](Value x, const SymExpr &heads, const SymExpr &length, int64_t size) -> Value {
    if (parts.element == f32 || x.getDefiningOp<graph::AppendOp>())
      return x;
    return lower.generate(loc, {s.batch, heads, length, SymExpr(size)}, f32, [&](OpBuilder &b, Location l, ValueRange i) {
      return castElement(b, l, tensor::ExtractOp::create(b, l, x, i), parts.element, f32);
    });
  };
  Shape shape{s.batch, s.tokens, SymExpr(s.heads), SymExpr(s.valueSize)}, flat{s.batch, s.tokens, SymExpr(s.heads * s.valueSize)};
  double scale = parts.scale ? parts.scale : 1 / std::sqrt(double(s.headSize));
  Value query = wide(parts.query, s.heads, s.tokens, s.headSize), key = wide(parts.key, s.groups, s.total, s.headSize);
  Value value = wide(parts.value, s.groups, s.total, s.valueSize);
  Value y = graph::AttentionOp::create(lower.builder, loc, lower.type(shape, f32), query, key, value, parts.mask, parts.sinks,
                                       llvm::APFloat(float(scale)), llvm::APFloat(float(parts.softcap)), parts.causal, parts.window, parts.zeroMaskedRows);
  y = lower.reshape(loc, y, flat);
  if (parts.element == f32)
    return y;
  return lower.generate(loc, flat, parts.element, [&](OpBuilder &b, Location l, ValueRange i) {
    return castElement(b, l, tensor::ExtractOp::create(b, l, y, i), f32, parts.element);
  });
}

Value appendPast(Lowering &lower, Location loc, Value past, Value update, ArrayRef<SymExpr> shape, unsigned half, bool stacked) {
  Type element = lower.infer[past].element;
  if (auto argument = dyn_cast<BlockArgument>(past))
    if (auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()); func && func.getArgAttr(argument.getArgNumber(), "graph.state"))
      return graph::AppendOp::create(lower.builder, loc, lower.type(shape, element), lower.tensor(past), update, 2,
                                     stacked ? lower.builder.getI64IntegerAttr(half) : IntegerAttr());
  const SymExpr length = lower.infer.symbols.resolve(lower.infer[past].shape[stacked ? 3 : 2]);
  if (length.is(0))
    return update;
  return lower.generate(loc, shape, element, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
    Value end = lower.size(b, l, length);
    Value old = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, i[2], end);
    auto choice = scf::IfOp::create(b, l, TypeRange{signless(element)}, old, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    SmallVector<Value> at(i);
    if (stacked)
      at.insert(at.begin(), constantIndex(b, l, half));
    Value x = lower.read(b, l, past, at);
    scf::YieldOp::create(b, l, x);
    b.setInsertionPointToStart(choice.elseBlock());
    Value y = tensor::ExtractOp::create(b, l, update, ValueRange{i[0], i[1], arith::SubIOp::create(b, l, i[2], end), i[3]});
    scf::YieldOp::create(b, l, y);
    return choice.getResult(0);
  });
}

LogicalResult inferKeyMask(onnx::NodeOp node, Value mask, const AttentionSizes &s, Inference &infer) {
  if (!mask)
    return success();
  const TensorInfo info = infer[mask];
  auto unify = [&](const SymExpr &a, const SymExpr &b, StringRef what) { return infer.unify(node, a, b, what); };
  if (!isa<IntegerType>(info.element) || info.element.isInteger(1))
    return node.emitError("expected a mask of integers, but got ") << info.element;
  switch (info.rank()) {
  case 1: // ends, or ends and then starts
    if (auto a = info.shape[0].constant(), b = infer.symbols.resolve(s.batch).constant(); a && b && *a == 3 * *b + 2 && *a != *b)
      return node.emitError("a mask_index of cumulated lengths [3 * batch + 2] is not supported");
    return infer.symbols.equal(info.shape[0], s.batch + s.batch) ? success() : unify(info.shape[0], s.batch, "batch sizes of queries and mask");
  case 2:
    return success(succeeded(unify(info.shape[0], s.batch, "batch sizes of queries and mask")) &&
                   succeeded(unify(info.shape[1], s.total, "lengths of keys and mask")));
  case 3:
    return success(succeeded(unify(info.shape[0], s.batch, "batch sizes of queries and mask")) &&
                   succeeded(unify(info.shape[1], s.tokens, "lengths of queries and mask")) &&
                   succeeded(unify(info.shape[2], s.total, "lengths of keys and mask")));
  case 4: return unify(info.shape[0], s.batch, "batch sizes of queries and mask");
  default: return node.emitError("expected a mask of rank 1 to 4");
  }
}

LogicalResult inferScoreBias(onnx::NodeOp node, Value bias, const AttentionSizes &s, Inference &infer) {
  if (!bias)
    return success();
  const TensorInfo info = infer[bias];
  if (info.rank() < 2 || info.rank() > 4)
    return node.emitError("expected a bias of the scores of rank 2 to 4, but got rank ") << info.rank();
  SymExpr want[] = {s.batch, SymExpr(s.heads), s.tokens, s.total};
  for (int64_t d = 0; d < info.rank(); ++d)
    if (!infer.symbols.resolve(info.shape[d]).is(1) && failed(infer.unify(node, info.shape[d], want[4 - info.rank() + d], "sizes of scores and their bias")))
      return failure();
  return success();
}

Value buildKeyMask(Lowering &lower, Location loc, Value mask, Value bias, double dropped, const AttentionSizes &s) {
  if (!mask && !bias)
    return {};
  Inference &infer = lower.infer;
  Type f32 = lower.builder.getF32Type();
  const TensorInfo none, maskInfo = mask ? infer[mask] : none, biasInfo = bias ? infer[bias] : none;
  auto biasSize = [&](unsigned d) -> SymExpr {
    int64_t own = int64_t(d) - (4 - biasInfo.rank());
    return bias && own >= 0 ? infer.symbols.resolve(biasInfo.shape[own]) : SymExpr(1);
  };
  bool rows = mask && maskInfo.rank() > 2;
  Shape shape{mask ? s.batch : biasSize(0), biasSize(1), rows ? s.tokens : biasSize(2), s.total};
  return lower.generate(loc, shape, f32, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
    Value total;
    if (mask) {
      // An axis of one element is read at 0 wherever it is asked for.
      auto at = [&](ArrayRef<Value> index) { return lower.readBroadcast(b, l, mask, index); };
      Type element = maskInfo.element;
      Value keep, key = i[3], zero = constantIndex(b, l, 0);
      if (maskInfo.rank() == 1) {
        bool both = !infer.symbols.equal(maskInfo.shape[0], s.batch);
        keep = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, key, toIndex(b, l, lower.read(b, l, mask, i[0])));
        if (both) {
          Value start = toIndex(b, l, lower.read(b, l, mask, arith::AddIOp::create(b, l, i[0], lower.size(b, l, s.batch)).getResult()));
          keep = arith::AndIOp::create(b, l, keep, arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge, key, start));
        }
      } else {
        Value x;
        if (maskInfo.rank() == 2) {
          x = at({i[0], key});
        } else if (maskInfo.rank() == 3) {
          x = at({i[0], i[2], key});
        } else {
          Value row = arith::AddIOp::create(b, l, i[2], lower.size(b, l, s.past));
          row = safeIndex(b, l, row, lower.size(b, l, maskInfo.shape[2]));
          x = at({i[0], zero, row, safeIndex(b, l, key, lower.size(b, l, maskInfo.shape[3]))});
        }
        keep = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sgt, x, constant(b, l, signless(element), 0));
      }
      total = arith::SelectOp::create(b, l, keep, constant(b, l, f32, 0), constant(b, l, f32, dropped));
    }
    if (bias) {
      Value x = castElement(b, l, lower.readBroadcast(b, l, bias, i), biasInfo.element, f32);
      total = total ? arith::AddFOp::create(b, l, total, x).getResult() : x;
    }
    return total;
  });
}

Value rotateChannel(OpBuilder &b, Location l, Value channel, int64_t rotary, int64_t headSize, bool interleaved, function_ref<Value(Value)> x,
             function_ref<Value(Value)> cosine, function_ref<Value(Value)> sine) {
  auto c = [&](int64_t v) { return constantIndex(b, l, v); };
  Value half, partner, first;
  if (interleaved) {
    half = arith::DivUIOp::create(b, l, channel, c(2));
    Value odd = arith::RemUIOp::create(b, l, channel, c(2));
    first = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, odd, c(0));
    partner = arith::SelectOp::create(b, l, first, arith::AddIOp::create(b, l, channel, c(1)), arith::SubIOp::create(b, l, channel, c(1)));
  } else {
    first = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, channel, c(rotary / 2));
    half = arith::SelectOp::create(b, l, first, channel, arith::SubIOp::create(b, l, channel, c(rotary / 2)));
    partner = arith::SelectOp::create(b, l, first, arith::AddIOp::create(b, l, channel, c(rotary / 2)), arith::SubIOp::create(b, l, channel, c(rotary / 2)));
  }
  auto rotated = [&]() -> Value {
    Value cs = cosine(half), sn = sine(half);
    Value signedSine = arith::SelectOp::create(b, l, first, arith::NegFOp::create(b, l, sn), sn);
    return arith::AddFOp::create(b, l, arith::MulFOp::create(b, l, x(channel), cs), arith::MulFOp::create(b, l, x(partner), signedSine));
  };
  if (rotary == headSize)
    return rotated();
  Value inside = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, channel, c(rotary));
  Value plain = x(channel);
  auto choice = scf::IfOp::create(b, l, TypeRange{plain.getType()}, inside, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  Value r = rotated();
  scf::YieldOp::create(b, l, r);
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, l, plain);
  return choice.getResult(0);
}

} // namespace sinter::raise
