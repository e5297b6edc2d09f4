//===- Generic.cpp - kernels over any shape and body -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Generic.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sinter::kern;

//===----------------------------------------------------------------------===//
// Sizes and cost
//===----------------------------------------------------------------------===//

static Value sizeValue(OpBuilder &builder, Location loc, OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(builder, loc, size);
}

static Value product(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes) {
  int64_t constant = 1;
  Value result;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> known = getConstantIntValue(size)) {
      constant *= *known;
      continue;
    }
    Value value = sizeValue(builder, loc, size);
    result = result ? arith::MulIOp::create(builder, loc, result, value) : value;
  }
  if (!result)
    return arith::ConstantIndexOp::create(builder, loc, constant);
  if (constant == 1)
    return result;
  return arith::MulIOp::create(builder, loc, result, arith::ConstantIndexOp::create(builder, loc, constant));
}

OpFoldResult sinter::kern::blocksOf(OpBuilder &builder, Location loc, OpFoldResult size, int64_t block) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return builder.getIndexAttr(llvm::divideCeil(*known, block));
  Value up = arith::AddIOp::create(builder, loc, cast<Value>(size), arith::ConstantIndexOp::create(builder, loc, block - 1));
  return arith::DivUIOp::create(builder, loc, up, arith::ConstantIndexOp::create(builder, loc, block)).getResult();
}

/// A static size, or what is likely for one that is not.
static int64_t likely(int64_t size) { return ShapedType::isDynamic(size) ? 256 : std::max<int64_t>(size, 1); }

static int64_t likelyProduct(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result = std::min<int64_t>(result * likely(size), int64_t(1) << 32);
  return result;
}

/// Fewest items worth a thread, when an item evaluates a region `elements` times: about four microseconds.
static int64_t grainOf(Region &region, int64_t elements) {
  int64_t ops = 0;
  region.walk([&](Operation *) { ++ops; });
  return std::max<int64_t>(1, 65536 / (std::max<int64_t>(ops, 4) * elements));
}

/// Bytes of scratch for rows of f32 whose length is the last of `sizes`; 0 where that is not known.
static int64_t rowScratch(ArrayRef<int64_t> sizes, std::optional<int64_t> bound) {
  int64_t width = sizes.empty() ? 1 : sizes.back();
  if (ShapedType::isDynamic(width))
    width = bound.value_or(0);
  // The bound comes from the file; what no memory could hold is evaluated twice instead.
  return width <= 0 || width > (1 << 24) ? 0 : int64_t(llvm::alignTo(width * 4, 64));
}

//===----------------------------------------------------------------------===//
// Builders and verifiers that the ops share
//===----------------------------------------------------------------------===//

static SmallVector<OpFoldResult> mixed(Operation *op, ArrayRef<int64_t> sizes, ValueRange dynamic) {
  return getMixedValues(sizes, dynamic, op->getContext());
}

static void fill(OpBuilder &builder, OperationState &state, Region *region, ArrayRef<Type> arguments, RegionBuilder body) {
  if (!body)
    return;
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(region, {}, arguments, SmallVector<Location>(arguments.size(), state.location));
  body(builder, state.location, block->getArguments());
}

/// `first` and then one index a dimension.
static SmallVector<Type> withIndices(Builder &builder, ArrayRef<Type> first, size_t rank) {
  SmallVector<Type> types(first);
  types.append(rank, builder.getIndexType());
  return types;
}

static LogicalResult verifySizes(Operation *op, StringRef name, ArrayRef<int64_t> sizes, ValueRange dynamic) {
  if (size_t(llvm::count(sizes, ShapedType::kDynamic)) != dynamic.size())
    return op->emitOpError("expected as many dynamic sizes in '") << name << "' as operands";
  for (int64_t size : sizes)
    if (size < 0 && !ShapedType::isDynamic(size))
      return op->emitOpError("expected no negative size in '") << name << "', but got " << size;
  return success();
}

static YieldOp yieldOf(Region &region) {
  if (region.empty() || region.front().empty())
    return nullptr;
  return dyn_cast<YieldOp>(region.front().back());
}

static LogicalResult verifyRegion(Operation *op, StringRef name, Region &region, TypeRange arguments) {
  if (region.empty())
    return op->emitOpError("expected a region '") << name << "'";
  if (region.front().getArgumentTypes() != arguments) {
    auto diagnostic = op->emitOpError("expected region '") << name << "' with arguments (";
    llvm::interleaveComma(arguments, diagnostic);
    diagnostic << "), but got (";
    llvm::interleaveComma(region.front().getArgumentTypes(), diagnostic);
    return diagnostic << ")";
  }
  YieldOp yield = yieldOf(region);
  if (!yield)
    return op->emitOpError("expected region '") << name << "' to end with kern.yield";
  for (Type type : yield.getOperandTypes())
    if (!type.isIntOrIndexOrFloat())
      return op->emitOpError("expected region '") << name << "' to yield scalars, but got " << type;
  return success();
}

static LogicalResult verifyYields(Operation *op, StringRef name, Region &region, Type type) {
  YieldOp yield = yieldOf(region);
  if (yield.getNumOperands() != 1 || yield.getOperand(0).getType() != type)
    return op->emitOpError("expected region '") << name << "' to yield one " << type;
  return success();
}

/// Outputs have the shape's rank and sizes, the yielded element types and contiguous rows.
static LogicalResult verifyOuts(Operation *op, ArrayRef<int64_t> sizes, ValueRange outs, TypeRange elements) {
  if (outs.empty())
    return op->emitOpError("expected at least one output");
  if (outs.size() != elements.size())
    return op->emitOpError("expected ") << outs.size() << " values for the outputs, but the region yields " << elements.size();
  for (auto [index, out, element] : llvm::enumerate(outs, elements)) {
    auto type = cast<MemRefType>(out.getType());
    if (type.getElementType() != element)
      return op->emitOpError("output #") << index << " has elements of " << type.getElementType() << ", but the region yields " << element;
    if (type.getRank() != int64_t(sizes.size()))
      return op->emitOpError("output #") << index << " has rank " << type.getRank() << ", but the shape has " << sizes.size();
    for (auto [size, expected] : llvm::zip(type.getShape(), sizes))
      if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(expected) && size != expected)
        return op->emitOpError("output #") << index << " has size " << size << " where the shape has " << expected;
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) || (!strides.empty() && strides.back() != 1))
      return op->emitOpError("output #") << index << " has rows that are not contiguous";
  }
  return success();
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

void GenerateOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, ArrayRef<OpFoldResult> shape, ValueRange outs,
                       RegionBuilder body) {
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
                     ArrayRef<OpFoldResult> over, ArrayRef<ReduceKind> kinds, ValueRange outs, RegionBuilder body, RegionBuilder finish) {
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
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamicShape.size()), int32_t(dynamicOver.size()), int32_t(outs.size())});
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
  if (failed(verifySizes(*this, "shape", getStaticShape(), getShape())) || failed(verifySizes(*this, "over", getStaticOver(), getOver())) ||
      failed(verifyRegion(*this, "body", getBody(), withIndices(builder, {}, rank + getStaticOver().size()))))
    return failure();
  if (getStaticOver().empty())
    return emitOpError("expected at least one dimension to reduce over");
  TypeRange yields = yieldOf(getBody()).getOperandTypes();
  if (yields.size() != getKinds().size())
    return emitOpError("expected a kind for each of ") << yields.size() << " yielded values, but got " << getKinds().size();
  for (auto [kind, type] : llvm::zip(getKindValues(), yields)) {
    bool bits = kind == ReduceKind::And || kind == ReduceKind::Or || kind == ReduceKind::Xor;
    bool isUnsigned = kind == ReduceKind::UMax || kind == ReduceKind::UMin;
    if ((bits || isUnsigned) && !type.isSignlessInteger())
      return emitOpError("kind '") << stringifyReduceKind(kind) << "' expects integers, but got " << type;
    if (type.isIndex())
      return emitOpError("expected values of a sized type, but got ") << type;
  }
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

int64_t ReduceOp::getGrain() { return grainOf(getBody(), likelyProduct(getStaticOver()) * (lanesOverShape(*this) ? kReduceBlock : 1)); }

int64_t ReduceOp::getScratchBytes() { return 0; }

//===----------------------------------------------------------------------===//
// kern.norm
//===----------------------------------------------------------------------===//

void NormOp::build(OpBuilder &builder, OperationState &state, NormKind kind, Value begin, Value end, ArrayRef<OpFoldResult> shape,
                   float epsilon, ValueRange outs, Value scratch, std::optional<int64_t> bound, RegionBuilder body, RegionBuilder apply) {
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
static LogicalResult verifyRows(Operation *op, ArrayRef<int64_t> sizes, ValueRange dynamic, ValueRange outs, Region &body, Region &apply,
                                size_t values) {
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

LogicalResult NormOp::verify() { return verifyRows(*this, getStaticShape(), getShape(), getOuts(), getBody(), getApply(), 2); }

Value NormOp::buildGrid(OpBuilder &builder) {
  return product(builder, getLoc(), ArrayRef<OpFoldResult>(getMixedShape()).drop_back());
}

int64_t NormOp::getGrain() { return grainOf(getBody(), 4 * likely(getStaticShape().back())); }

int64_t NormOp::getScratchBytes() { return rowScratch(getStaticShape(), getBound()); }

//===----------------------------------------------------------------------===//
// kern.softmax
//===----------------------------------------------------------------------===//

void SoftmaxOp::build(OpBuilder &builder, OperationState &state, bool log, Value begin, Value end, ArrayRef<OpFoldResult> shape,
                      ValueRange outs, Value scratch, std::optional<int64_t> bound, RegionBuilder body, RegionBuilder apply) {
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

LogicalResult SoftmaxOp::verify() { return verifyRows(*this, getStaticShape(), getShape(), getOuts(), getBody(), getApply(), 1); }

Value SoftmaxOp::buildGrid(OpBuilder &builder) {
  return product(builder, getLoc(), ArrayRef<OpFoldResult>(getMixedShape()).drop_back());
}

int64_t SoftmaxOp::getGrain() { return grainOf(getBody(), 8 * likely(getStaticShape().back())); }

int64_t SoftmaxOp::getScratchBytes() { return rowScratch(getStaticShape(), getBound()); }

//===----------------------------------------------------------------------===//
// kern.matmul
//===----------------------------------------------------------------------===//

void MatMulOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, ArrayRef<OpFoldResult> shape, OpFoldResult depth,
                     Type accumulator, ValueRange outs, Value scratch, std::optional<int64_t> bound, RegionBuilder lhs, RegionBuilder rhs,
                     RegionBuilder apply) {
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
  properties.setOperandSegmentSizes({1, 1, int32_t(dynamicShape.size()), int32_t(dynamicDepth.size()), int32_t(outs.size()), 1});
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
  if (left.size() != 1 || !(left[0].isF32() || left[0].isF64() || left[0].isSignlessInteger(32) || left[0].isSignlessInteger(64)))
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
  int64_t rows = std::min(likely(sizes[sizes.size() - 2]), kMatMulRows), columns = std::min(likely(sizes.back()), kMatMulColumns);
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

//===----------------------------------------------------------------------===//
// kern.scan
//===----------------------------------------------------------------------===//

void ScanOp::build(OpBuilder &builder, OperationState &state, ReduceKind kind, Value begin, Value end, ArrayRef<OpFoldResult> shape,
                   int64_t axis, bool exclusive, bool reverse, Value out, RegionBuilder body) {
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
  return verifyOuts(*this, getStaticShape(), getOuts(), yieldOf(getBody()).getOperandTypes());
}

Value ScanOp::buildGrid(OpBuilder &builder) {
  SmallVector<OpFoldResult> sizes = getMixedShape();
  sizes.erase(sizes.begin() + getAxis());
  return product(builder, getLoc(), sizes);
}

int64_t ScanOp::getGrain() { return grainOf(getBody(), 8 * likely(getStaticShape()[getAxis()])); }

int64_t ScanOp::getScratchBytes() { return 0; }
