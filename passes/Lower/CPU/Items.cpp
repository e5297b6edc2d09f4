//===- Items.cpp - loops over work items and lanes ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/Items.h"
#include "passes/Lower/CPU/LaneIndex.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sinter::lower;

Value sinter::lower::indexConstant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value sinter::lower::indexValue(OpBuilder &builder, Location loc, OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(builder, loc, size);
}

void sinter::lower::forEachItem(OpBuilder &builder, Location loc, Value begin, Value end, ArrayRef<OpFoldResult> sizes,
                                IndexBody body) {
  Value zero = indexConstant(builder, loc, 0), one = indexConstant(builder, loc, 1);
  SmallVector<size_t> dims; // those that are no constant 1
  SmallVector<Value> extents;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (getConstantIntValue(size) != 1) {
      dims.push_back(dim);
      extents.push_back(indexValue(builder, loc, size));
    }
  auto inPlace = [&](ValueRange indices) {
    SmallVector<Value> all(sizes.size(), zero);
    for (auto [dim, index] : llvm::zip(dims, indices))
      all[dim] = index;
    return all;
  };
  if (dims.size() <= 1) {
    scf::ForOp::create(builder, loc, begin, end, one, ValueRange(),
                       [&](OpBuilder &b, Location l, Value item, ValueRange) {
                         body(b, l, dims.empty() ? inPlace({}) : inPlace(item));
                         scf::YieldOp::create(b, l);
                       });
    return;
  }
  // An empty dimension has no items; its division must not trap either.
  SmallVector<Value> first(dims.size());
  Value rest = begin;
  for (size_t i = dims.size() - 1; i > 0; --i) {
    Value extent = builder.createOrFold<arith::MaxUIOp>(loc, extents[i], one);
    first[i] = builder.createOrFold<arith::RemUIOp>(loc, rest, extent);
    rest = builder.createOrFold<arith::DivUIOp>(loc, rest, extent);
  }
  first[0] = rest;
  scf::ForOp::create(builder, loc, begin, end, one, first, [&](OpBuilder &b, Location l, Value, ValueRange indices) {
    body(b, l, inPlace(indices));
    SmallVector<Value> next(dims.size());
    Value carry = one;
    for (size_t i = dims.size() - 1; i > 0; --i) {
      Value sum = arith::AddIOp::create(b, l, indices[i], carry);
      Value wraps = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, sum, extents[i]);
      next[i] = arith::SelectOp::create(b, l, wraps, zero, sum);
      carry = arith::SelectOp::create(b, l, wraps, one, zero);
    }
    next[0] = arith::AddIOp::create(b, l, indices[0], carry);
    scf::YieldOp::create(b, l, next);
  });
}

SmallVector<Value> sinter::lower::forNest(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes,
                                          ValueRange carried, CarryBody body) {
  Value zero = indexConstant(builder, loc, 0), one = indexConstant(builder, loc, 1);
  SmallVector<Value> indices;
  auto level = [&](auto &self, OpBuilder &b, ValueRange values) -> SmallVector<Value> {
    if (indices.size() == sizes.size())
      return body(b, loc, indices, values);
    OpFoldResult size = sizes[indices.size()];
    if (getConstantIntValue(size) == 1) {
      indices.push_back(zero);
      SmallVector<Value> results = self(self, b, values);
      indices.pop_back();
      return results;
    }
    auto loop = scf::ForOp::create(b, loc, zero, indexValue(b, loc, size), one, values,
                                   [&](OpBuilder &inner, Location l, Value iv, ValueRange so) {
                                     indices.push_back(iv);
                                     scf::YieldOp::create(inner, l, self(self, inner, so));
                                     indices.pop_back();
                                   });
    return llvm::to_vector(ValueRange(loop.getResults()));
  };
  return level(level, builder, carried);
}

std::optional<SmallVector<Value>> sinter::lower::forLanes(OpBuilder &builder, Location loc, OpFoldResult low,
                                                          OpFoldResult high, ValueRange carried, LaneBody body) {
  Value lowValue = indexValue(builder, loc, low), highValue = indexValue(builder, loc, high);
  std::optional<int64_t> from = getConstantIntValue(low), to = getConstantIntValue(high);
  SmallVector<Value> values = llvm::to_vector(carried);
  Value full;
  if (from && to) {
    full = indexConstant(builder, loc, *from + std::max<int64_t>(*to - *from, 0) / kLanes * kLanes);
  } else {
    Value length = builder.createOrFold<arith::SubIOp>(loc, highValue, lowValue);
    length = builder.createOrFold<arith::MaxSIOp>(loc, length, indexConstant(builder, loc, 0));
    length = builder.createOrFold<arith::AndIOp>(loc, length, indexConstant(builder, loc, -kLanes));
    full = builder.createOrFold<arith::AddIOp>(loc, lowValue, length);
  }
  int64_t vectors = from && to ? std::max<int64_t>(*to - *from, 0) / kLanes : -1;
  if (vectors == 1) {
    std::optional<SmallVector<Value>> next = body(builder, loc, lowValue, nullptr, values);
    if (!next)
      return std::nullopt;
    values = *next;
  } else if (vectors != 0) {
    // The loop comes first, its body second: what is known of the position is read off the loop.
    auto loop = scf::ForOp::create(builder, loc, lowValue, full, indexConstant(builder, loc, kLanes), values);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    std::optional<SmallVector<Value>> next =
        body(builder, loc, loop.getInductionVar(), nullptr, loop.getRegionIterArgs());
    if (!next)
      return std::nullopt;
    if (!values.empty())
      scf::YieldOp::create(builder, loc, *next);
    values = llvm::to_vector(ValueRange(loop.getResults()));
  }

  bool even = from && to ? (*to - *from) % kLanes == 0 || *to <= *from
                         : isMultipleOfLanes(lowValue) && isMultipleOfLanes(highValue);
  if (even)
    return values;
  if (from && to) {
    std::optional<SmallVector<Value>> next =
        body(builder, loc, full, lanesBelow(builder, loc, full, highValue), values);
    return next;
  }
  Value some = builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, full, highValue);
  auto yield = [&](OpBuilder &b, Location l, ValueRange results) { scf::YieldOp::create(b, l, results); };
  auto tail = scf::IfOp::create(builder, loc, ValueRange(values).getTypes(), some, /*addThenBlock=*/true,
                                /*addElseBlock=*/!values.empty());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(tail.thenBlock());
    std::optional<SmallVector<Value>> next =
        body(builder, loc, full, lanesBelow(builder, loc, full, highValue), values);
    if (!next)
      return std::nullopt;
    if (!values.empty() || !tail.thenBlock()->mightHaveTerminator())
      yield(builder, loc, *next);
    if (!values.empty()) {
      builder.setInsertionPointToStart(tail.elseBlock());
      yield(builder, loc, values);
    }
  }
  return llvm::to_vector(ValueRange(tail.getResults()));
}
