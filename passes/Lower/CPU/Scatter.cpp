//===- Scatter.cpp - kern.scatter as loops --------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/Generic.h"
#include "passes/Lower/CPU/Items.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

namespace {
struct LowerScatter : OpRewritePattern<kern::ScatterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(kern::ScatterOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> shape = op.getMixedShape();
    bool failed = false;
    Value one = indexConstant(rewriter, loc, 1);
    scf::ForOp::create(
        rewriter, loc, op.getBegin(), op.getEnd(), one, ValueRange(), [&](OpBuilder &b, Location l, Value, ValueRange) {
          bool wide = !op.getKind() && writesRuns(op);
          ArrayRef<OpFoldResult> outer = wide ? ArrayRef(shape).drop_back() : ArrayRef(shape);
          forNest(b, l, outer, {},
                  [&](OpBuilder &inner, Location il, ValueRange indices, ValueRange) -> SmallVector<Value> {
                    if (wide)
                      failed |= mlir::failed(writeRow(inner, op, indices, shape.back()));
                    else
                      failed |= mlir::failed(writeOne(inner, op, indices));
                    return {};
                  });
          scf::YieldOp::create(b, l);
        });
    if (failed)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Whether the last index of the space is the last index of the place and no other depends on it: rows are written as
  /// they are.
  static bool writesRuns(kern::ScatterOp op) {
    Block &body = op.getBody().front();
    OperandRange yields = body.getTerminator()->getOperands();
    auto type = cast<MemRefType>(op.getOuts()[0].getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (body.getNumArguments() == 0 || type.getRank() == 0 || mlir::failed(type.getStridesAndOffset(strides, offset)) ||
        strides.back() != 1)
      return false;
    Value lane = body.getArguments().back();
    if (yields[type.getRank() - 1] != lane)
      return false;
    // Where the others come from the lane, too, is found by following operands.
    SmallVector<Value> work(yields.take_front(type.getRank() - 1));
    llvm::SmallDenseSet<Value> seen;
    while (!work.empty()) {
      Value value = work.pop_back_val();
      if (value == lane)
        return false;
      Operation *from = value.getDefiningOp();
      if (!from || !seen.insert(value).second || !op.getBody().isAncestor(from->getParentRegion()))
        continue;
      if (from->getNumRegions())
        return false;
      llvm::append_range(work, from->getOperands());
    }
    return true;
  }

  static LogicalResult writeRow(OpBuilder &builder, kern::ScatterOp op, ValueRange indices, OpFoldResult width) {
    Location loc = op.getLoc();
    auto done = forLanes(
        builder, loc, builder.getIndexAttr(0), width, {},
        [&](OpBuilder &b, Location l, Value position, Value mask, ValueRange) -> std::optional<SmallVector<Value>> {
          FailureOr<SmallVector<LaneValue>> values = runLanes(b, op.getBody(), {}, indices, position, mask);
          if (failed(values))
            return std::nullopt;
          SmallVector<Value> at;
          for (LaneValue index : ArrayRef(*values).drop_back())
            at.push_back(index.value);
          storeLanes(b, l, values->back(), op.getOuts()[0], at, mask);
          return SmallVector<Value>();
        });
    return success(done.has_value());
  }

  static LogicalResult writeOne(OpBuilder &builder, kern::ScatterOp op, ValueRange indices) {
    Location loc = op.getLoc();
    FailureOr<SmallVector<LaneValue>> values =
        vectorizeBlock(builder, op.getBody().front(), asUniform(indices), nullptr);
    if (failed(values))
      return failure();
    SmallVector<Value> at =
        llvm::map_to_vector(ArrayRef(*values).drop_back(), [](LaneValue index) { return index.value; });
    Value value = values->back().value, out = op.getOuts()[0];
    if (op.getKind())
      value = combine(builder, loc, *op.getKind(), memref::LoadOp::create(builder, loc, out, at), value);
    memref::StoreOp::create(builder, loc, value, out, at);
    return success();
  }
};
} // namespace

void sinter::lower::populateScatterLowering(RewritePatternSet &patterns) {
  patterns.add<LowerScatter>(patterns.getContext());
}
