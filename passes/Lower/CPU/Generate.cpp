//===- Generate.cpp - kern.generate as loops over vectors -----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Generic.h"
#include "passes/Lower/CPU/Generic.h"
#include "passes/Lower/CPU/Items.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <set>

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

/// More pieces than this cost more code than branches cost time.
constexpr size_t kMaxSplits = 8;

namespace {
/// A comparison of the lane index (plus `offset`) with a constant.
struct LaneComparison {
  Value result;
  arith::CmpIPredicate predicate;
  int64_t offset, constant;

  bool at(int64_t lane) const {
    APInt lhs(64, uint64_t(lane + offset)), rhs(64, uint64_t(constant));
    return arith::applyCmpPredicate(predicate, lhs, rhs);
  }
};
} // namespace

/// c where value = lane + c.
static std::optional<int64_t> offsetFrom(Value value, Value lane) {
  int64_t offset = 0;
  while (value != lane) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    int64_t step = 0;
    if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
      AffineMap map = apply.getAffineMap();
      auto sum = dyn_cast<AffineBinaryOpExpr>(map.getResult(0));
      if (apply.getMapOperands().size() != 1 || !sum || sum.getKind() != AffineExprKind::Add ||
          !isa<AffineConstantExpr>(sum.getRHS()) || !isa<AffineDimExpr, AffineSymbolExpr>(sum.getLHS()))
        return std::nullopt;
      step = cast<AffineConstantExpr>(sum.getRHS()).getValue();
      value = apply.getMapOperands()[0];
    } else if (isa<arith::AddIOp, arith::SubIOp>(op)) {
      std::optional<int64_t> constant = getConstantIntValue(op->getOperand(1));
      if (!constant)
        return std::nullopt;
      step = isa<arith::AddIOp>(op) ? *constant : -*constant;
      value = op->getOperand(0);
    } else {
      return std::nullopt;
    }
    if (llvm::AddOverflow(offset, step, offset) || std::abs(offset) > (int64_t(1) << 40))
      return std::nullopt;
  }
  return offset;
}

/// Collects the region's comparisons of the lane index with constants, and the lanes where one of them changes.
static SmallVector<LaneComparison> laneComparisons(Block &body, Value lane, std::set<int64_t> &changes) {
  SmallVector<LaneComparison> comparisons;
  body.walk([&](arith::CmpIOp op) {
    using P = arith::CmpIPredicate;
    P predicate = op.getPredicate();
    Value lhs = op.getLhs(), rhs = op.getRhs();
    if (predicate == P::eq || predicate == P::ne)
      return;
    if (getConstantIntValue(lhs)) {
      std::swap(lhs, rhs);
      static const std::pair<P, P> swaps[] = {{P::slt, P::sgt}, {P::sle, P::sge}, {P::ult, P::ugt}, {P::ule, P::uge}};
      for (auto [a, b] : swaps)
        if (predicate == a || predicate == b) {
          predicate = predicate == a ? b : a;
          break;
        }
    }
    std::optional<int64_t> constant = getConstantIntValue(rhs), offset = offsetFrom(lhs, lane);
    if (!constant || !offset || std::abs(*constant) > (int64_t(1) << 40))
      return;
    bool after = predicate == P::sle || predicate == P::sgt || predicate == P::ule || predicate == P::ugt;
    bool isUnsigned = predicate == P::ult || predicate == P::ule || predicate == P::ugt || predicate == P::uge;
    changes.insert(*constant - *offset + after);
    if (isUnsigned && *offset < 0)
      changes.insert(-*offset);
    comparisons.push_back({op, predicate, *offset, *constant});
  });
  return comparisons;
}

namespace {
struct LowerGenerate : OpRewritePattern<kern::GenerateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(kern::GenerateOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = op.getMixedShape();
    int64_t lanes = kern::laneDimension(op.getStaticShape());
    for (Value out : op.getOuts())
      if (failed(checkLaneStride(op, out, lanes)))
        return failure();
    bool failed = false;
    if (lanes < 0 || op.getStaticShape()[lanes] == 1) {
      forEachItem(rewriter, loc, op.getBegin(), op.getEnd(), sizes, [&](OpBuilder &b, Location l, ValueRange indices) {
        failed |= mlir::failed(emitScalar(b, op, indices));
      });
    } else {
      OpFoldResult width = sizes[lanes];
      bool one = kern::kLaneBlock >= getConstantIntValue(width).value_or(INT64_MAX);
      SmallVector<OpFoldResult> items = sizes;
      items[lanes] = kern::blocksOf(rewriter, loc, width, kern::kLaneBlock);
      forEachItem(rewriter, loc, op.getBegin(), op.getEnd(), items, [&](OpBuilder &b, Location l, ValueRange indices) {
        OpFoldResult low = b.getIndexAttr(0), high = width;
        if (!one) {
          Value block = indexConstant(b, l, kern::kLaneBlock);
          Value first = arith::MulIOp::create(b, l, indices[lanes], block);
          low = first;
          high = arith::MinUIOp::create(b, l, arith::AddIOp::create(b, l, first, block), indexValue(b, l, width))
                     .getResult();
        }
        failed |= mlir::failed(emitRow(b, op, llvm::to_vector(indices), lanes, low, high));
      });
    }
    if (failed)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  static LogicalResult emitScalar(OpBuilder &builder, kern::GenerateOp op, ValueRange indices) {
    SmallVector<LaneValue> arguments = asUniform(indices);
    FailureOr<SmallVector<LaneValue>> results = vectorizeBlock(builder, op.getBody().front(), arguments, nullptr);
    if (failed(results))
      return failure();
    for (auto [value, out] : llvm::zip(*results, op.getOuts()))
      memref::StoreOp::create(builder, op.getLoc(), value.value, out, indices);
    return success();
  }

  /// Elements [low, high) of a row, in pieces where comparisons with constants are settled.
  static LogicalResult emitRow(OpBuilder &builder, kern::GenerateOp op, SmallVector<Value> indices, int64_t lanes,
                               OpFoldResult low, OpFoldResult high) {
    Block &body = op.getBody().front();
    int64_t size = op.getStaticShape()[lanes];
    std::set<int64_t> changes;
    SmallVector<LaneComparison> comparisons = laneComparisons(body, body.getArgument(lanes), changes);
    SmallVector<int64_t> bounds{0};
    for (int64_t change : changes)
      if (change > 0 && (ShapedType::isDynamic(size) || change < size))
        bounds.push_back(change);
    if (bounds.size() > kMaxSplits + 1) {
      bounds.resize(1);
      comparisons.clear();
    }
    for (size_t piece = 0; piece < bounds.size(); ++piece) {
      KnownConditions known;
      for (const LaneComparison &comparison : comparisons)
        known[comparison.result] = comparison.at(bounds[piece]);
      OpFoldResult from = low, to = high;
      if (piece > 0)
        from = larger(builder, op.getLoc(), low, bounds[piece]);
      if (piece + 1 < bounds.size())
        to = smaller(builder, op.getLoc(), high, bounds[piece + 1]);
      auto done = forLanes(builder, op.getLoc(), from, to, {},
                           [&](OpBuilder &b, Location l, Value position, Value mask, ValueRange) {
                             return emitVector(b, op, indices, lanes, position, mask, known);
                           });
      if (!done)
        return failure();
    }
    return success();
  }

  static std::optional<SmallVector<Value>> emitVector(OpBuilder &builder, kern::GenerateOp op,
                                                      SmallVector<Value> indices, int64_t lanes, Value position,
                                                      Value mask, const KnownConditions &known) {
    SmallVector<LaneValue> arguments = asUniform(indices);
    arguments[lanes] = {LaneValue::Contiguous, position};
    FailureOr<SmallVector<LaneValue>> results = vectorizeBlock(builder, op.getBody().front(), arguments, mask, &known);
    if (failed(results))
      return std::nullopt;
    indices[lanes] = position;
    for (auto [value, out] : llvm::zip(*results, op.getOuts()))
      storeLanes(builder, op.getLoc(), value, out, indices, mask);
    return SmallVector<Value>();
  }

  static OpFoldResult larger(OpBuilder &builder, Location loc, OpFoldResult a, int64_t b) {
    if (std::optional<int64_t> constant = getConstantIntValue(a))
      return builder.getIndexAttr(std::max(*constant, b));
    return arith::MaxUIOp::create(builder, loc, cast<Value>(a), indexConstant(builder, loc, b)).getResult();
  }
  static OpFoldResult smaller(OpBuilder &builder, Location loc, OpFoldResult a, int64_t b) {
    if (std::optional<int64_t> constant = getConstantIntValue(a))
      return builder.getIndexAttr(std::min(*constant, b));
    return arith::MinUIOp::create(builder, loc, cast<Value>(a), indexConstant(builder, loc, b)).getResult();
  }
};
} // namespace

void sinter::lower::populateGenerateLowering(RewritePatternSet &patterns) {
  patterns.add<LowerGenerate>(patterns.getContext());
}
