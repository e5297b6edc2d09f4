//===- Rows.cpp - kern.norm and kern.softmax as loops over vectors --------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/Generic.h"
#include "passes/Lower/CPU/Items.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;
using kern::ReduceKind;

namespace {
/// One row that is read several times: kept in scratch from the first time on, or evaluated again.
class Row {
public:
  Row(OpBuilder &builder, Location loc, Region &body, ValueRange rows, OpFoldResult width, Value scratch)
      : loc(loc), body(body), rows(rows), width(width), kept(scratch) {}

  /// Goes over the row in vectors; `each` gets x and the sums so far and returns the new ones. Where lanes are off, x
  /// and what `each` returns are ignored; a non-null `keep` result replaces x for the passes to come, if the row is
  /// kept.
  using Each = function_ref<std::optional<SmallVector<Value>>(OpBuilder &, Value x, Value position, Value mask,
                                                              ValueRange sums, Value *keep)>;
  std::optional<SmallVector<Value>> pass(OpBuilder &builder, ValueRange start, Each each) {
    bool first = passes++ == 0;
    return forLanes(builder, loc, builder.getIndexAttr(0), width, start,
                    [&](OpBuilder &b, Location l, Value position, Value mask,
                        ValueRange sums) -> std::optional<SmallVector<Value>> {
                      Value x;
                      if (first || !kept) {
                        FailureOr<SmallVector<LaneValue>> values = runLanes(b, body, {}, rows, position, mask);
                        if (failed(values))
                          return std::nullopt;
                        x = asVector(b, l, values->front());
                      } else {
                        // Scratch is a whole number of vectors: its last lanes are there, whatever they hold.
                        x = vector::LoadOp::create(b, l, VectorType::get({kLanes}, b.getF32Type()), kept, position);
                      }
                      Value keep = first ? x : Value();
                      std::optional<SmallVector<Value>> next = each(b, x, position, mask, sums, &keep);
                      if (!next)
                        return std::nullopt;
                      if (kept && keep)
                        vector::StoreOp::create(b, l, keep, kept, position);
                      if (mask)
                        for (auto [sum, old] : llvm::zip(*next, sums))
                          sum = arith::SelectOp::create(b, l, mask, sum, old);
                      return next;
                    });
  }

  bool isKept() const { return bool(kept); }

private:
  Location loc;
  Region &body;
  ValueRange rows;
  OpFoldResult width;
  Value kept;
  int passes = 0;
};

template <typename Op> struct LowerRows : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  virtual LogicalResult emitRow(OpBuilder &builder, Op op, ValueRange rows, OpFoldResult width, Row &row) const = 0;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> shape = op.getMixedShape();
    for (Value out : op.getOuts())
      if (failed(checkLaneStride(op, out, shape.size() - 1)))
        return failure();
    Value scratch;
    if (int64_t bytes = op.getScratchBytes()) {
      auto type = MemRefType::get({bytes / 4}, rewriter.getF32Type());
      scratch =
          memref::ViewOp::create(rewriter, loc, type, op.getScratch(), indexConstant(rewriter, loc, 0), ValueRange());
    }
    bool failed = false;
    forEachItem(rewriter, loc, op.getBegin(), op.getEnd(), ArrayRef(shape).drop_back(),
                [&](OpBuilder &b, Location, ValueRange rows) {
                  Row row(b, loc, op.getBody(), rows, shape.back(), scratch);
                  failed |= mlir::failed(emitRow(b, op, rows, shape.back(), row));
                });
    if (failed)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

Value constantF32(OpBuilder &builder, Location loc, float value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
}

Value splat(OpBuilder &builder, Location loc, Value scalar) {
  return vector::BroadcastOp::create(builder, loc, VectorType::get({kLanes}, scalar.getType()), scalar);
}

Value sizeAsF32(OpBuilder &builder, Location loc, OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return constantF32(builder, loc, float(*constant));
  Value number = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), cast<Value>(size));
  return arith::SIToFPOp::create(builder, loc, builder.getF32Type(), number);
}

struct LowerNorm : LowerRows<kern::NormOp> {
  using LowerRows::LowerRows;

  LogicalResult emitRow(OpBuilder &builder, kern::NormOp op, ValueRange rows, OpFoldResult width,
                        Row &row) const override {
    Location loc = op.getLoc();
    bool layer = op.getKind() == kern::NormKind::Layer;
    Value zeros = splatConstant(builder, loc, builder.getF32FloatAttr(0));
    Value count = sizeAsF32(builder, loc, width);
    Value mean;
    if (layer) {
      auto sum = row.pass(builder, zeros, [&](OpBuilder &b, Value x, Value, Value, ValueRange sums, Value *) {
        return SmallVector<Value>{arith::AddFOp::create(b, loc, sums[0], x)};
      });
      if (!sum)
        return failure();
      Value total = combineLanes(builder, loc, ReduceKind::Add, sum->front());
      mean = splat(builder, loc, arith::DivFOp::create(builder, loc, total, count));
    }
    auto squares = row.pass(builder, zeros, [&](OpBuilder &b, Value x, Value, Value, ValueRange sums, Value *) {
      Value centred = layer ? arith::SubFOp::create(b, loc, x, mean).getResult() : x;
      return SmallVector<Value>{math::FmaOp::create(b, loc, centred, centred, sums[0])};
    });
    if (!squares)
      return failure();
    Value total = combineLanes(builder, loc, ReduceKind::Add, squares->front());
    Value variance = arith::AddFOp::create(builder, loc, arith::DivFOp::create(builder, loc, total, count),
                                           constantF32(builder, loc, op.getEpsilon().convertToFloat()));
    Value inverse =
        arith::DivFOp::create(builder, loc, constantF32(builder, loc, 1), math::SqrtOp::create(builder, loc, variance));
    Value scale = splat(builder, loc, inverse);
    auto written =
        row.pass(builder, {},
                 [&](OpBuilder &b, Value x, Value position, Value mask, ValueRange,
                     Value *) -> std::optional<SmallVector<Value>> {
                   Value centred = layer ? arith::SubFOp::create(b, loc, x, mean).getResult() : x;
                   Value y = arith::MulFOp::create(b, loc, centred, scale);
                   LaneValue leading[] = {{LaneValue::Varying, y}, {LaneValue::Varying, x}};
                   if (failed(storeRegion(b, loc, op.getApply(), leading, rows, position, mask, op.getOuts())))
                     return std::nullopt;
                   return SmallVector<Value>();
                 });
    return success(written.has_value());
  }
};

struct LowerSoftmax : LowerRows<kern::SoftmaxOp> {
  using LowerRows::LowerRows;

  LogicalResult emitRow(OpBuilder &builder, kern::SoftmaxOp op, ValueRange rows, OpFoldResult,
                        Row &row) const override {
    Location loc = op.getLoc();
    bool log = op.getLog();
    Value lowest = splatConstant(builder, loc, identityOf(builder, ReduceKind::Max, builder.getF32Type()));
    auto maxima = row.pass(builder, lowest, [&](OpBuilder &b, Value x, Value, Value, ValueRange sums, Value *) {
      // One instruction; it passes over a NaN, which the sum then takes in.
      Value more = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, sums[0]);
      return SmallVector<Value>{arith::SelectOp::create(b, loc, more, x, sums[0])};
    });
    if (!maxima)
      return failure();
    Value largest = splat(builder, loc, combineLanes(builder, loc, ReduceKind::Max, maxima->front()));
    auto power = [&](OpBuilder &b, Value x) {
      return math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, x, largest)).getResult();
    };
    Value zeros = splatConstant(builder, loc, builder.getF32FloatAttr(0));
    auto sums = row.pass(builder, zeros, [&](OpBuilder &b, Value x, Value, Value, ValueRange so, Value *keep) {
      Value e = power(b, x);
      if (!log)
        *keep = e;
      return SmallVector<Value>{arith::AddFOp::create(b, loc, so[0], e)};
    });
    if (!sums)
      return failure();
    Value sum = combineLanes(builder, loc, ReduceKind::Add, sums->front());
    Value last = log ? math::LogOp::create(builder, loc, sum).getResult()
                     : arith::DivFOp::create(builder, loc, constantF32(builder, loc, 1), sum).getResult();
    last = splat(builder, loc, last);
    auto written =
        row.pass(builder, {},
                 [&](OpBuilder &b, Value x, Value position, Value mask, ValueRange,
                     Value *) -> std::optional<SmallVector<Value>> {
                   Value y;
                   if (log)
                     y = arith::SubFOp::create(b, loc, arith::SubFOp::create(b, loc, x, largest), last);
                   else
                     y = arith::MulFOp::create(b, loc, row.isKept() ? x : power(b, x), last);
                   LaneValue leading[] = {{LaneValue::Varying, y}};
                   if (failed(storeRegion(b, loc, op.getApply(), leading, rows, position, mask, op.getOuts())))
                     return std::nullopt;
                   return SmallVector<Value>();
                 });
    return success(written.has_value());
  }
};
} // namespace

void sinter::lower::populateRowLowering(RewritePatternSet &patterns) {
  patterns.add<LowerNorm, LowerSoftmax>(patterns.getContext());
}
