//===- QuantizeInput.cpp - what an activation format does to values -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/Patterns.h"

using namespace mlir;

namespace sinter::reference {

/// round(x) to even, then into [low, high].
static Value roundInto(TensorBuilder &b, Value x, Value zero, double low, double high) {
  Value code = math::RoundEvenOp::create(b, x);
  if (zero)
    code = b.add(code, zero);
  return b.min(b.max(code, b.constant(code.getType(), low)), b.constant(code.getType(), high));
}

/// value = (code - zero) * scale, code = round(x / scale) + zero.
static Value quantizeStatic(TensorBuilder &b, Value input, qt::ActivationAttr activation, ValueRange params) {
  Type f32 = b.getF32Type();
  bool isUnsigned = activation.getType().isUnsigned();
  unsigned rank = cast<RankedTensorType>(input.getType()).getRank();
  SmallVector<TensorBuilder::Operand> in{{input, b.getMultiDimIdentityMap(rank)}};
  // Parameters are tensors of one element, of any rank.
  for (Value param : params)
    in.push_back({param, b.map(rank, SmallVector<AffineExpr>(cast<RankedTensorType>(param.getType()).getRank(),
                                                             b.getAffineConstantExpr(0)))});
  return b.generate(b.sizes(input), f32, in, [&](TensorBuilder &b, ValueRange x) {
    Value scale = x[1], zero;
    if (activation.getZp())
      zero = isUnsigned ? arith::UIToFPOp::create(b, f32, x[2]).getResult()
                        : arith::SIToFPOp::create(b, f32, x[2]).getResult();
    Value code = roundInto(b, b.div(x[0], scale), zero, isUnsigned ? 0 : -128, isUnsigned ? 255 : 127);
    return b.mul(zero ? b.sub(code, zero) : code, scale);
  });
}

/// ONNX's DynamicQuantizeLinear: the range of all values and 0 onto 0 to 255; a range of nothing has scale 1.
static Value quantizeRange(TensorBuilder &b, Value input) {
  Type f32 = b.getF32Type();
  unsigned rank = cast<RankedTensorType>(input.getType()).getRank();
  AffineMap all = b.getMultiDimIdentityMap(rank), one = b.map(rank, {});
  Value least = b.reduce({}, one, b.constant(f32, 0), {{input, all}},
                         [](TensorBuilder &b, ValueRange x) { return b.min(x[0], x[1]); });
  Value greatest = b.reduce({}, one, b.constant(f32, 0), {{input, all}},
                            [](TensorBuilder &b, ValueRange x) { return b.max(x[0], x[1]); });
  return b.generate(
      b.sizes(input), f32, {{input, all}, {least, one}, {greatest, one}}, [&](TensorBuilder &b, ValueRange x) {
        Value range = b.sub(x[2], x[1]), nothing = b.constant(f32, 0);
        Value scale = b.select(b.equal(range, nothing), b.constant(f32, 1), b.div(range, b.constant(f32, 255)));
        Value zero = roundInto(b, b.div(b.sub(nothing, x[1]), scale), Value(), 0, 255);
        Value code = roundInto(b, b.div(x[0], scale), zero, 0, 255);
        return b.mul(b.sub(code, zero), scale);
      });
}

/// The largest magnitude of what shares a scale is 127, 0 stays 0. `share` says at which index of `sizes` the scale of
/// an element is.
static Value quantizeSymmetric(TensorBuilder &b, Value input, ArrayRef<OpFoldResult> sizes, AffineMap share) {
  Type f32 = b.getF32Type();
  AffineMap all = b.getMultiDimIdentityMap(share.getNumDims());
  Value largest = b.reduce(sizes, share, b.constant(f32, 0), {{input, all}},
                           [](TensorBuilder &b, ValueRange x) { return b.max(math::AbsFOp::create(b, x[0]), x[1]); });
  return b.generate(b.sizes(input), f32, {{input, all}, {largest, share}}, [&](TensorBuilder &b, ValueRange x) {
    Value most = b.constant(f32, 127), nothing = b.constant(f32, 0);
    Value inverse = b.select(b.equal(x[1], nothing), nothing, b.div(most, x[1]));
    return b.mul(roundInto(b, b.mul(x[0], inverse), Value(), -127, 127), b.div(x[1], most));
  });
}

Value quantizeInput(TensorBuilder &b, Value input, qt::QuantTensorType weight, qt::ActivationAttr activation,
                    ValueRange params) {
  if (activation.getScale() == qt::ScaleSource::Static)
    return quantizeStatic(b, input, activation, params);
  if (activation.getZp())
    return quantizeRange(b, input);
  SmallVector<OpFoldResult> sizes = b.sizes(input);
  unsigned rank = sizes.size();
  switch (activation.getGranularity()) {
  case qt::Granularity::tensor:
    return quantizeSymmetric(b, input, {}, b.map(rank, {}));
  case qt::Granularity::token:
    sizes.pop_back();
    return quantizeSymmetric(b, input, sizes, b.leading(rank, rank - 1));
  case qt::Granularity::group:
    sizes.back() = b.getIndexAttr(weight.getGroups());
    SmallVector<AffineExpr> share(b.getMultiDimIdentityMap(rank).getResults());
    share.back() = share.back().floorDiv(weight.getFields().group);
    return quantizeSymmetric(b, input, sizes, b.map(rank, share));
  }
  llvm_unreachable("all granularities are above");
}

} // namespace sinter::reference
