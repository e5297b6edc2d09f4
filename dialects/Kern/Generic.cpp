//===- Generic.cpp - kernels over any shape and body --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/GenericShared.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sinter::kern;
using namespace sinter::kern::detail;

OpFoldResult sinter::kern::blocksOf(OpBuilder &builder, Location loc, OpFoldResult size, int64_t block) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return builder.getIndexAttr(llvm::divideCeil(*known, block));
  Value up =
      arith::AddIOp::create(builder, loc, cast<Value>(size), arith::ConstantIndexOp::create(builder, loc, block - 1));
  return arith::DivUIOp::create(builder, loc, up, arith::ConstantIndexOp::create(builder, loc, block)).getResult();
}

ParseResult sinter::kern::parseReduceKinds(OpAsmParser &parser, ArrayAttr &kinds) {
  SmallVector<Attribute> result;
  auto one = [&]() -> ParseResult {
    StringRef word;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
    std::optional<ReduceKind> kind = symbolizeReduceKind(word);
    if (!kind)
      return parser.emitError(loc, "unknown kind of reduction '") << word << "'";
    result.push_back(ReduceKindAttr::get(parser.getContext(), *kind));
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, one))
    return failure();
  kinds = parser.getBuilder().getArrayAttr(result);
  return success();
}

void sinter::kern::printReduceKinds(OpAsmPrinter &printer, Operation *, ArrayAttr kinds) {
  printer << '[';
  llvm::interleaveComma(kinds, printer,
                        [&](Attribute kind) { printer << stringifyReduceKind(cast<ReduceKindAttr>(kind).getValue()); });
  printer << ']';
}

//===----------------------------------------------------------------------===//
// kern.generate
//===----------------------------------------------------------------------===//

void GenerateOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, ArrayRef<OpFoldResult> shape,
                       ValueRange outs, RegionBuilder body) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> sizes;
  dispatchIndexOpFoldResults(shape, dynamic, sizes);
  state.addOperands({begin, end});
  state.addOperands(dynamic);
  state.addOperands(outs);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setStaticShape(builder.getDenseI64ArrayAttr(sizes));
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamic.size()), int32_t(outs.size())});
  fill(builder, state, state.addRegion(), withIndices(builder, {}, sizes.size()), body);
}

SmallVector<OpFoldResult> GenerateOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }

LogicalResult GenerateOp::verify() {
  Builder builder(getContext());
  if (failed(verifySizes(*this, "shape", getStaticShape(), getShape())) ||
      failed(verifyRegion(*this, "body", getBody(), withIndices(builder, {}, getStaticShape().size()))))
    return failure();
  return verifyOuts(*this, getStaticShape(), getOuts(), yieldOf(getBody()).getOperandTypes());
}

int64_t sinter::kern::laneDimension(ArrayRef<int64_t> sizes) {
  for (int64_t dim = int64_t(sizes.size()) - 1; dim >= 0; --dim)
    if (sizes[dim] != 1)
      return dim;
  return int64_t(sizes.size()) - 1;
}

Value GenerateOp::buildGrid(OpBuilder &builder) {
  SmallVector<OpFoldResult> sizes = getMixedShape();
  if (int64_t lanes = laneDimension(getStaticShape()); lanes >= 0)
    sizes[lanes] = blocksOf(builder, getLoc(), sizes[lanes], kLaneBlock);
  return product(builder, getLoc(), sizes);
}

int64_t GenerateOp::getGrain() {
  int64_t lanes = laneDimension(getStaticShape());
  int64_t elements = lanes < 0 ? 1 : std::min<int64_t>(likely(getStaticShape()[lanes]), kLaneBlock);
  return grainOf(getBody(), elements);
}

int64_t GenerateOp::getScratchBytes() { return 0; }

//===----------------------------------------------------------------------===//
// kern.reduce
//===----------------------------------------------------------------------===//

void ReduceOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, ArrayRef<OpFoldResult> shape,
                     ArrayRef<OpFoldResult> over, ArrayRef<ReduceKind> kinds, ValueRange outs, RegionBuilder body,
                     RegionBuilder finish) {
  SmallVector<Value> dynamicShape, dynamicOver;
  SmallVector<int64_t> shapeSizes, overSizes;
  dispatchIndexOpFoldResults(shape, dynamicShape, shapeSizes);
  dispatchIndexOpFoldResults(over, dynamicOver, overSizes);
  state.addOperands({begin, end});
  state.addOperands(dynamicShape);
  state.addOperands(dynamicOver);
  state.addOperands(outs);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setStaticShape(builder.getDenseI64ArrayAttr(shapeSizes));
  properties.setStaticOver(builder.getDenseI64ArrayAttr(overSizes));
  SmallVector<Attribute> kindAttrs;
  for (ReduceKind kind : kinds)
    kindAttrs.push_back(ReduceKindAttr::get(builder.getContext(), kind));
  properties.setKinds(builder.getArrayAttr(kindAttrs));
  properties.setOperandSegmentSizes(
      {1, 1, int32_t(dynamicShape.size()), int32_t(dynamicOver.size()), int32_t(outs.size())});
  Region *bodyRegion = state.addRegion(), *finishRegion = state.addRegion();
  fill(builder, state, bodyRegion, withIndices(builder, {}, shapeSizes.size() + overSizes.size()), body);
  if (!finish)
    return;
  // The combined types follow from what the body yields.
  SmallVector<Type> combined;
  if (!bodyRegion->empty())
    for (auto [kind, type] : llvm::zip(kinds, bodyRegion->front().getTerminator()->getOperandTypes()))
      combined.push_back(kind >= ReduceKind::ArgMax ? builder.getI64Type() : type);
  fill(builder, state, finishRegion, withIndices(builder, combined, shapeSizes.size()), finish);
}

SmallVector<OpFoldResult> ReduceOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }
SmallVector<OpFoldResult> ReduceOp::getMixedOver() { return mixed(*this, getStaticOver(), getOver()); }

SmallVector<ReduceKind> ReduceOp::getKindValues() {
  SmallVector<ReduceKind> kinds;
  for (Attribute kind : getKinds())
    kinds.push_back(cast<ReduceKindAttr>(kind).getValue());
  return kinds;
}

SmallVector<Type> ReduceOp::getCombinedTypes() {
  SmallVector<Type> types;
  for (auto [kind, type] : llvm::zip(getKindValues(), getBody().front().getTerminator()->getOperandTypes()))
    types.push_back(kind >= ReduceKind::ArgMax ? IntegerType::get(getContext(), 64) : type);
  return types;
}

LogicalResult ReduceOp::verify() {
  Builder builder(getContext());
  size_t rank = getStaticShape().size();
  if (failed(verifySizes(*this, "shape", getStaticShape(), getShape())) ||
      failed(verifySizes(*this, "over", getStaticOver(), getOver())) ||
      failed(verifyRegion(*this, "body", getBody(), withIndices(builder, {}, rank + getStaticOver().size()))))
    return failure();
  if (getStaticOver().empty())
    return emitOpError("expected at least one dimension to reduce over");
  TypeRange yields = yieldOf(getBody()).getOperandTypes();
  if (yields.size() != getKinds().size())
    return emitOpError("expected a kind for each of ")
           << yields.size() << " yielded values, but got " << getKinds().size();
  for (auto [kind, type] : llvm::zip(getKindValues(), yields))
    if (failed(verifyKind(*this, kind, type)))
      return failure();
  SmallVector<Type> combined = getCombinedTypes();
  if (getFinish().empty())
    return verifyOuts(*this, getStaticShape(), getOuts(), combined);
  if (failed(verifyRegion(*this, "finish", getFinish(), withIndices(builder, combined, rank))))
    return failure();
  return verifyOuts(*this, getStaticShape(), getOuts(), yieldOf(getFinish()).getOperandTypes());
}

/// Whether `value` is computed from `from` inside the region.
static bool dependsOn(Value value, Value from) {
  SmallVector<Value> work{value};
  llvm::SmallDenseSet<Value> seen;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (next == from)
      return true;
    Operation *op = next.getDefiningOp();
    if (!op || !seen.insert(next).second || !from.getParentRegion()->isAncestor(op->getParentRegion()))
      continue;
    llvm::append_range(work, op->getOperands());
  }
  return false;
}

bool sinter::kern::lanesOverShape(ReduceOp op) {
  ArrayRef<int64_t> shape = op.getStaticShape();
  if (shape.empty() || (!ShapedType::isDynamic(shape.back()) && shape.back() < 8))
    return false;
  Block &body = op.getBody().front();
  Value parallel = body.getArgument(shape.size() - 1), reduced = body.getArguments().back();
  int64_t votes = 0;
  body.walk([&](memref::LoadOp load) {
    if (load.getIndices().empty())
      return;
    votes += dependsOn(load.getIndices().back(), parallel);
    votes -= dependsOn(load.getIndices().back(), reduced);
  });
  return votes > 0;
}

Value ReduceOp::buildGrid(OpBuilder &builder) {
  SmallVector<OpFoldResult> sizes = getMixedShape();
  if (lanesOverShape(*this))
    sizes.back() = blocksOf(builder, getLoc(), sizes.back(), kReduceBlock);
  return product(builder, getLoc(), sizes);
}

int64_t ReduceOp::getGrain() {
  return grainOf(getBody(), likelyProduct(getStaticOver()) * (lanesOverShape(*this) ? kReduceBlock : 1));
}

int64_t ReduceOp::getScratchBytes() { return 0; }

//===----------------------------------------------------------------------===//
// kern.norm
//===----------------------------------------------------------------------===//

void NormOp::build(OpBuilder &builder, OperationState &state, NormKind kind, Value begin, Value end,
                   ArrayRef<OpFoldResult> shape, float epsilon, ValueRange outs, Value scratch,
                   std::optional<int64_t> bound, RegionBuilder body, RegionBuilder apply) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> sizes;
  dispatchIndexOpFoldResults(shape, dynamic, sizes);
  state.addOperands({begin, end});
  state.addOperands(dynamic);
  state.addOperands(outs);
  state.addOperands(scratch);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setKind(NormKindAttr::get(builder.getContext(), kind));
  properties.setEpsilon(builder.getF32FloatAttr(epsilon));
  properties.setStaticShape(builder.getDenseI64ArrayAttr(sizes));
  if (bound)
    properties.setBound(builder.getI64IntegerAttr(*bound));
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamic.size()), int32_t(outs.size()), 1});
  Type f32 = builder.getF32Type();
  fill(builder, state, state.addRegion(), withIndices(builder, {}, sizes.size()), body);
  fill(builder, state, state.addRegion(), withIndices(builder, {f32, f32}, sizes.size()), apply);
}

SmallVector<OpFoldResult> NormOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }

/// What norm and softmax have in common: an f32 input region, and `apply` with some f32 values before the indices.
static LogicalResult verifyRows(Operation *op, ArrayRef<int64_t> sizes, ValueRange dynamic, ValueRange outs,
                                Region &body, Region &apply, size_t values) {
  Builder builder(op->getContext());
  if (failed(verifySizes(op, "shape", sizes, dynamic)))
    return failure();
  if (sizes.empty())
    return op->emitOpError("expected at least one dimension");
  SmallVector<Type> first(values, builder.getF32Type());
  if (failed(verifyRegion(op, "body", body, withIndices(builder, {}, sizes.size()))) ||
      failed(verifyYields(op, "body", body, builder.getF32Type())) ||
      failed(verifyRegion(op, "apply", apply, withIndices(builder, first, sizes.size()))))
    return failure();
  return verifyOuts(op, sizes, outs, yieldOf(apply).getOperandTypes());
}

LogicalResult NormOp::verify() {
  return verifyRows(*this, getStaticShape(), getShape(), getOuts(), getBody(), getApply(), 2);
}

Value NormOp::buildGrid(OpBuilder &builder) {
  return product(builder, getLoc(), ArrayRef<OpFoldResult>(getMixedShape()).drop_back());
}

int64_t NormOp::getGrain() { return grainOf(getBody(), 4 * likely(getStaticShape().back())); }

int64_t NormOp::getScratchBytes() { return rowScratch(getStaticShape(), getBound()); }

//===----------------------------------------------------------------------===//
// kern.softmax
//===----------------------------------------------------------------------===//

void SoftmaxOp::build(OpBuilder &builder, OperationState &state, bool log, Value begin, Value end,
                      ArrayRef<OpFoldResult> shape, ValueRange outs, Value scratch, std::optional<int64_t> bound,
                      RegionBuilder body, RegionBuilder apply) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> sizes;
  dispatchIndexOpFoldResults(shape, dynamic, sizes);
  state.addOperands({begin, end});
  state.addOperands(dynamic);
  state.addOperands(outs);
  state.addOperands(scratch);
  auto &properties = state.getOrAddProperties<Properties>();
  if (log)
    properties.setLog(builder.getUnitAttr());
  properties.setStaticShape(builder.getDenseI64ArrayAttr(sizes));
  if (bound)
    properties.setBound(builder.getI64IntegerAttr(*bound));
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamic.size()), int32_t(outs.size()), 1});
  fill(builder, state, state.addRegion(), withIndices(builder, {}, sizes.size()), body);
  fill(builder, state, state.addRegion(), withIndices(builder, {Type(builder.getF32Type())}, sizes.size()), apply);
}

SmallVector<OpFoldResult> SoftmaxOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }

LogicalResult SoftmaxOp::verify() {
  return verifyRows(*this, getStaticShape(), getShape(), getOuts(), getBody(), getApply(), 1);
}

Value SoftmaxOp::buildGrid(OpBuilder &builder) {
  return product(builder, getLoc(), ArrayRef<OpFoldResult>(getMixedShape()).drop_back());
}

int64_t SoftmaxOp::getGrain() { return grainOf(getBody(), 8 * likely(getStaticShape().back())); }

int64_t SoftmaxOp::getScratchBytes() { return rowScratch(getStaticShape(), getBound()); }

//===----------------------------------------------------------------------===//
// kern.matmul
//===----------------------------------------------------------------------===//

void MatMulOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, ArrayRef<OpFoldResult> shape,
                     OpFoldResult depth, Type accumulator, ValueRange outs, Value scratch, std::optional<int64_t> bound,
                     RegionBuilder lhs, RegionBuilder rhs, RegionBuilder apply) {
  SmallVector<Value> dynamicShape, dynamicDepth;
  SmallVector<int64_t> shapeSizes, depthSizes;
  dispatchIndexOpFoldResults(shape, dynamicShape, shapeSizes);
  dispatchIndexOpFoldResults(depth, dynamicDepth, depthSizes);
  state.addOperands({begin, end});
  state.addOperands(dynamicShape);
  state.addOperands(dynamicDepth);
  state.addOperands(outs);
  state.addOperands(scratch);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setStaticShape(builder.getDenseI64ArrayAttr(shapeSizes));
  properties.setStaticDepth(builder.getDenseI64ArrayAttr(depthSizes));
  if (bound)
    properties.setBound(builder.getI64IntegerAttr(*bound));
  properties.setOperandSegmentSizes(
      {1, 1, int32_t(dynamicShape.size()), int32_t(dynamicDepth.size()), int32_t(outs.size()), 1});
  fill(builder, state, state.addRegion(), withIndices(builder, {}, shapeSizes.size()), lhs);
  fill(builder, state, state.addRegion(), withIndices(builder, {}, shapeSizes.size()), rhs);
  fill(builder, state, state.addRegion(), withIndices(builder, {accumulator}, shapeSizes.size()), apply);
}

SmallVector<OpFoldResult> MatMulOp::getMixedShape() { return mixed(*this, getStaticShape(), getShape()); }
OpFoldResult MatMulOp::getMixedDepth() { return mixed(*this, getStaticDepth(), getDepth()).front(); }

LogicalResult MatMulOp::verify() {
  Builder builder(getContext());
  if (failed(verifySizes(*this, "shape", getStaticShape(), getShape())) ||
      failed(verifySizes(*this, "depth", getStaticDepth(), getDepth())))
    return failure();
  size_t rank = getStaticShape().size();
  if (rank < 2)
    return emitOpError("expected a shape of rank 2 or more, but got ") << rank;
  if (getStaticDepth().size() != 1)
    return emitOpError("expected one depth, but got ") << getStaticDepth().size();
  if (failed(verifyRegion(*this, "lhs", getLhs(), withIndices(builder, {}, rank))) ||
      failed(verifyRegion(*this, "rhs", getRhs(), withIndices(builder, {}, rank))))
    return failure();
  TypeRange left = yieldOf(getLhs()).getOperandTypes();
  if (left.size() != 1 ||
      !(left[0].isF32() || left[0].isF64() || left[0].isSignlessInteger(32) || left[0].isSignlessInteger(64)))
    return emitOpError("expected region 'lhs' to yield one f32, f64, i32 or i64");
  if (failed(verifyYields(*this, "rhs", getRhs(), left[0])) ||
      failed(verifyRegion(*this, "apply", getApply(), withIndices(builder, {Type(left[0])}, rank))))
    return failure();
  return verifyOuts(*this, getStaticShape(), getOuts(), yieldOf(getApply()).getOperandTypes());
}

Value MatMulOp::buildGrid(OpBuilder &builder) {
  SmallVector<OpFoldResult> sizes = getMixedShape();
  size_t rank = sizes.size();
  sizes[rank - 2] = blocksOf(builder, getLoc(), sizes[rank - 2], kMatMulRows);
  sizes[rank - 1] = blocksOf(builder, getLoc(), sizes[rank - 1], kMatMulColumns);
  return product(builder, getLoc(), sizes);
}

int64_t MatMulOp::getGrain() {
  ArrayRef<int64_t> sizes = getStaticShape();
  int64_t rows = std::min(likely(sizes[sizes.size() - 2]), kMatMulRows),
          columns = std::min(likely(sizes.back()), kMatMulColumns);
  return std::max<int64_t>(1, 65536 / (rows * columns * likely(getStaticDepth()[0])));
}

int64_t MatMulOp::getScratchBytes() {
  // A single row reads every element of b once.
  if (getStaticShape()[getStaticShape().size() - 2] == 1)
    return 0;
  int64_t depth = getStaticDepth()[0];
  if (ShapedType::isDynamic(depth))
    depth = getBound().value_or(0);
  if (depth <= 0 || depth > (1 << 15))
    return 0;
  return depth * kMatMulColumns * int64_t(yieldOf(getLhs()).getOperandTypes()[0].getIntOrFloatBitWidth() / 8);
}
