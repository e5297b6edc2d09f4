//===- QLinear.cpp - operators from integers to integers ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// A QLinear operator is its float operator between DequantizeLinear and QuantizeLinear, which is the form whose products run on integers.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

using Expand = std::function<LogicalResult(NodeOp, Inference &, Expansion &)>;

/// A quantized tensor at inputs `at`, `at` + 1 (scale) and `at` + 2 (zero point) as floats; a scale a channel is along `axis`.
Value dequantized(NodeOp node, Expansion &e, unsigned at, int64_t axis = 1) {
  return e.node("DequantizeLinear", {node.getInputOrNull(at), node.getInputOrNull(at + 1), node.getInputOrNull(at + 2)}, e.attribute("axis", axis));
}

Value quantized(NodeOp node, Expansion &e, Value x, unsigned scale) {
  return e.node("QuantizeLinear", {x, node.getInputOrNull(scale), node.getInputOrNull(scale + 1)});
}

/// The node's attributes, less those of its quantized form.
SmallVector<NamedAttribute> floatAttributes(NodeOp node) {
  SmallVector<NamedAttribute> out;
  for (NamedAttribute attribute : node.getAttrs())
    if (!llvm::is_contained({"opset", "channels_last"}, attribute.getName().getValue()))
      out.push_back(attribute);
  return out;
}

LogicalResult needInputs(NodeOp node, unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    if (!node.getInputOrNull(i) && i % 3 != 2 && i + 1 != count)
      return node.emitError("expected ") << count << " inputs, but input " << i << " is missing";
  return success();
}

/// (x, scale, zero, y_scale, y_zero) through `op`.
Expand unary(StringRef op) {
  return [op](NodeOp node, Inference &infer, Expansion &e) -> LogicalResult {
    if (failed(needInputs(node, 5)))
      return failure();
    if (node.getInt("channels_last", 0))
      return node.emitError("channels_last is not supported");
    SmallVector<NamedAttribute> attributes = floatAttributes(node);
    // Softmax of an opset before 13 runs over all axes from its own on.
    if (op == "Softmax" && node.getInt("opset", 13) < 13 && infer[node.getInputs()[0]].rank() - 1 != node.getInt("axis", 1))
      return node.emitError("QLinearSoftmax over several axes is not supported");
    e.replace(0, quantized(node, e, e.node(op, {dequantized(node, e, 0)}, attributes), 3));
    return success();
  };
}

/// (a, scale, zero, b, scale, zero, y_scale, y_zero) through `op`.
Expand binary(StringRef op) {
  return [op](NodeOp node, Inference &, Expansion &e) -> LogicalResult {
    if (failed(needInputs(node, 8)))
      return failure();
    e.replace(0, quantized(node, e, e.node(op, {dequantized(node, e, 0), dequantized(node, e, 3)}), 6));
    return success();
  };
}

/// (condition, a, scale, zero, b, scale, zero, y_scale, y_zero)
LogicalResult expandWhere(NodeOp node, Inference &, Expansion &e) {
  for (unsigned i : {0, 1, 2, 4, 5, 7})
    if (!node.getInputOrNull(i))
      return node.emitError("expected 9 inputs, but input ") << i << " is missing";
  e.replace(0, quantized(node, e, e.node("Where", {node.getInputs()[0], dequantized(node, e, 1), dequantized(node, e, 4)}), 7));
  return success();
}

/// (y_scale, y_zero, then a tensor, a scale and a zero point each)
LogicalResult expandConcat(NodeOp node, Inference &, Expansion &e) {
  unsigned count = node.getInputs().size();
  if (count < 5 || count % 3 != 2)
    return node.emitError("expected a scale, a zero point and three inputs a tensor, but got ") << count << " inputs";
  SmallVector<Value> parts;
  for (unsigned at = 2; at < count; at += 3)
    parts.push_back(dequantized(node, e, at));
  e.replace(0, quantized(node, e, e.node("Concat", parts, floatAttributes(node)), 0));
  return success();
}

/// An int32 bias in units of the product of two scales, as floats.
Value biasOf(Expansion &e, Value bias, Value aScale, Value bScale) {
  return bias ? e.node("Mul", {e.node("Cast", {bias}, e.attribute("to", int64_t(1))), e.node("Mul", {aScale, bScale})}) : Value();
}

/// (x, scale, zero, w, scale, zero, y_scale, y_zero, bias?)
LogicalResult expandConv(NodeOp node, Inference &, Expansion &e) {
  if (failed(needInputs(node, 8)))
    return failure();
  ValueRange in = node.getInputs();
  if (node.getInt("channels_last", 0))
    return node.emitError("channels_last is not supported");
  Value y = e.node("Conv", {dequantized(node, e, 0), dequantized(node, e, 3, 0), biasOf(e, node.getInputOrNull(8), in[1], in[4])}, floatAttributes(node));
  e.replace(0, quantized(node, e, y, 6));
  return success();
}

/// QGemm(a, scale, zero, b, scale, zero, bias?, y_scale?, y_zero?): floats where it has no scale of the result.
LogicalResult expandGemm(NodeOp node, Inference &, Expansion &e) {
  if (failed(needInputs(node, 6)))
    return failure();
  ValueRange in = node.getInputs();
  Value bias = biasOf(e, node.getInputOrNull(6), in[1], in[4]);
  // The bias is in units of the scaled product.
  if (double alpha = node.getFloat("alpha", 1); bias && alpha != 1)
    bias = e.node("Mul", {bias, e.scalar(alpha, e.builder.getF32Type())});
  Value y = e.node("Gemm", {dequantized(node, e, 0), dequantized(node, e, 3, node.getInt("transB", 0) ? 0 : 1), bias}, floatAttributes(node));
  e.replace(0, node.getInputOrNull(7) ? quantized(node, e, y, 7) : y);
  return success();
}

} // namespace

void sinter::raise::addQLinearRules(RuleTable &table) {
  auto add = [&](StringRef domain, StringRef op, Expand expand) { table.add(domain, op, {{}, {}, std::move(expand)}); };
  add("", "QLinearConv", expandConv);
  add("com.microsoft", "QLinearConv", expandConv);
  add("com.microsoft", "QGemm", expandGemm);
  add("com.microsoft", "QLinearConcat", expandConcat);
  add("com.microsoft", "QLinearWhere", expandWhere);
  add("com.microsoft", "QLinearAveragePool", unary("AveragePool"));
  add("com.microsoft", "QLinearAdd", binary("Add"));
  add("com.microsoft", "QLinearMul", binary("Mul"));
  add("com.microsoft", "QLinearSigmoid", unary("Sigmoid"));
  add("com.microsoft", "QLinearSoftmax", unary("Softmax"));
  add("com.microsoft", "QLinearLeakyRelu", unary("LeakyRelu"));
  add("com.microsoft", "QLinearGlobalAveragePool", unary("GlobalAveragePool"));
}
