//===- LaneIndex.cpp - index arithmetic on 16 lanes -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/LaneIndex.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::lower;

/// How far an analysis looks through operands.
constexpr int kMaxDepth = 8;

static VectorType laneType(Type element) { return VectorType::get({kLanes}, element); }

Value sinter::lower::laneNumbers(OpBuilder &builder, Location loc, Type type) {
  SmallVector<Attribute> numbers;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    numbers.push_back(builder.getIntegerAttr(type, lane));
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(laneType(type), numbers));
}

static Value constantLike(OpBuilder &builder, Location loc, Type type, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
}

static Value splat(OpBuilder &builder, Location loc, Value scalar) {
  return vector::BroadcastOp::create(builder, loc, laneType(scalar.getType()), scalar);
}

LaneValue sinter::lower::addLanes(OpBuilder &builder, Location loc, LaneValue lhs, LaneValue rhs) {
  if (lhs.kind == LaneValue::Uniform)
    std::swap(lhs, rhs);
  if (rhs.kind == LaneValue::Uniform && lhs.kind != LaneValue::Varying)
    return {lhs.kind, builder.createOrFold<arith::AddIOp>(loc, lhs.value, rhs.value)};
  return {LaneValue::Varying,
          arith::AddIOp::create(builder, loc, asVector(builder, loc, lhs), asVector(builder, loc, rhs))};
}

LaneValue sinter::lower::subtractLanes(OpBuilder &builder, Location loc, LaneValue lhs, LaneValue rhs) {
  if (rhs.kind == LaneValue::Uniform && lhs.kind != LaneValue::Varying)
    return {lhs.kind, builder.createOrFold<arith::SubIOp>(loc, lhs.value, rhs.value)};
  if (lhs.kind == LaneValue::Contiguous && rhs.kind == LaneValue::Contiguous)
    return {LaneValue::Uniform, builder.createOrFold<arith::SubIOp>(loc, lhs.value, rhs.value)};
  return {LaneValue::Varying,
          arith::SubIOp::create(builder, loc, asVector(builder, loc, lhs), asVector(builder, loc, rhs))};
}

LaneValue sinter::lower::multiplyLanes(OpBuilder &builder, Location loc, LaneValue lhs, LaneValue rhs) {
  if (lhs.kind == LaneValue::Uniform)
    std::swap(lhs, rhs);
  if (lhs.kind == LaneValue::Uniform)
    return {LaneValue::Uniform, builder.createOrFold<arith::MulIOp>(loc, lhs.value, rhs.value)};
  if (rhs.kind == LaneValue::Uniform) {
    std::optional<int64_t> factor = getConstantIntValue(rhs.value);
    if (factor == 1)
      return lhs;
    if (factor == 0)
      return rhs;
    // Scalar work where it can be: base * factor, and the lanes are a constant.
    if (factor && lhs.kind == LaneValue::Contiguous) {
      Value base = builder.createOrFold<arith::MulIOp>(loc, lhs.value, rhs.value);
      Type type = base.getType();
      SmallVector<Attribute> steps;
      for (int64_t lane = 0; lane < kLanes; ++lane)
        steps.push_back(builder.getIntegerAttr(type, APInt(type.isIndex() ? 64 : type.getIntOrFloatBitWidth(),
                                                           uint64_t(lane) * uint64_t(*factor),
                                                           /*isSigned=*/false, /*implicitTrunc=*/true)));
      Value step = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(laneType(type), steps));
      return {LaneValue::Varying, arith::AddIOp::create(builder, loc, splat(builder, loc, base), step)};
    }
  }
  return {LaneValue::Varying,
          arith::MulIOp::create(builder, loc, asVector(builder, loc, lhs), asVector(builder, loc, rhs))};
}

/// Quotient and remainder of scalars.
static std::pair<Value, Value> divideScalars(OpBuilder &builder, Location loc, Value lhs, Value rhs,
                                             Rounding rounding) {
  if (isNonNegative(lhs)) {
    Value quotient = builder.createOrFold<arith::DivUIOp>(loc, lhs, rhs);
    return {quotient, builder.createOrFold<arith::RemUIOp>(loc, lhs, rhs)};
  }
  Value quotient = builder.createOrFold<arith::DivSIOp>(loc, lhs, rhs),
        rest = builder.createOrFold<arith::RemSIOp>(loc, lhs, rhs);
  if (rounding == Rounding::TowardZero)
    return {quotient, rest};
  // Sizes and strides, the divisors of index arithmetic, are positive.
  Value zero = constantLike(builder, loc, lhs.getType(), 0), one = constantLike(builder, loc, lhs.getType(), 1);
  Value negative = builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, rest, zero);
  Value down = builder.createOrFold<arith::SubIOp>(loc, quotient, one),
        up = builder.createOrFold<arith::AddIOp>(loc, rest, rhs);
  return {builder.createOrFold<arith::SelectOp>(loc, negative, down, quotient),
          builder.createOrFold<arith::SelectOp>(loc, negative, up, rest)};
}

/// Contiguous by a positive constant: one scalar division, and the lanes step over at most a few multiples.
static std::pair<LaneValue, LaneValue> divideContiguous(OpBuilder &builder, Location loc, Value base, Value divisor,
                                                        int64_t constant) {
  Value quotient = builder.createOrFold<arith::DivUIOp>(loc, base, divisor);
  Value rest = builder.createOrFold<arith::RemUIOp>(loc, base, divisor);
  if (constant % kLanes == 0 && isMultipleOfLanes(base))
    return {{LaneValue::Uniform, quotient}, {LaneValue::Contiguous, rest}};
  Type type = base.getType();
  Value quotients = splat(builder, loc, quotient);
  if (constant >= kLanes) {
    Value lanes = asVector(builder, loc, {LaneValue::Contiguous, rest});
    Value over = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, lanes, splat(builder, loc, divisor));
    Value zeros = splat(builder, loc, constantLike(builder, loc, type, 0));
    auto where = [&](Value value) {
      return arith::SelectOp::create(builder, loc, over, splat(builder, loc, value), zeros).getResult();
    };
    return {{LaneValue::Varying,
             arith::AddIOp::create(builder, loc, quotients, where(constantLike(builder, loc, type, 1)))},
            {LaneValue::Varying, arith::SubIOp::create(builder, loc, lanes, where(divisor))}};
  }
  // Below 32: narrow lanes are cheap to divide by a constant.
  Type i32 = builder.getI32Type();
  Value lanes = asVector(builder, loc, {LaneValue::Contiguous, arith::IndexCastOp::create(builder, loc, i32, rest)});
  Value by = splat(builder, loc, constantLike(builder, loc, i32, constant));
  Value more = arith::DivUIOp::create(builder, loc, lanes, by);
  Value rests = arith::SubIOp::create(builder, loc, lanes, arith::MulIOp::create(builder, loc, more, by));
  auto wide = [&](Value value) {
    return arith::IndexCastUIOp::create(builder, loc, laneType(type), value).getResult();
  };
  return {{LaneValue::Varying, arith::AddIOp::create(builder, loc, quotients, wide(more))},
          {LaneValue::Varying, wide(rests)}};
}

std::pair<LaneValue, LaneValue> sinter::lower::divideLanes(OpBuilder &builder, Location loc, LaneValue lhs,
                                                           LaneValue rhs, Rounding rounding, Value mask) {
  if (lhs.kind == LaneValue::Uniform && rhs.kind == LaneValue::Uniform) {
    auto [quotient, rest] = divideScalars(builder, loc, lhs.value, rhs.value, rounding);
    return {{LaneValue::Uniform, quotient}, {LaneValue::Uniform, rest}};
  }
  std::optional<int64_t> constant = rhs.kind == LaneValue::Uniform ? getConstantIntValue(rhs.value) : std::nullopt;
  if (constant == 1)
    return {lhs, {LaneValue::Uniform, constantLike(builder, loc, rhs.value.getType(), 0)}};
  if (constant && *constant > 0 && lhs.kind == LaneValue::Contiguous && isNonNegative(lhs.value))
    return divideContiguous(builder, loc, lhs.value, rhs.value, *constant);

  // There is no vector division of integers; doubles divide integers below 2^53 exactly once truncated.
  Value dividend = asVector(builder, loc, lhs), divisor = asVector(builder, loc, rhs);
  Type type = cast<VectorType>(dividend.getType()).getElementType();
  VectorType integers = laneType(builder.getI64Type()), doubles = laneType(builder.getF64Type());
  if (mask && rhs.kind == LaneValue::Varying) // off lanes hold zeros
    divisor =
        arith::SelectOp::create(builder, loc, mask, divisor, splat(builder, loc, constantLike(builder, loc, type, 1)));
  auto asDouble = [&](Value value) {
    return arith::SIToFPOp::create(builder, loc, doubles, arith::IndexCastOp::create(builder, loc, integers, value));
  };
  Value ratio = arith::DivFOp::create(builder, loc, asDouble(dividend), asDouble(divisor));
  Value quotient =
      arith::IndexCastOp::create(builder, loc, laneType(type), arith::FPToSIOp::create(builder, loc, integers, ratio));
  Value rest = arith::SubIOp::create(builder, loc, dividend, arith::MulIOp::create(builder, loc, quotient, divisor));
  if (rounding == Rounding::Down) {
    Value zeros = splat(builder, loc, constantLike(builder, loc, type, 0)),
          ones = splat(builder, loc, constantLike(builder, loc, type, 1));
    Value negative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, rest, zeros);
    quotient =
        arith::SubIOp::create(builder, loc, quotient, arith::SelectOp::create(builder, loc, negative, ones, zeros));
    rest = arith::AddIOp::create(builder, loc, rest, arith::SelectOp::create(builder, loc, negative, divisor, zeros));
  }
  return {{LaneValue::Varying, quotient}, {LaneValue::Varying, rest}};
}

static bool multipleOfLanes(Value value, int depth) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant % kLanes == 0;
  if (depth == 0)
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast_or_null<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop && argument == loop.getInductionVar() && multipleOfLanes(loop.getLowerBound(), depth - 1) &&
           multipleOfLanes(loop.getStep(), depth - 1);
  }
  Operation *op = value.getDefiningOp();
  if (isa<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp, arith::MaxUIOp>(op))
    return multipleOfLanes(op->getOperand(0), depth - 1) && multipleOfLanes(op->getOperand(1), depth - 1);
  if (isa<arith::MulIOp>(op))
    return multipleOfLanes(op->getOperand(0), depth - 1) || multipleOfLanes(op->getOperand(1), depth - 1);
  if (isa<arith::SelectOp>(op))
    return multipleOfLanes(op->getOperand(1), depth - 1) && multipleOfLanes(op->getOperand(2), depth - 1);
  if (isa<arith::RemUIOp, arith::RemSIOp>(op)) // a multiple of 16 less multiples of a multiple of 16
    return multipleOfLanes(op->getOperand(0), depth - 1) && multipleOfLanes(op->getOperand(1), depth - 1);
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp>(op))
    return multipleOfLanes(op->getOperand(0), depth - 1);
  return false;
}

bool sinter::lower::isMultipleOfLanes(Value value) { return multipleOfLanes(value, kMaxDepth); }

static bool nonNegative(Value value, int depth) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant >= 0;
  if (depth == 0)
    return false;
  if (isa<BlockArgument>(value))
    return value.getType().isIndex();
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned i) { return nonNegative(op->getOperand(i), depth - 1); };
  if (isa<memref::DimOp>(op))
    return true;
  if (isa<arith::AddIOp, arith::MulIOp, arith::DivUIOp, arith::DivSIOp, arith::MinSIOp>(op))
    return operand(0) && operand(1);
  if (isa<arith::RemSIOp, arith::ExtSIOp, arith::IndexCastOp>(op))
    return operand(0);
  if (isa<arith::RemUIOp>(op))
    return operand(0) || operand(1);
  if (isa<arith::MaxSIOp>(op))
    return operand(0) || operand(1);
  if (isa<arith::SelectOp>(op))
    return operand(1) && operand(2);
  return false;
}

bool sinter::lower::isNonNegative(Value value) { return nonNegative(value, kMaxDepth); }
