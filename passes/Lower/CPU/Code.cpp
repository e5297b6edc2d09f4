//===- Code.cpp - shorthand for emitting loops and vectors ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/Code.h"

using namespace mlir;
using namespace sinter::lower;

static std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

Value Code::index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }

Value Code::i32(int64_t value) { return arith::ConstantIntOp::create(*this, getI32Type(), value); }

Value Code::add(Value a, Value b) {
  std::optional<int64_t> x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x + *y);
  if (x == 0)
    return b;
  if (y == 0)
    return a;
  return arith::AddIOp::create(*this, a, b);
}

Value Code::sub(Value a, Value b) {
  std::optional<int64_t> x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(*x - *y);
  return y == 0 ? a : arith::SubIOp::create(*this, a, b).getResult();
}

Value Code::mul(Value a, Value b) {
  if (std::optional<int64_t> y = constantOf(b))
    return mul(a, *y);
  return arith::MulIOp::create(*this, a, b);
}

Value Code::mul(Value a, int64_t b) {
  if (std::optional<int64_t> x = constantOf(a))
    return index(*x * b);
  return b == 1 ? a : arith::MulIOp::create(*this, a, index(b)).getResult();
}

Value Code::div(Value a, int64_t b) {
  if (std::optional<int64_t> x = constantOf(a))
    return index(*x / b);
  return b == 1 ? a : arith::DivUIOp::create(*this, a, index(b)).getResult();
}

Value Code::min(Value a, Value b) {
  std::optional<int64_t> x = constantOf(a), y = constantOf(b);
  if (x && y)
    return index(std::min(*x, *y));
  return arith::MinSIOp::create(*this, a, b);
}

Value Code::selectEqual(Value a, Value b, int64_t x, int64_t y) {
  std::optional<int64_t> left = constantOf(a), right = constantOf(b);
  if (x == y || (left && right))
    return index(x == y || *left == *right ? x : y);
  Value equal = arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, a, b);
  return arith::SelectOp::create(*this, equal, index(x), index(y));
}

Code::Values Code::loop(Value low, Value high, int64_t step, ValueRange carried, LoopBody body) {
  std::optional<int64_t> first = constantOf(low), last = constantOf(high);
  if (first && last && *first < *last && *last - *first <= step)
    return body(low, carried);
  auto loop = scf::ForOp::create(*this, low, high, index(step), carried);
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Values results = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(*this, results);
  return loop.getResults();
}

void Code::loop(Value low, Value high, int64_t step, function_ref<void(Value)> body) {
  loop(low, high, step, ValueRange(), [&](Value at, ValueRange) {
    body(at);
    return Values();
  });
}

void Code::switchOf(Value value, int64_t low, int64_t high, function_ref<void(int64_t)> body) {
  Values none;
  SmallVector<int64_t> cases;
  for (int64_t i = low; i < high; ++i)
    cases.push_back(i);
  if (cases.empty())
    return;
  auto op = scf::IndexSwitchOp::create(*this, TypeRange(), value, cases, cases.size());
  InsertionGuard guard(*this);
  for (auto [region, number] : llvm::zip(op.getCaseRegions(), cases)) {
    createBlock(&region);
    body(number);
    scf::YieldOp::create(*this);
  }
  createBlock(&op.getDefaultRegion());
  scf::YieldOp::create(*this);
}

void Code::ifThen(Value condition, function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  body();
}

Code::Values Code::ifElse(Value condition, function_ref<Values()> body, ValueRange otherwise) {
  auto op = scf::IfOp::create(*this, otherwise.getTypes(), condition, /*withElseRegion=*/true);
  InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(*this, body());
  setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(*this, otherwise);
  return op.getResults();
}

static IntegerAttr alignmentAttr(Builder &builder, int64_t alignment) { return builder.getI64IntegerAttr(alignment); }

Value Code::load(VectorType type, Value memref, Value at, int64_t alignment) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  VectorType stored = type;
  if (element != type.getElementType())
    stored = VectorType::get(type.getNumElements() * type.getElementTypeBitWidth() / element.getIntOrFloatBitWidth(),
                             element);
  auto op = vector::LoadOp::create(*this, stored, memref, ValueRange{at});
  if (alignment)
    op->setAttr("alignment", alignmentAttr(*this, alignment));
  return stored == type ? op.getResult() : vector::BitCastOp::create(*this, type, op).getResult();
}

void Code::store(Value vector, Value memref, Value at, int64_t alignment) {
  auto type = cast<VectorType>(vector.getType());
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  if (element != type.getElementType())
    vector = vector::BitCastOp::create(
        *this,
        VectorType::get(type.getNumElements() * type.getElementTypeBitWidth() / element.getIntOrFloatBitWidth(),
                        element),
        vector);
  auto op = vector::StoreOp::create(*this, vector, memref, ValueRange{at});
  if (alignment)
    op->setAttr("alignment", alignmentAttr(*this, alignment));
}

Value Code::view(Value bytes, Value offset, Type type, int64_t count) {
  auto result = MemRefType::get({count < 0 ? ShapedType::kDynamic : count}, type);
  // Nothing reads the size; a large one keeps folders from thinking that accesses are outside.
  Values sizes;
  if (count < 0)
    sizes.push_back(index(int64_t(1) << 40));
  return memref::ViewOp::create(*this, result, bytes, offset, sizes);
}

Value Code::zeros(VectorType type) { return arith::ConstantOp::create(*this, getZeroAttr(type)); }

Value Code::splatInt(VectorType type, int64_t value) {
  return arith::ConstantOp::create(*this, DenseElementsAttr::get(type, getIntegerAttr(type.getElementType(), value)));
}
