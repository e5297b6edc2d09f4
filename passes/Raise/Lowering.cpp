//===- Lowering.cpp - what raise rules build with -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Lowering.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace sinter::raise {

Value constantIndex(OpBuilder &b, Location loc, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value constant(OpBuilder &b, Location loc, Type type, double value) {
  if (auto f = dyn_cast<FloatType>(type)) {
    APFloat x(value);
    bool lossy;
    x.convert(f.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
    return arith::ConstantOp::create(b, loc, FloatAttr::get(f, x));
  }
  return arith::ConstantOp::create(b, loc, IntegerAttr::get(type, static_cast<int64_t>(value)));
}

Value fromIndex(OpBuilder &b, Location loc, Value index, Type type) {
  if (isa<FloatType>(type))
    return arith::SIToFPOp::create(b, loc, type, arith::IndexCastOp::create(b, loc, b.getI64Type(), index));
  if (type.isInteger(1))
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, index, constantIndex(b, loc, 0));
  return arith::IndexCastOp::create(b, loc, signless(type), index);
}

Value toIndex(OpBuilder &b, Location loc, Value integer) { return arith::IndexCastOp::create(b, loc, b.getIndexType(), integer); }

Value safeIndex(OpBuilder &b, Location loc, Value index, Value size) {
  Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1);
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  Value wrapped = arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, index, size), index);
  Value last = arith::SubIOp::create(b, loc, size, one);
  return arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, wrapped, last), zero);
}

Value castElement(OpBuilder &b, Location loc, Value v, Type from, Type to) {
  Type target = signless(to);
  if (signless(from) == target && (from == to || target.isInteger()))
    return v;
  auto fromFloat = dyn_cast<FloatType>(from), toFloat = dyn_cast<FloatType>(to);
  if (fromFloat && toFloat) {
    unsigned fw = fromFloat.getWidth(), tw = toFloat.getWidth();
    if (fw < tw)
      return arith::ExtFOp::create(b, loc, target, v);
    if (fw > tw)
      return arith::TruncFOp::create(b, loc, target, v);
    return arith::TruncFOp::create(b, loc, target, arith::ExtFOp::create(b, loc, b.getF32Type(), v)); // f16 <-> bf16
  }
  if (fromFloat) {
    if (target.isInteger(1))
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, v, constant(b, loc, from, 0));
    if (isUnsigned(to))
      return arith::FPToUIOp::create(b, loc, target, v);
    return arith::FPToSIOp::create(b, loc, target, v);
  }
  if (toFloat) {
    if (isUnsigned(from))
      return arith::UIToFPOp::create(b, loc, target, v);
    return arith::SIToFPOp::create(b, loc, target, v);
  }
  if (target.isInteger(1))
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, v, constant(b, loc, signless(from), 0));
  unsigned fw = from.getIntOrFloatBitWidth(), tw = target.getIntOrFloatBitWidth();
  if (fw < tw) {
    if (isUnsigned(from))
      return arith::ExtUIOp::create(b, loc, target, v);
    return arith::ExtSIOp::create(b, loc, target, v);
  }
  return arith::TruncIOp::create(b, loc, target, v);
}

Value quantizeElement(OpBuilder &b, Location loc, Value x, Value scale, Value zero, Type element) {
  Type f32 = b.getF32Type();
  unsigned bits = element.getIntOrFloatBitWidth();
  double lo = isUnsigned(element) ? 0 : -std::exp2(bits - 1), hi = isUnsigned(element) ? std::exp2(bits) - 1 : std::exp2(bits - 1) - 1;
  Value q = math::RoundEvenOp::create(b, loc, arith::DivFOp::create(b, loc, x, scale));
  if (zero)
    q = arith::AddFOp::create(b, loc, q, castElement(b, loc, zero, element, f32));
  q = arith::MinimumFOp::create(b, loc, arith::MaximumFOp::create(b, loc, q, constant(b, loc, f32, lo)), constant(b, loc, f32, hi));
  return castElement(b, loc, castElement(b, loc, q, f32, b.getI32Type()), b.getI32Type(), element);
}

Value turnSign(OpBuilder &b, Location loc, Value x, Type element) {
  if (!isUnsigned(element))
    return x;
  Value sign = arith::ConstantOp::create(b, loc, IntegerAttr::get(x.getType(), llvm::APInt::getSignMask(x.getType().getIntOrFloatBitWidth())));
  return arith::XOrIOp::create(b, loc, x, sign);
}

RankedTensorType Lowering::type(ArrayRef<SymExpr> shape, Type element) {
  SmallVector<int64_t> sizes;
  for (const SymExpr &e : shape)
    sizes.push_back(infer.symbols.resolve(e).constant().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(sizes, signless(element));
}

Value Lowering::generate(Location loc, ArrayRef<SymExpr> shape, Type element, Body body) {
  RankedTensorType resultType = type(shape, element);
  SmallVector<Value> dynamic;
  for (const SymExpr &e : shape)
    if (!infer.symbols.resolve(e).constant())
      dynamic.push_back(size(loc, e));
  return tensor::GenerateOp::create(builder, loc, resultType, dynamic, [&](OpBuilder &b, Location l, ValueRange index) {
    tensor::YieldOp::create(b, l, body(b, l, index));
  });
}

Value Lowering::tensor(Value onnxValue) {
  if (auto it = mapped.find(onnxValue); it != mapped.end())
    return it->second;
  const TensorInfo info = infer[onnxValue];
  Location loc = onnxValue.getLoc();
  Operation *op = onnxValue.getDefiningOp();
  bool inFile = op && isa<onnx::InitializerOp, onnx::ConstantOp>(op);
  // Known elements are chosen by their flat index; small ones are rarely more than a scalar. The result is not remembered: it stands where
  // it is first used, which need not dominate the next use.
  if (info.elements && (!inFile || info.elements->size() == 1))
    return generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
      // Without elements there is nothing to choose from, and nobody reads one.
      return info.elements->empty() ? constant(b, l, signless(info.element), 0) : read(b, l, onnxValue, index);
    });
  if (inFile)
    return stored(onnxValue);
  auto why = refused.find(onnxValue);
  emitError(loc) << (why == refused.end() ? "internal: a value was not lowered" : why->second);
  refusalMet = true;
  SmallVector<OpFoldResult> sizes;
  for (const SymExpr &e : info.shape)
    sizes.push_back(size(loc, e));
  return tensor::EmptyOp::create(builder, loc, sizes, signless(info.element));
}

Value Lowering::stored(Value onnxValue) {
  Operation *op = onnxValue.getDefiningOp();
  if (!op || !isa<onnx::InitializerOp, onnx::ConstantOp>(op))
    return tensor(onnxValue);
  auto type = cast<RankedTensorType>(onnxValue.getType());
  auto plain = RankedTensorType::get(type.getShape(), signless(type.getElementType()));
  if (type == plain)
    return onnxValue;
  if (Value known = mapped.lookup(onnxValue))
    return known;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfter(op);
  return mapped[onnxValue] = tensor::BitcastOp::create(builder, onnxValue.getLoc(), plain, onnxValue);
}

/// Whether a float is part of a formula as it is written everywhere, not a number that one layer has learned or calibrated: small multiples of a half,
/// the epsilons added to what is divided by, and the values a mask is filled with.
static bool isStructural(const APFloat &value) {
  APFloat wide = value;
  bool lossy;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
  double x = std::abs(wide.convertToDouble());
  return !(x > 1e-4 && x < 1e4) || (x <= 16 && 2 * x == std::floor(2 * x));
}

Value Lowering::read(OpBuilder &b, Location loc, Value onnxValue, ValueRange index) {
  const TensorInfo info = infer[onnxValue];
  Type element = signless(info.element);
  // Several elements of a constant are a table: it is in memory.
  if (info.elements && !info.elements->empty() && (info.elements->size() == 1 || !onnxValue.getDefiningOp<onnx::ConstantOp>())) {
    auto value = [&](const SymExpr &e) { return fromIndex(b, loc, size(b, loc, e), info.element); };
    if (info.elements->size() == 1)
      return value(info.elements->front());
    Value flat = constantIndex(b, loc, 0);
    for (int64_t d = 0; d < info.rank(); ++d) {
      Value extent = size(b, loc, info.shape[d]);
      flat = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, flat, extent), index[d]);
    }
    Value result = value(info.elements->back());
    for (int64_t i = info.elements->size() - 2; i >= 0; --i) {
      Value here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, flat, constantIndex(b, loc, i));
      result = arith::SelectOp::create(b, loc, here, value((*info.elements)[i]), result);
    }
    return result;
  }
  if (auto constantOp = onnxValue.getDefiningOp<onnx::ConstantOp>())
    if (auto dense = dyn_cast<DenseElementsAttr>(constantOp.getValue()); dense && dense.getNumElements() == 1) {
      if (!isa<FloatType>(element))
        return arith::ConstantOp::create(b, loc, IntegerAttr::get(element, dense.getSplatValue<APInt>()));
      if (APFloat x = dense.getSplatValue<APFloat>(); isStructural(x))
        return arith::ConstantOp::create(b, loc, FloatAttr::get(element, x));
    }
  return tensor::ExtractOp::create(b, loc, tensor(onnxValue), index);
}

Value Lowering::readStored(OpBuilder &b, Location loc, Value onnxValue, ValueRange index) {
  if (!onnxValue.getDefiningOp<onnx::ConstantOp>())
    return read(b, loc, onnxValue, index);
  return tensor::ExtractOp::create(b, loc, stored(onnxValue), index);
}

Value Lowering::readBroadcast(OpBuilder &b, Location loc, Value onnxValue, ValueRange index) {
  const TensorInfo &info = infer[onnxValue];
  SmallVector<Value> own;
  for (int64_t d = 0; d < info.rank(); ++d)
    own.push_back(infer.symbols.resolve(info.shape[d]).is(1) ? constantIndex(b, loc, 0) : index[index.size() - info.rank() + d]);
  return read(b, loc, onnxValue, own);
}

Value Lowering::broadcastTo(Location loc, Value onnxValue, ArrayRef<SymExpr> shape) {
  const TensorInfo &info = infer[onnxValue];
  bool same = info.rank() == int64_t(shape.size());
  for (size_t d = 0; same && d < shape.size(); ++d)
    same = infer.symbols.equal(info.shape[d], shape[d]);
  if (same)
    return tensor(onnxValue);
  return generate(loc, shape, info.element,
                  [&](OpBuilder &b, Location l, ValueRange index) { return readBroadcast(b, l, onnxValue, index); });
}

Value Lowering::reshape(Location loc, Value tensor, ArrayRef<SymExpr> shape) {
  RankedTensorType target = type(shape, cast<RankedTensorType>(tensor.getType()).getElementType());
  SmallVector<Value> sizes;
  for (const SymExpr &e : shape)
    sizes.push_back(size(loc, e));
  auto shapeType = RankedTensorType::get({int64_t(shape.size())}, builder.getIndexType());
  Value shapeTensor = tensor::FromElementsOp::create(builder, loc, shapeType, sizes);
  return tensor::ReshapeOp::create(builder, loc, target, tensor, shapeTensor);
}

Value Lowering::transpose(Location loc, Value tensor, ArrayRef<SymExpr> shape, ArrayRef<int64_t> perm) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  return generate(loc, shape, element, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    SmallVector<Value> source(perm.size());
    for (auto [d, p] : llvm::enumerate(perm))
      source[p] = index[d];
    return tensor::ExtractOp::create(b, l, tensor, source);
  });
}

} // namespace sinter::raise
