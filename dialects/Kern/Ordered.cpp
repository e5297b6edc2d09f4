//===- Ordered.cpp - kernels whose order is their meaning ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/GenericShared.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sinter::kern;
using namespace sinter::kern::detail;

//===----------------------------------------------------------------------===//
// kern.scan
//===----------------------------------------------------------------------===//

void ScanOp::build(OpBuilder &builder, OperationState &state, ReduceKind kind, Value begin, Value end,
                   ArrayRef<OpFoldResult> shape, int64_t axis, bool exclusive, bool reverse, Value out,
                   RegionBuilder body) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> sizes;
  dispatchIndexOpFoldResults(shape, dynamic, sizes);
  state.addOperands({begin, end});
  state.addOperands(dynamic);
  state.addOperands(out);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setKind(ReduceKindAttr::get(builder.getContext(), kind));
  properties.setStaticShape(builder.getDenseI64ArrayAttr(sizes));
  properties.setAxis(builder.getI64IntegerAttr(axis));
  if (exclusive)
    properties.setExclusive(builder.getUnitAttr());
  if (reverse)
    properties.setReverse(builder.getUnitAttr());
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamic.size()), 1});
  fill(builder, state, state.addRegion(), withIndices(builder, {}, sizes.size()), body);
}

SmallVector<OpFoldResult> ScanOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }

LogicalResult ScanOp::verify() {
  Builder builder(getContext());
  if (failed(verifySizes(*this, "shape", getStaticShape(), getShape())) ||
      failed(verifyRegion(*this, "body", getBody(), withIndices(builder, {}, getStaticShape().size()))))
    return failure();
  if (getAxis() >= getStaticShape().size())
    return emitOpError("expected an axis of the shape, but got ") << int64_t(getAxis());
  if (getKind() >= ReduceKind::ArgMax)
    return emitOpError("expected a kind that combines values, but got '") << stringifyReduceKind(getKind()) << "'";
  if (getOuts().size() != 1)
    return emitOpError("expected one output, but got ") << getOuts().size();
  if (failed(verifyOuts(*this, getStaticShape(), getOuts(), yieldOf(getBody()).getOperandTypes())))
    return failure();
  return verifyKind(*this, getKind(), yieldOf(getBody()).getOperand(0).getType());
}

Value ScanOp::buildGrid(OpBuilder &builder) {
  SmallVector<OpFoldResult> sizes = getMixedShape();
  sizes.erase(sizes.begin() + getAxis());
  return product(builder, getLoc(), sizes);
}

int64_t ScanOp::getGrain() { return grainOf(getBody(), 8 * likely(getStaticShape()[getAxis()])); }

int64_t ScanOp::getScratchBytes() { return 0; }

//===----------------------------------------------------------------------===//
// kern.scatter
//===----------------------------------------------------------------------===//

void ScatterOp::build(OpBuilder &builder, OperationState &state, std::optional<ReduceKind> kind, Value begin, Value end,
                      ArrayRef<OpFoldResult> shape, Value out, RegionBuilder body) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> sizes;
  dispatchIndexOpFoldResults(shape, dynamic, sizes);
  state.addOperands({begin, end});
  state.addOperands(dynamic);
  state.addOperands(out);
  auto &properties = state.getOrAddProperties<Properties>();
  if (kind)
    properties.setKind(ReduceKindAttr::get(builder.getContext(), *kind));
  properties.setStaticShape(builder.getDenseI64ArrayAttr(sizes));
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamic.size()), 1});
  fill(builder, state, state.addRegion(), withIndices(builder, {}, sizes.size()), body);
}

SmallVector<OpFoldResult> ScatterOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }

LogicalResult ScatterOp::verify() {
  Builder builder(getContext());
  if (failed(verifySizes(*this, "shape", getStaticShape(), getShape())) ||
      failed(verifyRegion(*this, "body", getBody(), withIndices(builder, {}, getStaticShape().size()))))
    return failure();
  if (getKind() && *getKind() >= ReduceKind::ArgMax)
    return emitOpError("expected a kind that combines values, but got '") << stringifyReduceKind(*getKind()) << "'";
  if (getOuts().size() != 1)
    return emitOpError("expected one output, but got ") << getOuts().size();
  auto type = cast<MemRefType>(getOuts()[0].getType());
  TypeRange yields = yieldOf(getBody()).getOperandTypes();
  if (yields.size() != size_t(type.getRank()) + 1)
    return emitOpError("expected region 'body' to yield ") << type.getRank() << " indices and a value";
  if (!llvm::all_of(yields.drop_back(), [](Type yield) { return yield.isIndex(); }) ||
      yields.back() != type.getElementType())
    return emitOpError("expected region 'body' to yield indices and then a ") << type.getElementType();
  return getKind() ? verifyKind(*this, *getKind(), yields.back()) : success();
}

Value ScatterOp::buildGrid(OpBuilder &builder) { return arith::ConstantIndexOp::create(builder, getLoc(), 1); }

int64_t ScatterOp::getGrain() { return 1; }

int64_t ScatterOp::getScratchBytes() { return 0; }

//===----------------------------------------------------------------------===//
// kern.topk
//===----------------------------------------------------------------------===//

void TopKOp::build(OpBuilder &builder, OperationState &state, bool largest, Value begin, Value end,
                   ArrayRef<OpFoldResult> shape, OpFoldResult k, Value values, Value indices, RegionBuilder body) {
  SmallVector<Value> dynamicShape, dynamicK;
  SmallVector<int64_t> shapeSizes, kSizes;
  dispatchIndexOpFoldResults(shape, dynamicShape, shapeSizes);
  dispatchIndexOpFoldResults(k, dynamicK, kSizes);
  state.addOperands({begin, end});
  state.addOperands(dynamicShape);
  state.addOperands(dynamicK);
  state.addOperands({values, indices});
  auto &properties = state.getOrAddProperties<Properties>();
  if (largest)
    properties.setLargest(builder.getUnitAttr());
  properties.setStaticShape(builder.getDenseI64ArrayAttr(shapeSizes));
  properties.setStaticK(builder.getDenseI64ArrayAttr(kSizes));
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamicShape.size()), int32_t(dynamicK.size()), 2});
  fill(builder, state, state.addRegion(), withIndices(builder, {}, shapeSizes.size()), body);
}

SmallVector<OpFoldResult> TopKOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }
OpFoldResult TopKOp::getMixedK() { return mixed(*this, getStaticK(), getK()).front(); }

LogicalResult TopKOp::verify() {
  Builder builder(getContext());
  if (failed(verifySizes(*this, "shape", getStaticShape(), getShape())) ||
      failed(verifySizes(*this, "k", getStaticK(), getK())) ||
      failed(verifyRegion(*this, "body", getBody(), withIndices(builder, {}, getStaticShape().size()))))
    return failure();
  if (getStaticShape().empty())
    return emitOpError("expected at least one dimension");
  if (getStaticK().size() != 1)
    return emitOpError("expected one k, but got ") << getStaticK().size();
  YieldOp yield = yieldOf(getBody());
  if (yield.getNumOperands() != 1)
    return emitOpError("expected region 'body' to yield one value");
  SmallVector<int64_t> sizes(getStaticShape());
  sizes.back() = getStaticK()[0];
  Type elements[] = {yield.getOperand(0).getType(), builder.getI64Type()};
  return verifyOuts(*this, sizes, getOuts(), elements);
}

Value TopKOp::buildGrid(OpBuilder &builder) {
  return product(builder, getLoc(), ArrayRef<OpFoldResult>(getMixedShape()).drop_back());
}

int64_t TopKOp::getGrain() {
  int64_t k = ShapedType::isDynamic(getStaticK()[0]) ? 8 : std::max<int64_t>(getStaticK()[0], 1);
  return grainOf(getBody(), k * likely(getStaticShape().back()));
}

int64_t TopKOp::getScratchBytes() { return 0; }
