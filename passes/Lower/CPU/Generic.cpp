//===- Generic.cpp - what the generic kernels' lowerings share ------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/Generic.h"
#include "passes/Lower/CPU/Lower.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;
using kern::ReduceKind;

LogicalResult sinter::lower::checkLaneStride(Operation *op, Value out, int64_t lanes) {
  auto type = cast<MemRefType>(out.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (lanes >= 0 && (failed(type.getStridesAndOffset(strides, offset)) || strides[lanes] != 1))
    return op->emitOpError("cannot write 16 elements at once to ") << type;
  return success();
}

SmallVector<LaneValue> sinter::lower::asUniform(ValueRange values) {
  return llvm::map_to_vector(values, [](Value value) { return LaneValue{LaneValue::Uniform, value}; });
}

FailureOr<SmallVector<LaneValue>> sinter::lower::runLanes(OpBuilder &builder, Region &region,
                                                          ArrayRef<LaneValue> leading, ValueRange indices,
                                                          Value position, Value mask) {
  SmallVector<LaneValue> arguments(leading);
  llvm::append_range(arguments, asUniform(indices));
  arguments.push_back({LaneValue::Contiguous, position});
  return vectorizeBlock(builder, region.front(), arguments, mask);
}

LogicalResult sinter::lower::storeRegion(OpBuilder &builder, Location loc, Region &region, ArrayRef<LaneValue> leading,
                                         ValueRange indices, Value position, Value mask, ValueRange outs) {
  FailureOr<SmallVector<LaneValue>> results = runLanes(builder, region, leading, indices, position, mask);
  if (failed(results))
    return failure();
  SmallVector<Value> at(indices);
  at.push_back(position);
  for (auto [value, out] : llvm::zip(*results, outs))
    storeLanes(builder, loc, value, out, at, mask);
  return success();
}

Value sinter::lower::combine(OpBuilder &builder, Location loc, ReduceKind kind, Value lhs, Value rhs) {
  bool real = isa<FloatType>(getElementTypeOrSelf(lhs.getType()));
  switch (kind) {
  case ReduceKind::Add:
    return real ? arith::AddFOp::create(builder, loc, lhs, rhs).getResult()
                : arith::AddIOp::create(builder, loc, lhs, rhs).getResult();
  case ReduceKind::Mul:
    return real ? arith::MulFOp::create(builder, loc, lhs, rhs).getResult()
                : arith::MulIOp::create(builder, loc, lhs, rhs).getResult();
  case ReduceKind::Max:
    return real ? arith::MaximumFOp::create(builder, loc, lhs, rhs).getResult()
                : arith::MaxSIOp::create(builder, loc, lhs, rhs).getResult();
  case ReduceKind::Min:
    return real ? arith::MinimumFOp::create(builder, loc, lhs, rhs).getResult()
                : arith::MinSIOp::create(builder, loc, lhs, rhs).getResult();
  case ReduceKind::UMax:
    return arith::MaxUIOp::create(builder, loc, lhs, rhs);
  case ReduceKind::UMin:
    return arith::MinUIOp::create(builder, loc, lhs, rhs);
  case ReduceKind::And:
    return arith::AndIOp::create(builder, loc, lhs, rhs);
  case ReduceKind::Or:
    return arith::OrIOp::create(builder, loc, lhs, rhs);
  default: // Xor; arg kinds do not come here
    return arith::XOrIOp::create(builder, loc, lhs, rhs);
  }
}

TypedAttr sinter::lower::identityOf(OpBuilder &builder, ReduceKind kind, Type element) {
  bool largest = kind == ReduceKind::Min || kind == ReduceKind::ArgMin || kind == ReduceKind::ArgMinLast;
  bool smallest = kind == ReduceKind::Max || kind == ReduceKind::ArgMax || kind == ReduceKind::ArgMaxLast;
  if (auto real = dyn_cast<FloatType>(element)) {
    if (largest || smallest)
      return builder.getFloatAttr(real, APFloat::getInf(real.getFloatSemantics(), /*Negative=*/smallest));
    return builder.getFloatAttr(real, kind == ReduceKind::Mul ? 1.0 : 0.0);
  }
  unsigned width = element.getIntOrFloatBitWidth();
  if (largest)
    return builder.getIntegerAttr(element, APInt::getSignedMaxValue(width));
  if (smallest)
    return builder.getIntegerAttr(element, APInt::getSignedMinValue(width));
  if (kind == ReduceKind::And || kind == ReduceKind::UMin)
    return builder.getIntegerAttr(element, APInt::getAllOnes(width));
  return builder.getIntegerAttr(element, APInt(width, kind == ReduceKind::Mul));
}

Value sinter::lower::someLanes(OpBuilder &builder, Location loc, Value vector, int64_t first, int64_t count) {
  return vector::ShuffleOp::create(builder, loc, vector, vector, llvm::to_vector(llvm::seq(first, first + count)));
}

Value sinter::lower::combineLanes(OpBuilder &builder, Location loc, ReduceKind kind, Value vector) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    vector = combine(builder, loc, kind, someLanes(builder, loc, vector, 0, half),
                     someLanes(builder, loc, vector, half, half));
  return vector::ExtractOp::create(builder, loc, vector, 0);
}

Value sinter::lower::splatConstant(OpBuilder &builder, Location loc, TypedAttr element) {
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(VectorType::get({kLanes}, element.getType()), Attribute(element)));
}

void sinter::lower::populateGenericLowering(RewritePatternSet &patterns, kern::TargetAttr target) {
  populateGenerateLowering(patterns);
  populateMatMulLowering(patterns, target);
  populateReduceLowering(patterns);
  populateRowLowering(patterns);
  populateScanLowering(patterns);
  populateScatterLowering(patterns);
  populateTopKLowering(patterns);
}
