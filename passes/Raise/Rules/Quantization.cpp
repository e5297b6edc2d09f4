//===- Quantization.cpp - quantize and dequantize as arithmetic ---------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// What these operators mean, element by element. Where a product takes quantized operands, the recognisers see it before these are
// needed, and nothing of them is left.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Embedding.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Weights.h"


using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// Where the scale or zero point of element `index` is: one for all, one an index of the axis, or one a block of it.
SmallVector<Value> scaleIndex(Lowering &lower, OpBuilder &b, Location l, NodeOp node, Value scale, ValueRange index) {
  const TensorInfo &info = lower.infer[scale];
  if (info.staticSize() == 1)
    return SmallVector<Value>(info.rank(), constantIndex(b, l, 0));
  int64_t axis = node.getInt("axis", 1);
  axis = axis < 0 ? axis + int64_t(index.size()) : axis;
  if (info.rank() == 1)
    return {index[axis]};
  SmallVector<Value> at(index);
  at[axis] = arith::DivUIOp::create(b, l, index[axis], constantIndex(b, l, node.getInt("block_size", 1)));
  return at;
}

LogicalResult checkScale(NodeOp node, Inference &infer) {
  const TensorInfo &x = infer[node.getInputs()[0]], &scale = infer[node.getInputs()[1]];
  if (scale.staticSize() == 1)
    return success();
  if (failed(normalizeAxis(node, node.getInt("axis", 1), x.rank())))
    return failure();
  if (scale.rank() != 1 && (scale.rank() != x.rank() || node.getInt("block_size", 0) <= 0))
    return node.emitError("expected one scale, one an index of the axis, or one a block");
  return success();
}

LogicalResult inferDequantize(NodeOp node, Inference &infer) {
  const TensorInfo &x = infer[node.getInputs()[0]], &scale = infer[node.getInputs()[1]];
  infer.set(node.getResult(0), {scale.element, x.shape, {}});
  return checkScale(node, infer);
}

/// The bytes of a constant of 4-bit elements, two in each, the first one low. Null where it is no constant of such.
Value nibbleBytes(Lowering &lower, Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  Attribute stored = storedTensor(v);
  if (!stored || !type || type.getElementTypeBitWidth() != 4)
    return {};
  OpBuilder::InsertionGuard guard(lower.builder);
  lower.builder.setInsertionPointAfter(v.getDefiningOp());
  auto bytes = RankedTensorType::get({(type.getNumElements() + 1) / 2}, lower.builder.getI8Type());
  if (auto file = dyn_cast<sinter::onnx::TensorAttr>(stored))
    return sinter::onnx::InitializerOp::create(lower.builder, v.getLoc(), bytes, file.getData(), StringAttr());
  SmallVector<int8_t> packed(bytes.getNumElements(), 0);
  for (auto [i, code] : llvm::enumerate(cast<DenseElementsAttr>(stored).getValues<APInt>()))
    packed[i / 2] |= int8_t(code.getZExtValue() << (i % 2 ? 4 : 0));
  return sinter::onnx::ConstantOp::create(lower.builder, v.getLoc(), DenseElementsAttr::get(bytes, ArrayRef<int8_t>(packed)), StringAttr());
}

/// Codes of up to 32 bits, as i32.
struct Codes {
  Value values;  ///< of onnx
  Value nibbles; ///< nibbleBytes, where they are of 4 bits
  TensorInfo info;

  Codes(Lowering &lower, Value v) : values(v), info(lower.infer[v]) {
    if (narrow())
      nibbles = nibbleBytes(lower, v);
  }
  bool narrow() const { return info.element.getIntOrFloatBitWidth() < 8; }
  bool readable() const { return !narrow() || nibbles; }

  Value read(Lowering &lower, OpBuilder &b, Location l, ValueRange index) const {
    Type i32 = b.getI32Type();
    if (!nibbles)
      return castElement(b, l, lower.readStored(b, l, values, index), info.element, i32);
    Value flat = constantIndex(b, l, 0), two = constantIndex(b, l, 2);
    for (int64_t d = 0; d < info.rank(); ++d)
      flat = arith::AddIOp::create(b, l, arith::MulIOp::create(b, l, flat, lower.size(b, l, info.shape[d])), index[d]);
    Value byte = tensor::ExtractOp::create(b, l, nibbles, arith::DivUIOp::create(b, l, flat, two).getResult());
    Value high = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ne, arith::RemUIOp::create(b, l, flat, two), constantIndex(b, l, 0));
    byte = arith::ExtUIOp::create(b, l, i32, byte);
    auto number = [&](int64_t v) { return constant(b, l, i32, v); };
    Value code = arith::SelectOp::create(b, l, high, arith::ShRUIOp::create(b, l, byte, number(4)), arith::AndIOp::create(b, l, byte, number(15)));
    if (isUnsigned(info.element))
      return code;
    return arith::SubIOp::create(b, l, arith::XOrIOp::create(b, l, code, number(8)), number(8));
  }
};

LogicalResult lowerDequantize(NodeOp node, Lowering &lower) {
  Value x = node.getInputs()[0], scale = node.getInputs()[1], zero = node.getInputOrNull(2);
  const TensorInfo info = lower.infer[node.getResult(0)];
  Type f32 = lower.builder.getF32Type();
  Codes codes(lower, x);
  std::optional<Codes> zeros;
  if (zero)
    zeros.emplace(lower, zero);
  if (!codes.readable() || (zeros && !zeros->readable())) {
    lower.refuse(node.getResult(0), "computed values of 4 bits are not supported");
    return success();
  }
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
    Value q = codes.read(lower, b, l, index);
    if (zeros)
      q = arith::SubIOp::create(b, l, q, zeros->read(lower, b, l, scaleIndex(lower, b, l, node, zero, index)));
    Value s = castElement(b, l, lower.readStored(b, l, scale, scaleIndex(lower, b, l, node, scale, index)), info.element, f32);
    Value y = arith::MulFOp::create(b, l, arith::SIToFPOp::create(b, l, f32, q), s);
    return castElement(b, l, y, f32, info.element);
  }));
  return success();
}

LogicalResult inferQuantize(NodeOp node, Inference &infer) {
  Type element = Builder(node.getContext()).getIntegerType(8, false);
  if (Value zero = node.getInputOrNull(2))
    element = infer[zero].element;
  if (!isa<IntegerType>(element) || element.getIntOrFloatBitWidth() < 8)
    return node.emitError("QuantizeLinear to this type is not supported");
  infer.set(node.getResult(0), {element, infer[node.getInputs()[0]].shape, {}});
  return checkScale(node, infer);
}

LogicalResult lowerQuantize(NodeOp node, Lowering &lower) {
  Value x = node.getInputs()[0], scale = node.getInputs()[1], zero = node.getInputOrNull(2);
  const TensorInfo info = lower.infer[node.getResult(0)];
  Type f32 = lower.builder.getF32Type();
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
    Value v = castElement(b, l, lower.read(b, l, x, index), lower.infer[x].element, f32);
    Value s = castElement(b, l, lower.readStored(b, l, scale, scaleIndex(lower, b, l, node, scale, index)), lower.infer[scale].element, f32);
    return quantizeElement(b, l, v, s, zero ? lower.readStored(b, l, zero, scaleIndex(lower, b, l, node, zero, index)) : Value(), info.element);
  }));
  return success();
}

LogicalResult inferDynamicQuantize(NodeOp node, Inference &infer) {
  Builder b(node.getContext());
  const TensorInfo x = infer[node.getInputs()[0]];
  infer.set(node.getResult(0), {b.getIntegerType(8, false), x.shape, {}});
  infer.set(node.getResult(1), {b.getF32Type(), {}, {}});
  infer.set(node.getResult(2), {b.getIntegerType(8, false), {}, {}});
  return success();
}

LogicalResult lowerDynamicQuantize(NodeOp node, Lowering &lower) {
  Value x = node.getInputs()[0];
  const TensorInfo xInfo = lower.infer[x], info = lower.infer[node.getResult(0)];
  Location loc = node.getLoc();
  Type f32 = lower.builder.getF32Type();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, xInfo.rank()));
  Value tensorX = lower.tensor(x);
  auto extreme = [&](StringRef kind) { return sinter::graph::ReduceOp::create(lower.builder, loc, lower.type({}, f32), tensorX, kind, axes, false); };
  Value lowest = extreme("min"), highest = extreme("max");
  auto bounds = [&](OpBuilder &b, Location l) {
    Value zero = constant(b, l, f32, 0);
    Value lo = arith::MinimumFOp::create(b, l, tensor::ExtractOp::create(b, l, lowest, ValueRange()), zero);
    Value hi = arith::MaximumFOp::create(b, l, tensor::ExtractOp::create(b, l, highest, ValueRange()), zero);
    return std::pair(lo, hi);
  };
  Value scale = lower.generate(loc, {}, f32, [&](OpBuilder &b, Location l, ValueRange) -> Value {
    auto [lo, hi] = bounds(b, l);
    Value s = arith::DivFOp::create(b, l, arith::SubFOp::create(b, l, hi, lo), constant(b, l, f32, 255));
    Value none = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ, s, constant(b, l, f32, 0));
    return arith::SelectOp::create(b, l, none, constant(b, l, f32, 1), s);
  });
  Value zero = lower.generate(loc, {}, info.element, [&](OpBuilder &b, Location l, ValueRange) -> Value {
    auto [lo, hi] = bounds(b, l);
    Value s = tensor::ExtractOp::create(b, l, scale, ValueRange());
    return quantizeElement(b, l, arith::NegFOp::create(b, l, lo), s, {}, info.element);
  });
  lower.map(node.getResult(1), scale);
  lower.map(node.getResult(2), zero);
  lower.map(node.getResult(0), lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
    return quantizeElement(b, l, lower.read(b, l, x, index), tensor::ExtractOp::create(b, l, scale, ValueRange()),
                    tensor::ExtractOp::create(b, l, zero, ValueRange()), info.element);
  }));
  return success();
}

LogicalResult inferGatherBlockQuantized(NodeOp node, Inference &infer) {
  const TensorInfo &data = infer[node.getInputs()[0]], &ids = infer[node.getInputs()[1]], &scales = infer[node.getInputs()[2]];
  if (data.rank() != 2)
    return node.emitError("GatherBlockQuantized is supported for rows of a matrix");
  TensorInfo result{scales.element, ids.shape, {}};
  bool packed = data.element.isUnsignedInteger(8) && node.getInt("bits", 4) == 4;
  result.shape.push_back(packed ? data.shape[1] * 2 : data.shape[1]);
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerGatherBlockQuantized(NodeOp node, Lowering &lower) {
  auto source = blockQuantizedSource(node, lower.infer);
  if (failed(source))
    return failure();
  const TensorInfo info = lower.infer[node.getResult(0)];
  Value y = embedding(lower, node.getLoc(), node.getInputs()[1], *source, info);
  lower.map(node.getResult(0), y);
  return success();
}

} // namespace

void sinter::raise::addQuantizationRules(RuleTable &table) {
  for (StringRef domain : {"", "com.microsoft"}) {
    table.add(domain, "DequantizeLinear", {inferDequantize, lowerDequantize});
    table.add(domain, "QuantizeLinear", {inferQuantize, lowerQuantize});
  }
  table.add("", "DynamicQuantizeLinear", {inferDynamicQuantize, lowerDynamicQuantize});
  table.add("com.microsoft", "GatherBlockQuantized", {inferGatherBlockQuantized, lowerGatherBlockQuantized});
}
