//===- Scan.cpp - kern.scan as loops --------------------------------------===//
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
struct LowerScan : OpRewritePattern<kern::ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(kern::ScanOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> shape = op.getMixedShape(), items = shape;
    size_t axis = op.getAxis();
    items.erase(items.begin() + axis);
    Type element = op.getBody().front().getTerminator()->getOperand(0).getType();
    bool failed = false;
    forEachItem(rewriter, loc, op.getBegin(), op.getEnd(), items, [&](OpBuilder &b, Location l, ValueRange others) {
      Value zero = indexConstant(b, l, 0), one = indexConstant(b, l, 1), length = indexValue(b, l, shape[axis]);
      Value start = arith::ConstantOp::create(b, l, identityOf(b, op.getKind(), element));
      scf::ForOp::create(b, l, zero, length, one, start, [&](OpBuilder &inner, Location il, Value step, ValueRange so) {
        Value position = step;
        if (op.getReverse())
          position = arith::SubIOp::create(inner, il, arith::SubIOp::create(inner, il, length, one), step);
        SmallVector<Value> indices(others);
        indices.insert(indices.begin() + axis, position);
        FailureOr<SmallVector<LaneValue>> values =
            vectorizeBlock(inner, op.getBody().front(), asUniform(indices), nullptr);
        failed |= mlir::failed(values);
        Value sum = failed ? so[0] : combine(inner, il, op.getKind(), so[0], values->front().value);
        memref::StoreOp::create(inner, il, op.getExclusive() ? so[0] : sum, op.getOuts()[0], indices);
        scf::YieldOp::create(inner, il, sum);
      });
    });
    if (failed)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void sinter::lower::populateScanLowering(RewritePatternSet &patterns) {
  patterns.add<LowerScan>(patterns.getContext());
}
