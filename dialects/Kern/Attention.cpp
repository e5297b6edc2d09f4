//===- Attention.cpp - ops on caches ----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Kern.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::kern;

AttentionTile AttentionTile::of(kv::CacheType type, int64_t heads) {
  AttentionTile tile;
  tile.group = heads / type.getHeads();
  // About 64 rows: their queries, scores and results stay in the second-level cache beside a block of keys and values.
  tile.tokens = std::max<int64_t>(1, 64 / tile.group);
  tile.splitTokens = std::min<int64_t>(4, tile.tokens);
  tile.keyRow = llvm::alignTo(type.getKeyDim(), 16);
  tile.valueRow = llvm::alignTo(type.getValueDim(), 16);
  return tile;
}

int64_t sinter::kern::attentionPartialBytes(kv::CacheType type, int64_t heads, int64_t sequences, int64_t total) {
  return sequences * type.getHeads() * int64_t(llvm::divideCeil(total, kv::kSpanTokens)) *
         AttentionTile::of(type, heads).partialFloats() * 4;
}

namespace {

void buildBody(OpBuilder &builder, OperationState &state, RegionBuilder body) {
  Region *region = state.addRegion();
  if (!body)
    return;
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types(4, builder.getIndexType());
  Block *block = builder.createBlock(region, {}, types, SmallVector<Location>(4, state.location));
  body(builder, state.location, block->getArguments());
}

/// Checks the region's arguments and returns what it yields.
FailureOr<TypeRange> checkBody(Operation *op, StringRef name, Region &region) {
  Block &block = region.front();
  if (block.getNumArguments() != 4 || !llvm::all_of(block.getArgumentTypes(), [](Type type) { return type.isIndex(); }))
    return op->emitOpError() << "expected region '" << name << "' to have 4 index arguments";
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield)
    return op->emitOpError() << "expected region '" << name << "' to end with kern.yield";
  return TypeRange(yield.getOperandTypes());
}

LogicalResult checkElementBody(Operation *op, StringRef name, Region &region) {
  FailureOr<TypeRange> types = checkBody(op, name, region);
  if (failed(types))
    return failure();
  if (types->size() != 1 || !types->front().isF32())
    return op->emitOpError() << "expected region '" << name << "' to yield one f32";
  return success();
}

LogicalResult checkOut(Operation *op, MemRefType out, kv::CacheType type) {
  int64_t heads = out.getDimSize(2);
  if (ShapedType::isDynamic(heads) || heads % type.getHeads() != 0)
    return op->emitOpError() << "expected the number of query heads to be a multiple of " << type.getHeads() << " KV heads, but got "
                             << out;
  if (out.getDimSize(3) != type.getValueDim())
    return op->emitOpError() << "expected results with " << type.getValueDim() << " channels, but got " << out;
  if (!out.getLayout().isIdentity())
    return op->emitOpError() << "expected contiguous results, but got " << out;
  return success();
}

LogicalResult checkSinks(Operation *op, Value sinks, int64_t heads) {
  if (!sinks)
    return success();
  int64_t size = cast<MemRefType>(sinks.getType()).getDimSize(0);
  if (!ShapedType::isDynamic(size) && size != heads)
    return op->emitOpError() << "expected " << heads << " sinks, but got " << size;
  return success();
}

Value constant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}
Value mul(OpBuilder &builder, Location loc, Value a, Value b) { return arith::MulIOp::create(builder, loc, a, b); }
Value ceilDiv(OpBuilder &builder, Location loc, Value a, int64_t b) {
  return arith::DivUIOp::create(builder, loc, arith::AddIOp::create(builder, loc, a, constant(builder, loc, b - 1)),
                                constant(builder, loc, b));
}
} // namespace

Value sinter::kern::emitIsSplit(OpBuilder &builder, Location loc, const AttentionTile &tile, Value tokens, Value total) {
  Value few = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule, tokens, constant(builder, loc, tile.splitTokens));
  Value spans =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, total, constant(builder, loc, kv::kSpanTokens));
  return arith::AndIOp::create(builder, loc, few, spans);
}

// Append.

void AppendOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, Value cache, Value past, Value tokens,
                     Value sequences, kv::CacheType type, kv::Part part, RegionBuilder body) {
  state.addOperands({begin, end, cache, past, tokens, sequences});
  state.addAttribute(getTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getPartAttrName(state.name), kv::PartAttr::get(builder.getContext(), part));
  buildBody(builder, state, body);
}

LogicalResult AppendOp::verify() { return checkElementBody(*this, "body", getBody()); }

Value AppendOp::buildGrid(OpBuilder &builder) {
  Location loc = getLoc();
  // Blocks that the new tokens touch, at most one more than they would fill.
  Value first = arith::DivUIOp::create(builder, loc, getPast(), constant(builder, loc, kv::kBlockTokens));
  Value last = ceilDiv(builder, loc, arith::AddIOp::create(builder, loc, getPast(), getTokens()), kv::kBlockTokens);
  Value blocks = arith::SubIOp::create(builder, loc, last, first);
  return mul(builder, loc, mul(builder, loc, getSequences(), constant(builder, loc, getType().getHeads())), blocks);
}

int64_t AppendOp::getGrain() { return 4; }
int64_t AppendOp::getScratchBytes() { return 0; }

// Attention.

void AttentionOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, Value cache, Value out, Value past,
                        Value tokens, Value total, Value sequences, Value sinks, Value partials, Value scratch, kv::CacheType type,
                        float scale, RegionBuilder query, RegionBuilder mask) {
  state.addOperands({begin, end, cache, out, past, tokens, total, sequences});
  if (sinks)
    state.addOperands(sinks);
  if (partials)
    state.addOperands(partials);
  state.addOperands(scratch);
  state.addAttribute(getOperandSegmentSizesAttrName(state.name),
                     builder.getDenseI32ArrayAttr({1, 1, 1, 1, 1, 1, 1, 1, sinks ? 1 : 0, partials ? 1 : 0, 1}));
  state.addAttribute(getTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getScaleAttrName(state.name), builder.getF32FloatAttr(scale));
  buildBody(builder, state, query);
  buildBody(builder, state, mask);
}

LogicalResult AttentionOp::verify() {
  if (failed(checkOut(*this, cast<MemRefType>(getOut().getType()), getType())) || failed(checkSinks(*this, getSinks(), getHeads())) ||
      failed(checkElementBody(*this, "query", getQuery())))
    return failure();
  if (std::optional<int64_t> window = getWindow(); window && *window < 1)
    return emitOpError() << "expected a window of at least 1 position, but got " << *window;
  if (std::optional<APFloat> cap = getSoftcap(); cap && !(cap->convertToFloat() > 0))
    return emitOpError() << "expected a soft cap above 0, but got " << cap->convertToFloat();
  if (std::optional<APFloat> outside = getOutside())
    if (getMask().empty() || !(getCausal() || getWindow()) || !outside->isFinite() || !outside->isNegative())
      return emitOpError() << "expected 'outside' to be a finite number below 0, beside a mask and 'causal' or 'window'";
  if (getMask().empty())
    return success();
  FailureOr<TypeRange> types = checkBody(*this, "mask", getMask());
  if (failed(types))
    return failure();
  bool one = types->size() == 1 && (types->front().isF32() || types->front().isInteger(1));
  bool both = types->size() == 2 && (*types)[0].isF32() && (*types)[1].isInteger(1);
  if (!one && !both)
    return emitOpError() << "expected region 'mask' to yield f32, i1 or both";
  return success();
}

Value AttentionOp::buildGrid(OpBuilder &builder) {
  Location loc = getLoc();
  AttentionTile tile = getTile();
  Value heads = mul(builder, loc, getSequences(), constant(builder, loc, getType().getHeads()));
  Value items = ceilDiv(builder, loc, getTokens(), tile.tokens);
  if (getPartials())
    items = arith::SelectOp::create(builder, loc, emitIsSplit(builder, loc, tile, getTokens(), getTotal()),
                                    ceilDiv(builder, loc, getTotal(), kv::kSpanTokens), items);
  return mul(builder, loc, heads, items);
}

int64_t AttentionOp::getGrain() { return 1; }

int64_t AttentionOp::getScratchBytes() { return AttentionScratch(getTile()).bytes; }

AttentionScratch::AttentionScratch(const AttentionTile &tile) {
  auto take = [&](int64_t floats) {
    int64_t at = bytes;
    bytes += llvm::alignTo(floats * 4, 64);
    return at;
  };
  int64_t padded = tile.paddedRows(tile.tokens);
  query = take(tile.rows() * tile.keyRow);
  scores = take(tile.rows() * kv::kBlockTokens);
  block = take(2 * padded);
  span = take(2 * padded + tile.rows() * tile.valueRow);
  total = take(2 * padded + tile.rows() * tile.valueRow);
  factors = take(2 * padded);
}

// Merge.

void AttentionMergeOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, Value out, Value tokens, Value total,
                             Value sequences, Value sinks, Value partials, kv::CacheType type, bool zeroMaskedRows) {
  state.addOperands({begin, end, out, tokens, total, sequences});
  if (sinks)
    state.addOperands(sinks);
  state.addOperands(partials);
  state.addAttribute(getTypeAttrName(state.name), TypeAttr::get(type));
  if (zeroMaskedRows)
    state.addAttribute(getZeroMaskedRowsAttrName(state.name), builder.getUnitAttr());
}

LogicalResult AttentionMergeOp::verify() {
  if (failed(checkOut(*this, cast<MemRefType>(getOut().getType()), getType())))
    return failure();
  return checkSinks(*this, getSinks(), getHeads());
}

Value AttentionMergeOp::buildGrid(OpBuilder &builder) {
  Location loc = getLoc();
  Value heads = mul(builder, loc, getSequences(), constant(builder, loc, getType().getHeads()));
  return arith::SelectOp::create(builder, loc, emitIsSplit(builder, loc, getTile(), getTokens(), getTotal()), heads,
                                 constant(builder, loc, 0));
}

int64_t AttentionMergeOp::getGrain() { return 4; }
int64_t AttentionMergeOp::getScratchBytes() { return 0; }
