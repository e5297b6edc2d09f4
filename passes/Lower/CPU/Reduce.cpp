//===- Reduce.cpp - kern.reduce as loops over vectors ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Generic.h"
#include "passes/Lower/CPU/Generic.h"
#include "passes/Lower/CPU/Items.h"
#include "passes/Lower/CPU/LaneIndex.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;
using kern::ReduceKind;

static bool isArg(ReduceKind kind) { return kind >= ReduceKind::ArgMax; }
static bool isLast(ReduceKind kind) { return kind == ReduceKind::ArgMaxLast || kind == ReduceKind::ArgMinLast; }
static bool isArgMax(ReduceKind kind) { return kind == ReduceKind::ArgMax || kind == ReduceKind::ArgMaxLast; }

/// Whether `lhs` beats `rhs`: larger (argmax), smaller (argmin), or with `orEqual` as good.
static Value beats(OpBuilder &builder, Location loc, ReduceKind kind, Value lhs, Value rhs, bool orEqual) {
  if (isa<FloatType>(getElementTypeOrSelf(lhs.getType()))) {
    using P = arith::CmpFPredicate;
    P predicate = isArgMax(kind) ? (orEqual ? P::OGE : P::OGT) : (orEqual ? P::OLE : P::OLT);
    return arith::CmpFOp::create(builder, loc, predicate, lhs, rhs);
  }
  using P = arith::CmpIPredicate;
  P predicate = isArgMax(kind) ? (orEqual ? P::sge : P::sgt) : (orEqual ? P::sle : P::slt);
  return arith::CmpIOp::create(builder, loc, predicate, lhs, rhs);
}

/// Of two (value, index) pairs the better; of equal values the first or the last index.
static std::pair<Value, Value> better(OpBuilder &builder, Location loc, ReduceKind kind, std::pair<Value, Value> a,
                                      std::pair<Value, Value> b) {
  Value wins = beats(builder, loc, kind, b.first, a.first, /*orEqual=*/false);
  Value ties = beats(builder, loc, kind, b.first, a.first, /*orEqual=*/true);
  Value earlier = arith::CmpIOp::create(
      builder, loc, isLast(kind) ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt, b.second, a.second);
  Value take = arith::OrIOp::create(builder, loc, wins, arith::AndIOp::create(builder, loc, ties, earlier));
  return {arith::SelectOp::create(builder, loc, take, b.first, a.first),
          arith::SelectOp::create(builder, loc, take, b.second, a.second)};
}

namespace {
/// The accumulators of one reduction: a vector for each kind, and one of indices for each arg kind.
struct Accumulators {
  kern::ReduceOp op;
  SmallVector<ReduceKind> kinds;
  SmallVector<Type> elements;

  explicit Accumulators(kern::ReduceOp op) : op(op), kinds(op.getKindValues()) {
    llvm::append_range(elements, op.getBody().front().getTerminator()->getOperandTypes());
  }

  SmallVector<Value> start(OpBuilder &builder, bool lanesReduced) {
    SmallVector<Value> result;
    for (auto [kind, element] : llvm::zip(kinds, elements)) {
      result.push_back(splatConstant(builder, op.getLoc(), identityOf(builder, kind, element)));
      if (!isArg(kind))
        continue;
      // Before anything was seen: an index that loses every tie, and is the first element's in the end if nothing ever
      // wins.
      if (isLast(kind))
        result.push_back(splatConstant(builder, op.getLoc(), builder.getI64IntegerAttr(-1)));
      else if (lanesReduced)
        result.push_back(laneNumbers(builder, op.getLoc(), builder.getI64Type()));
      else
        result.push_back(splatConstant(builder, op.getLoc(), builder.getI64IntegerAttr(0)));
    }
    return result;
  }

  /// Adds one vector of each kind; `index` is the vector of flattened reduced indices.
  SmallVector<Value> step(OpBuilder &builder, ValueRange so, ArrayRef<LaneValue> values, function_ref<Value()> index,
                          Value mask) {
    Location loc = op.getLoc();
    SmallVector<Value> next;
    size_t at = 0;
    for (auto [kind, lanes] : llvm::zip(kinds, values)) {
      Value value = asVector(builder, loc, lanes), old = so[at++];
      if (!isArg(kind)) {
        Value sum = combine(builder, loc, kind, old, value);
        next.push_back(mask ? arith::SelectOp::create(builder, loc, mask, sum, old).getResult() : sum);
        continue;
      }
      // A lane sees its elements in order, so that only equality decides between first and last.
      Value oldIndex = so[at++], take = beats(builder, loc, kind, value, old, isLast(kind));
      if (mask)
        take = arith::AndIOp::create(builder, loc, take, mask);
      next.push_back(arith::SelectOp::create(builder, loc, take, value, old));
      next.push_back(arith::SelectOp::create(builder, loc, take, index(), oldIndex));
    }
    return next;
  }

  /// The combined values as scalars.
  SmallVector<Value> combineAll(OpBuilder &builder, ValueRange vectors) {
    Location loc = op.getLoc();
    SmallVector<Value> result;
    size_t at = 0;
    for (ReduceKind kind : kinds) {
      if (!isArg(kind)) {
        result.push_back(combineLanes(builder, loc, kind, vectors[at++]));
        continue;
      }
      std::pair<Value, Value> all = {vectors[at], vectors[at + 1]};
      at += 2;
      for (int64_t half = kLanes / 2; half > 0; half /= 2) {
        auto part = [&](int64_t first) {
          return std::pair(someLanes(builder, loc, all.first, first, half),
                           someLanes(builder, loc, all.second, first, half));
        };
        all = better(builder, loc, kind, part(0), part(half));
      }
      result.push_back(notNegative(builder, kind, vector::ExtractOp::create(builder, loc, all.second, 0)));
    }
    return result;
  }

  /// The combined values as vectors, where each lane is an output.
  SmallVector<LaneValue> lanes(OpBuilder &builder, ValueRange vectors) {
    SmallVector<LaneValue> result;
    size_t at = 0;
    for (ReduceKind kind : kinds) {
      at += isArg(kind);
      result.push_back({LaneValue::Varying, notNegative(builder, kind, vectors[at++])});
    }
    return result;
  }

private:
  Value notNegative(OpBuilder &builder, ReduceKind kind, Value index) {
    if (!isArg(kind) || !isLast(kind))
      return index;
    Value zero = arith::ConstantOp::create(builder, op.getLoc(), builder.getZeroAttr(index.getType()));
    return arith::MaxSIOp::create(builder, op.getLoc(), index, zero);
  }
};

/// The row-major index of `indices` in `sizes`.
Value flatten(OpBuilder &builder, Location loc, ValueRange indices, ArrayRef<OpFoldResult> sizes) {
  Value flat;
  for (auto [index, size] : llvm::zip(indices, sizes)) {
    if (flat)
      flat = builder.createOrFold<arith::MulIOp>(loc, flat, indexValue(builder, loc, size));
    flat = flat ? builder.createOrFold<arith::AddIOp>(loc, flat, index) : index;
  }
  return flat;
}

struct LowerReduce : OpRewritePattern<kern::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(kern::ReduceOp op, PatternRewriter &rewriter) const override {
    bool failed = false;
    SmallVector<OpFoldResult> items = op.getMixedShape();
    bool acrossShape = kern::lanesOverShape(op);
    if (acrossShape) {
      for (Value out : op.getOuts())
        if (mlir::failed(checkLaneStride(op, out, items.size() - 1)))
          return failure();
      items.back() = kern::blocksOf(rewriter, op.getLoc(), items.back(), kern::kReduceBlock);
    }
    forEachItem(rewriter, op.getLoc(), op.getBegin(), op.getEnd(), items,
                [&](OpBuilder &b, Location, ValueRange indices) {
                  failed |= mlir::failed(acrossShape ? emitOutputs(b, op, indices) : emitOutput(b, op, indices));
                });
    if (failed)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// One output, lanes along the last reduced dimension.
  static LogicalResult emitOutput(OpBuilder &builder, kern::ReduceOp op, ValueRange indices) {
    Location loc = op.getLoc();
    Accumulators accumulators(op);
    SmallVector<OpFoldResult> over = op.getMixedOver();
    bool failed = false;
    auto row = [&](OpBuilder &b, Location l, ValueRange outer, ValueRange so) -> SmallVector<Value> {
      SmallVector<Value> all(indices);
      llvm::append_range(all, outer);
      auto done = forLanes(b, l, b.getIndexAttr(0), over.back(), so,
                           [&](OpBuilder &inner, Location, Value position, Value mask,
                               ValueRange now) -> std::optional<SmallVector<Value>> {
                             FailureOr<SmallVector<LaneValue>> values =
                                 runLanes(inner, op.getBody(), {}, all, position, mask);
                             if (mlir::failed(values))
                               return std::nullopt;
                             auto index = [&] {
                               SmallVector<Value> reduced(outer);
                               reduced.push_back(position);
                               Value flat = flatten(inner, l, reduced, over);
                               flat = arith::IndexCastOp::create(inner, l, inner.getI64Type(), flat);
                               return asVector(inner, l, {LaneValue::Contiguous, flat});
                             };
                             return accumulators.step(inner, now, *values, index, mask);
                           });
      failed |= !done;
      return done ? *done : llvm::to_vector(so);
    };
    SmallVector<Value> sums = forNest(builder, loc, ArrayRef(over).drop_back(), accumulators.start(builder, true), row);
    if (failed)
      return failure();
    SmallVector<Value> results = accumulators.combineAll(builder, sums);
    if (!op.getFinish().empty()) {
      SmallVector<LaneValue> arguments = asUniform(results);
      llvm::append_range(arguments, asUniform(indices));
      FailureOr<SmallVector<LaneValue>> finished = vectorizeBlock(builder, op.getFinish().front(), arguments, nullptr);
      if (mlir::failed(finished))
        return failure();
      results = llvm::map_to_vector(*finished, [](LaneValue value) { return value.value; });
    }
    for (auto [value, out] : llvm::zip(results, op.getOuts()))
      memref::StoreOp::create(builder, loc, value, out, indices);
    return success();
  }

  /// A block of outputs, lanes along the last dimension of the shape.
  static LogicalResult emitOutputs(OpBuilder &builder, kern::ReduceOp op, ValueRange indices) {
    Location loc = op.getLoc();
    Accumulators accumulators(op);
    SmallVector<OpFoldResult> over = op.getMixedOver();
    OpFoldResult width = op.getMixedShape().back();
    ValueRange rows = indices.drop_back();
    Value block = indexConstant(builder, loc, kern::kReduceBlock);
    OpFoldResult low = builder.getIndexAttr(0), high = width;
    if (getConstantIntValue(width).value_or(INT64_MAX) > kern::kReduceBlock) {
      Value first = arith::MulIOp::create(builder, loc, indices.back(), block);
      low = first;
      high = arith::MinUIOp::create(builder, loc, arith::AddIOp::create(builder, loc, first, block),
                                    indexValue(builder, loc, width))
                 .getResult();
    }
    auto some = [&](OpBuilder &b, Location l, Value position, Value mask,
                    ValueRange) -> std::optional<SmallVector<Value>> {
      bool failed = false;
      auto element = [&](OpBuilder &inner, Location il, ValueRange reduced, ValueRange so) -> SmallVector<Value> {
        SmallVector<LaneValue> arguments = asUniform(rows);
        arguments.push_back({LaneValue::Contiguous, position});
        llvm::append_range(arguments, asUniform(reduced));
        FailureOr<SmallVector<LaneValue>> values = vectorizeBlock(inner, op.getBody().front(), arguments, mask);
        failed |= mlir::failed(values);
        if (failed)
          return llvm::to_vector(so);
        auto index = [&] {
          Value flat = arith::IndexCastOp::create(inner, il, inner.getI64Type(), flatten(inner, il, reduced, over));
          return asVector(inner, il, {LaneValue::Uniform, flat});
        };
        // Off lanes are never stored.
        return accumulators.step(inner, so, *values, index, nullptr);
      };
      SmallVector<Value> sums = forNest(b, l, over, accumulators.start(b, false), element);
      if (failed)
        return std::nullopt;
      SmallVector<LaneValue> results = accumulators.lanes(b, sums);
      SmallVector<Value> at(rows);
      at.push_back(position);
      if (!op.getFinish().empty()) {
        FailureOr<SmallVector<LaneValue>> finished = runLanes(b, op.getFinish(), results, rows, position, mask);
        if (mlir::failed(finished))
          return std::nullopt;
        results = *finished;
      }
      for (auto [value, out] : llvm::zip(results, op.getOuts()))
        storeLanes(b, l, value, out, at, mask);
      return SmallVector<Value>();
    };
    return success(forLanes(builder, loc, low, high, {}, some).has_value());
  }
};
} // namespace

void sinter::lower::populateReduceLowering(RewritePatternSet &patterns) {
  patterns.add<LowerReduce>(patterns.getContext());
}
