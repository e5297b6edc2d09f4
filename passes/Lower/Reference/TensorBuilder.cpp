//===- TensorBuilder.cpp - words for loops over tensors -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/TensorBuilder.h"

using namespace mlir;

namespace sinter::reference {

static bool isFloat(Value v) { return isa<FloatType>(v.getType()); }

Type accumulatorFor(Type element) {
  bool narrow = isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32;
  return narrow ? Float32Type::get(element.getContext()) : element;
}

Value TensorBuilder::filled(ArrayRef<OpFoldResult> sizes, Value value) {
  Value empty = tensor::EmptyOp::create(*this, sizes, value.getType());
  return linalg::FillOp::create(*this, ValueRange(value), ValueRange(empty)).getResult(0);
}

ResultRange TensorBuilder::loops(ArrayRef<Operand> in, ArrayRef<Operand> out, Body body) {
  SmallVector<Value> inputs, outputs;
  SmallVector<Type> results;
  SmallVector<AffineMap> maps;
  for (const Operand &operand : in) {
    inputs.push_back(operand.tensor);
    maps.push_back(operand.map);
  }
  SmallVector<utils::IteratorType> iterators(out.front().map.getNumDims(), utils::IteratorType::reduction);
  for (const Operand &operand : out) {
    outputs.push_back(operand.tensor);
    results.push_back(operand.tensor.getType());
    maps.push_back(operand.map);
    for (AffineExpr result : operand.map.getResults())
      if (auto d = dyn_cast<AffineDimExpr>(result))
        iterators[d.getPosition()] = utils::IteratorType::parallel;
  }
  return linalg::GenericOp::create(*this, results, inputs, outputs, maps, iterators,
                                   [&](OpBuilder &b, Location loc, ValueRange elements) {
                                     TensorBuilder inner(loc, b);
                                     linalg::YieldOp::create(inner, body(inner, elements));
                                   })
      ->getResults();
}

Value TensorBuilder::reduce(ArrayRef<OpFoldResult> sizes, AffineMap map, Value init, ArrayRef<Operand> in,
                            Element body) {
  return loops(in, {{filled(sizes, init), map}},
               [&](TensorBuilder &b, ValueRange elements) { return SmallVector<Value>{body(b, elements)}; })[0];
}

Value TensorBuilder::generate(ArrayRef<OpFoldResult> sizes, Type element, ArrayRef<Operand> in, Element body) {
  Value empty = tensor::EmptyOp::create(*this, sizes, element);
  return loops(in, {{empty, getMultiDimIdentityMap(sizes.size())}}, [&](TensorBuilder &b, ValueRange elements) {
    return SmallVector<Value>{body(b, elements.drop_back())};
  })[0];
}

Value TensorBuilder::convert(Value tensor, Type element) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType() == element)
    return tensor;
  return generate(sizes(tensor), element, {{tensor, getMultiDimIdentityMap(type.getRank())}},
                  [&](TensorBuilder &b, ValueRange x) { return b.extend(x[0], element); });
}

Value TensorBuilder::constant(Type type, double value) {
  if (auto real = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(*this, getFloatAttr(real, value));
  return arith::ConstantOp::create(*this, getIntegerAttr(type, int64_t(value)));
}

Value TensorBuilder::extreme(Type type, bool greatest) {
  if (auto real = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        *this, getFloatAttr(real, APFloat::getInf(real.getFloatSemantics(), /*Negative=*/!greatest)));
  unsigned width = type.getIntOrFloatBitWidth();
  return arith::ConstantOp::create(
      *this, getIntegerAttr(type, greatest ? APInt::getSignedMaxValue(width) : APInt::getSignedMinValue(width)));
}

Value TensorBuilder::extend(Value scalar, Type type) {
  unsigned from = scalar.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (scalar.getType() == type)
    return scalar;
  if (isFloat(scalar))
    return from < to ? arith::ExtFOp::create(*this, type, scalar).getResult()
                     : arith::TruncFOp::create(*this, type, scalar).getResult();
  return from < to ? arith::ExtSIOp::create(*this, type, scalar).getResult()
                   : arith::TruncIOp::create(*this, type, scalar).getResult();
}

Value TensorBuilder::count(OpFoldResult size, Type type) {
  return arith::SIToFPOp::create(*this, type, arith::IndexCastOp::create(*this, getI64Type(), value(size)));
}

Value TensorBuilder::add(Value a, Value b) {
  return isFloat(a) ? arith::AddFOp::create(*this, a, b).getResult() : arith::AddIOp::create(*this, a, b).getResult();
}
Value TensorBuilder::mul(Value a, Value b) {
  return isFloat(a) ? arith::MulFOp::create(*this, a, b).getResult() : arith::MulIOp::create(*this, a, b).getResult();
}
Value TensorBuilder::max(Value a, Value b) {
  return isFloat(a) ? arith::MaximumFOp::create(*this, a, b).getResult()
                    : arith::MaxSIOp::create(*this, a, b).getResult();
}
Value TensorBuilder::min(Value a, Value b) {
  return isFloat(a) ? arith::MinimumFOp::create(*this, a, b).getResult()
                    : arith::MinSIOp::create(*this, a, b).getResult();
}
Value TensorBuilder::less(Value a, Value b) {
  return isFloat(a) ? arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, a, b).getResult()
                    : arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b).getResult();
}
Value TensorBuilder::equal(Value a, Value b) {
  return isFloat(a) ? arith::CmpFOp::create(*this, arith::CmpFPredicate::OEQ, a, b).getResult()
                    : arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, a, b).getResult();
}

Value TensorBuilder::safeIndex(Value integer, Value size) {
  Value i = arith::IndexCastOp::create(*this, getIndexType(), integer), zero = index(0);
  i = select(less(i, zero), add(i, size), i);
  Value last = arith::SubIOp::create(*this, size, index(1));
  return max(min(i, last), zero);
}

} // namespace sinter::reference
