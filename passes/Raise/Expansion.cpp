//===- Expansion.cpp - a node as simpler nodes --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Expansion.h"

using namespace mlir;

namespace sinter::raise {

/// The version of ONNX's domain that expansions are written in.
constexpr int64_t kVersion = 21;

Expansion::Expansion(onnx::NodeOp node) : builder(node), compound(node) {}

ValueRange Expansion::nodes(StringRef type, ArrayRef<Value> inputs, unsigned results, ArrayRef<NamedAttribute> attributes, StringRef domain) {
  Location loc = compound.getLoc();
  SmallVector<Value> operands;
  for (Value v : inputs)
    operands.push_back(v ? v : onnx::NoneOp::create(builder, loc).getResult());
  SmallVector<Type> types(results, onnx::UnknownType::get(builder.getContext()));
  auto node = onnx::NodeOp::create(builder, loc, types, builder.getStringAttr(type), operands, builder.getStringAttr(domain),
                                   builder.getI64IntegerAttr(domain.empty() ? kVersion : 1), compound.getNameAttr(), builder.getDictionaryAttr(attributes),
                                   ArrayAttr(), ArrayAttr(), /*bodiesCount=*/0);
  return node.getResults();
}

Value Expansion::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({int64_t(values.size())}, builder.getI64Type());
  return onnx::ConstantOp::create(builder, compound.getLoc(), DenseElementsAttr::get(type, values), StringAttr());
}

Value Expansion::scalar(double value, Type element) {
  APFloat x(value);
  bool lossy;
  x.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
  return onnx::ConstantOp::create(builder, compound.getLoc(), DenseElementsAttr::get(RankedTensorType::get({}, element), x), StringAttr());
}

Value Expansion::integerProduct(Value a, Value b, Value aScale, Value bScale, Value aZero, Value bZero) {
  auto quantize = a.getDefiningOp<onnx::NodeOp>();
  // A range computed at run time has a linear of its own; calibrated ones are dequantized, which a linear takes up as well.
  if (quantize && quantize.isOp("DynamicQuantizeLinear")) {
    Value sum = node("Cast", {node("MatMulInteger", {a, b, aZero, bZero})}, attribute("to", int64_t(1)));
    return node("Mul", {sum, node("Mul", {aScale, bScale})});
  }
  return node("MatMul", {node("DequantizeLinear", {a, aScale, aZero}), node("DequantizeLinear", {b, bScale, bZero}, attribute("axis", int64_t(1)))});
}

} // namespace sinter::raise
