//===- LaneMemory.cpp - 16 elements of memory at a time -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/LaneIndex.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::lower;

static VectorType laneType(Type element) { return VectorType::get({kLanes}, element); }

Value sinter::lower::asVector(OpBuilder &builder, Location loc, LaneValue value) {
  if (value.kind == LaneValue::Varying)
    return value.value;
  VectorType type = laneType(value.value.getType());
  Value splat = vector::BroadcastOp::create(builder, loc, type, value.value);
  if (value.kind == LaneValue::Uniform)
    return splat;
  return arith::AddIOp::create(builder, loc, splat, laneNumbers(builder, loc, value.value.getType()));
}

Value sinter::lower::lanesBelow(OpBuilder &builder, Location loc, Value base, Value end) {
  Value left = builder.createOrFold<arith::SubIOp>(loc, end, base);
  Value splat = vector::BroadcastOp::create(builder, loc, laneType(left.getType()), left);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, laneNumbers(builder, loc, left.getType()),
                               splat);
}

/// How elements travel between memory and registers. Those of i1 take a byte each, where a vector of them would be
/// packed bits; those of 16-bit floats are moved as integers, since a masked access of floats that the CPU has no
/// instructions for becomes conversions.
static Type memoryElement(Type element) {
  if (element.isInteger(1))
    return IntegerType::get(element.getContext(), 8);
  if (element.isF16() || element.isBF16())
    return IntegerType::get(element.getContext(), 16);
  return element;
}

/// The memory with elements of that type. The descriptors are the same, so that the cast is gone once both are LLVM
/// structs.
static Value asMemory(OpBuilder &builder, Location loc, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  Type element = memoryElement(type.getElementType());
  if (element == type.getElementType())
    return memref;
  auto moved = MemRefType::get(type.getShape(), element, type.getLayout(), type.getMemorySpace());
  return UnrealizedConversionCastOp::create(builder, loc, moved, memref).getResult(0);
}

static Value toMemory(OpBuilder &builder, Location loc, Value lanes) {
  Type element = cast<VectorType>(lanes.getType()).getElementType(), moved = memoryElement(element);
  if (element == moved)
    return lanes;
  if (element.isInteger(1))
    return arith::ExtUIOp::create(builder, loc, laneType(moved), lanes);
  return arith::BitcastOp::create(builder, loc, laneType(moved), lanes);
}

static Value fromMemory(OpBuilder &builder, Location loc, Value lanes, Type element) {
  Type moved = memoryElement(element);
  if (element == moved)
    return lanes;
  if (!element.isInteger(1))
    return arith::BitcastOp::create(builder, loc, laneType(element), lanes);
  Value zeros = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(laneType(moved)));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, lanes, zeros);
}

void sinter::lower::storeLanes(OpBuilder &builder, Location loc, LaneValue value, Value memref, ValueRange indices,
                               Value mask) {
  Value lanes = toMemory(builder, loc, asVector(builder, loc, value));
  memref = asMemory(builder, loc, memref);
  if (mask)
    vector::MaskedStoreOp::create(builder, loc, memref, indices, mask, lanes);
  else
    vector::StoreOp::create(builder, loc, lanes, memref, indices);
}

FailureOr<LaneValue> sinter::lower::loadLanes(OpBuilder &builder, Location loc, Value base, ArrayRef<LaneValue> indices,
                                              Value mask) {
  auto type = cast<MemRefType>(base.getType());
  Type element = type.getElementType();
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return emitError(loc, "cannot read 16 elements at once from ") << type;
  Value memory = asMemory(builder, loc, base);
  VectorType vector = laneType(memoryElement(element));
  auto zeros = [&] { return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vector)); };
  // One index runs along memory and the others stay: the elements are side by side.
  int64_t lane = -1;
  bool contiguous = strides.back() == 1;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    if (index.kind == LaneValue::Uniform)
      continue;
    contiguous &= lane < 0 && index.kind == LaneValue::Contiguous && strides[dim] == 1;
    lane = dim;
  }
  Value loaded;
  if (contiguous) {
    SmallVector<Value> scalars = llvm::map_to_vector(indices, [](LaneValue index) { return index.value; });
    if (mask)
      loaded = vector::MaskedLoadOp::create(builder, loc, vector, memory, scalars, mask, zeros());
    else
      loaded = vector::LoadOp::create(builder, loc, vector, memory, scalars);
  } else {
    if (strides.back() != 1)
      return emitError(loc, "cannot gather from ") << type;
    // Uniform indices go to the address, the rest to one offset a lane.
    SmallVector<Value> scalars(indices.size(), arith::ConstantIndexOp::create(builder, loc, 0));
    LaneValue sum;
    memref::ExtractStridedMetadataOp metadata;
    for (auto [dim, index] : llvm::enumerate(indices)) {
      if (index.kind == LaneValue::Uniform) {
        scalars[dim] = index.value;
        continue;
      }
      Value stride;
      if (ShapedType::isDynamic(strides[dim])) {
        if (!metadata)
          metadata = memref::ExtractStridedMetadataOp::create(builder, loc, base);
        stride = metadata.getStrides()[dim];
      } else {
        stride = arith::ConstantIndexOp::create(builder, loc, strides[dim]);
      }
      LaneValue part = multiplyLanes(builder, loc, index, {LaneValue::Uniform, stride});
      sum = sum.value ? addLanes(builder, loc, sum, part) : part;
    }
    if (vector.getElementType().getIntOrFloatBitWidth() < 32) {
      // There is no instruction for it, and LLVM would branch around each lane: a lane that is off reads where lane 0 of the range would.
      Value offsets = asVector(builder, loc, sum);
      if (mask) {
        Value none = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(offsets.getType()));
        offsets = arith::SelectOp::create(builder, loc, mask, offsets, none);
      }
      loaded = zeros();
      for (int64_t i = 0; i < kLanes; ++i) {
        SmallVector<Value> at(scalars);
        Value step = vector::ExtractOp::create(builder, loc, offsets, i);
        at.back() = arith::AddIOp::create(builder, loc, at.back(), step);
        Value x = memref::LoadOp::create(builder, loc, memory, at);
        loaded = vector::InsertOp::create(builder, loc, x, loaded, i);
      }
      return LaneValue{LaneValue::Varying, fromMemory(builder, loc, loaded, element)};
    }
    Value on =
        mask ? mask
             : arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(laneType(builder.getI1Type()), true))
                   .getResult();
    loaded = vector::GatherOp::create(builder, loc, vector, memory, scalars, asVector(builder, loc, sum), on, zeros());
  }
  return LaneValue{LaneValue::Varying, fromMemory(builder, loc, loaded, element)};
}
