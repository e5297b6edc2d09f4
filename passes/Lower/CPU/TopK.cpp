//===- TopK.cpp - kern.topk as repeated selection -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/Generic.h"
#include "passes/Lower/CPU/Items.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;
using kern::ReduceKind;

namespace {
/// An element and its index, scalars or vectors.
struct Ranked {
  Value value, index;
};

struct LowerTopK : OpRewritePattern<kern::TopKOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Each round goes over the row and finds the best of what comes after the last round's: nothing is stored or sorted.
  LogicalResult matchAndRewrite(kern::TopKOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> shape = op.getMixedShape();
    bool failed = false;
    forEachItem(rewriter, loc, op.getBegin(), op.getEnd(), ArrayRef(shape).drop_back(),
                [&](OpBuilder &b, Location l, ValueRange rows) {
                  Type element = op.getBody().front().getTerminator()->getOperand(0).getType();
                  // Before the first round: what every element comes after.
                  Value first = arith::ConstantOp::create(
                      b, l, identityOf(b, op.getLargest() ? ReduceKind::Min : ReduceKind::Max, element));
                  Value before = arith::ConstantIntOp::create(b, l, -1, 64);
                  Value zero = indexConstant(b, l, 0), one = indexConstant(b, l, 1);
                  scf::ForOp::create(
                      b, l, zero, indexValue(b, l, op.getMixedK()), one, ValueRange{first, before},
                      [&](OpBuilder &inner, Location il, Value round, ValueRange last) {
                        std::optional<Ranked> best = select(inner, op, rows, shape.back(), {last[0], last[1]});
                        failed |= !best;
                        if (!best)
                          best = Ranked{last[0], last[1]};
                        SmallVector<Value> at(rows);
                        at.push_back(round);
                        memref::StoreOp::create(inner, il, best->value, op.getOuts()[0], at);
                        memref::StoreOp::create(inner, il, best->index, op.getOuts()[1], at);
                        scf::YieldOp::create(inner, il, ValueRange{best->value, best->index});
                      });
                });
    if (failed)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Whether a comes before b in the order of the results.
  static Value precedes(OpBuilder &builder, kern::TopKOp op, Ranked a, Ranked b) {
    Location loc = op.getLoc();
    Value better, equal;
    if (isa<FloatType>(getElementTypeOrSelf(a.value.getType()))) {
      using P = arith::CmpFPredicate;
      better = arith::CmpFOp::create(builder, loc, op.getLargest() ? P::OGT : P::OLT, a.value, b.value);
      equal = arith::CmpFOp::create(builder, loc, P::OEQ, a.value, b.value);
    } else {
      using P = arith::CmpIPredicate;
      better = arith::CmpIOp::create(builder, loc, op.getLargest() ? P::sgt : P::slt, a.value, b.value);
      equal = arith::CmpIOp::create(builder, loc, P::eq, a.value, b.value);
    }
    Value lower = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a.index, b.index);
    return arith::OrIOp::create(builder, loc, better, arith::AndIOp::create(builder, loc, equal, lower));
  }

  static std::optional<Ranked> select(OpBuilder &builder, kern::TopKOp op, ValueRange rows, OpFoldResult width,
                                      Ranked last) {
    Location loc = op.getLoc();
    auto splat = [&](Value scalar) { return asVector(builder, loc, {LaneValue::Uniform, scalar}); };
    Ranked after = {splat(last.value), splat(last.index)};
    Type element = last.value.getType();
    Value worst =
        splatConstant(builder, loc, identityOf(builder, op.getLargest() ? ReduceKind::Max : ReduceKind::Min, element));
    Value none = splatConstant(builder, loc, builder.getI64IntegerAttr(std::numeric_limits<int64_t>::max()));
    auto best = forLanes(
        builder, loc, builder.getIndexAttr(0), width, {worst, none},
        [&](OpBuilder &b, Location l, Value position, Value mask, ValueRange so) -> std::optional<SmallVector<Value>> {
          FailureOr<SmallVector<LaneValue>> values = runLanes(b, op.getBody(), {}, rows, position, mask);
          if (failed(values))
            return std::nullopt;
          Value number = arith::IndexCastOp::create(b, l, b.getI64Type(), position);
          Ranked now = {asVector(b, l, values->front()), asVector(b, l, {LaneValue::Contiguous, number})};
          Value take = arith::AndIOp::create(b, l, precedes(b, op, after, now), precedes(b, op, now, {so[0], so[1]}));
          if (mask)
            take = arith::AndIOp::create(b, l, take, mask);
          return SmallVector<Value>{arith::SelectOp::create(b, l, take, now.value, so[0]),
                                    arith::SelectOp::create(b, l, take, now.index, so[1])};
        });
    if (!best)
      return std::nullopt;
    Ranked all = {(*best)[0], (*best)[1]};
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      auto part = [&](int64_t first) {
        return Ranked{someLanes(builder, loc, all.value, first, half), someLanes(builder, loc, all.index, first, half)};
      };
      Ranked low = part(0), high = part(half);
      Value take = precedes(builder, op, high, low);
      all = {arith::SelectOp::create(builder, loc, take, high.value, low.value),
             arith::SelectOp::create(builder, loc, take, high.index, low.index)};
    }
    Value index = vector::ExtractOp::create(builder, loc, all.index, 0);
    // Nothing but NaN left: an index in range all the same.
    Value size = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), indexValue(builder, loc, width));
    Value top = arith::SubIOp::create(builder, loc, size, arith::ConstantIntOp::create(builder, loc, 1, 64));
    return Ranked{vector::ExtractOp::create(builder, loc, all.value, 0),
                  arith::MinSIOp::create(builder, loc, index, top)};
  }
};
} // namespace

void sinter::lower::populateTopKLowering(RewritePatternSet &patterns) {
  patterns.add<LowerTopK>(patterns.getContext());
}
