//===- Fused.cpp - what onnxruntime has fused, taken apart --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Each of these is a few operators of ONNX's own domain, which are recognised, fused and run like any others.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// The attributes of a node that are called as `names` say.
SmallVector<NamedAttribute> pick(NodeOp node, ArrayRef<StringRef> names) {
  SmallVector<NamedAttribute> out;
  for (NamedAttribute attribute : node.getAttrs())
    if (llvm::is_contained(names, attribute.getName().getValue()))
      out.push_back(attribute);
  return out;
}

/// The activation that a fused operator ends with; `parameters` are its numbers in the order of ONNX's attributes.
FailureOr<Value> activate(NodeOp node, Expansion &e, Value x, ArrayRef<float> parameters, Type element) {
  StringRef name = node.getString("activation");
  if (name.empty())
    return x;
  if (name == "Clip" && parameters.size() == 2)
    return e.node("Clip", {x, e.scalar(parameters[0], element), e.scalar(parameters[1], element)});
  SmallVector<NamedAttribute> attributes;
  if (llvm::is_contained({"LeakyRelu", "HardSigmoid", "Elu"}, name) && !parameters.empty())
    attributes.push_back(e.attribute("alpha", double(parameters[0])));
  if (name == "HardSigmoid" && parameters.size() > 1)
    attributes.push_back(e.attribute("beta", double(parameters[1])));
  if (!llvm::is_contained({"Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid", "Elu", "Softplus", "Gelu"}, name))
    return node.emitError("activation '") << name << "' is not supported";
  return e.node(name, {x}, attributes);
}

/// alpha * A' * B': batch axes are moved in front of the first (transBatch), then the last two exchanged (trans).
LogicalResult expandFusedMatMul(NodeOp node, Inference &infer, Expansion &e) {
  Value sides[2] = {node.getInputs()[0], node.getInputs()[1]};
  for (unsigned side = 0; side < 2; ++side) {
    int64_t rank = infer[sides[side]].rank();
    SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    if (rank > 2 && node.getInt(side ? "transBatchB" : "transBatchA", 0))
      std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
    if (rank > 1 && node.getInt(side ? "transB" : "transA", 0))
      std::swap(perm[rank - 1], perm[rank - 2]);
    if (!llvm::is_sorted(perm))
      sides[side] = e.node("Transpose", {sides[side]}, e.attribute("perm", perm));
  }
  Value y = e.node("MatMul", {sides[0], sides[1]});
  if (double alpha = node.getFloat("alpha", 1); alpha != 1)
    y = e.node("Mul", {y, e.scalar(alpha, infer[node.getInputs()[0]].element)});
  e.replace(0, y);
  return success();
}

LogicalResult expandFusedGemm(NodeOp node, Inference &infer, Expansion &e) {
  Value y = e.node("Gemm", {node.getInputs()[0], node.getInputs()[1], node.getInputOrNull(2)}, pick(node, {"alpha", "beta", "transA", "transB"}));
  SmallVector<float> parameters;
  for (StringRef name : {"activation_alpha", "activation_beta"})
    if (node.getAttribute(name))
      parameters.push_back(node.getFloat(name, 0));
  auto out = activate(node, e, y, parameters, infer[node.getInputs()[0]].element);
  if (failed(out))
    return failure();
  e.replace(0, *out);
  return success();
}

/// FusedConv(x, w, bias?, sum?)
LogicalResult expandFusedConv(NodeOp node, Inference &infer, Expansion &e) {
  Value y = e.node("Conv", {node.getInputs()[0], node.getInputs()[1], node.getInputOrNull(2)},
                   pick(node, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}));
  if (Value sum = node.getInputOrNull(3))
    y = e.node("Add", {y, sum});
  auto out = activate(node, e, y, node.getFloats("activation_params").value_or(ArrayRef<float>()), infer[node.getInputs()[0]].element);
  if (failed(out))
    return failure();
  e.replace(0, *out);
  return success();
}

/// EmbedLayerNormalization(ids, segment_ids?, words, positions, segments?, gamma, beta, mask?, position_ids?) -> output, mask_index?, sum?
LogicalResult expandEmbedding(NodeOp node, Inference &infer, Expansion &e) {
  enum { Ids, SegmentIds, Words, Positions, Segments, Gamma, Beta, Mask, PositionIds };
  for (unsigned i : {Words, Positions, Gamma, Beta})
    if (!node.getInputOrNull(i))
      return node.emitError("expected a word embedding, a position embedding, gamma and beta, but input ") << i << " is missing";
  Value ids = node.getInputs()[Ids];
  if (infer[ids].rank() != 2)
    return node.emitError("expected input_ids [batch, sequence]");
  Value positions = node.getInputs()[Positions];
  if (Value positionIds = node.getInputOrNull(PositionIds)) {
    positions = e.node("Gather", {positions, positionIds});
  } else {
    Value length = e.node("Shape", {ids}, {e.attribute("start", int64_t(1)), e.attribute("end", int64_t(2))});
    positions = e.node("Slice", {positions, e.integers({0}), length, e.integers({0})});
  }
  Value sum = e.node("Add", {e.node("Gather", {node.getInputs()[Words], ids}), positions});
  Value segments = node.getInputOrNull(Segments), segmentIds = node.getInputOrNull(SegmentIds);
  if (bool(segments) != bool(segmentIds))
    return node.emitError("expected segment_ids and segment_embedding, or neither");
  if (segments)
    sum = e.node("Add", {sum, e.node("Gather", {segments, segmentIds})});
  e.replace(0, e.node("LayerNormalization", {sum, node.getInputs()[Gamma], node.getInputs()[Beta]}, e.attribute("epsilon", node.getFloat("epsilon", 1e-12))));
  if (node.hasUsedOutput(1)) {
    // How many positions the mask keeps; 0 where there is no mask.
    Value count;
    if (Value mask = node.getInputOrNull(Mask)) {
      Value kept = e.node("Equal", {e.node("Cast", {mask}, e.attribute("to", int64_t(7))), e.integers({1})});
      count = e.node("ReduceSum", {e.node("Cast", {kept}, e.attribute("to", int64_t(6))), e.integers({1})}, e.attribute("keepdims", int64_t(0)));
    } else {
      Value batch = e.node("Shape", {ids}, {e.attribute("start", int64_t(0)), e.attribute("end", int64_t(1))});
      auto zero = DenseElementsAttr::get(RankedTensorType::get({1}, e.builder.getI32Type()), int32_t(0));
      count = e.node("ConstantOfShape", {batch}, NamedAttribute("value", zero));
    }
    e.replace(1, count);
  }
  if (node.hasUsedOutput(2))
    e.replace(2, sum);
  return success();
}

/// QEmbedLayerNormalization: the same with quantized tables; five tensors, then a scale and a zero point for each.
LogicalResult expandQEmbedding(NodeOp node, Inference &, Expansion &e) {
  // Inputs: ids, segment ids, the tables (2..4), gamma, beta (5, 6), the mask (7), scales (8..12), zero points (13..17).
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < 8; ++i) {
    Value v = node.getInputOrNull(i);
    if (i >= 2 && i < 7 && v)
      v = e.node("DequantizeLinear", {v, node.getInputOrNull(i + 6), node.getInputOrNull(i + 11)});
    inputs.push_back(v);
  }
  auto results = e.nodes("EmbedLayerNormalization", inputs, node.getNumResults(), pick(node, {"epsilon"}), "com.microsoft");
  for (auto [i, result] : llvm::enumerate(results))
    e.replace(i, result);
  return success();
}

/// DynamicQuantizeMatMul(A, B, b_scale, b_zero_point?, bias?)
LogicalResult expandDynamicQuantizeMatMul(NodeOp node, Inference &, Expansion &e) {
  auto quantized = e.nodes("DynamicQuantizeLinear", {node.getInputs()[0]}, 3);
  Value y = e.integerProduct(quantized[0], node.getInputs()[1], quantized[1], node.getInputs()[2], quantized[2], node.getInputOrNull(3));
  if (Value bias = node.getInputOrNull(4))
    y = e.node("Add", {y, bias});
  e.replace(0, y);
  return success();
}

/// MatMulIntegerToFloat(A, B, a_scale, b_scale, a_zero_point?, b_zero_point?, bias?)
LogicalResult expandMatMulIntegerToFloat(NodeOp node, Inference &, Expansion &e) {
  ValueRange in = node.getInputs();
  Value y = e.integerProduct(in[0], in[1], in[2], in[3], node.getInputOrNull(4), node.getInputOrNull(5));
  if (Value bias = node.getInputOrNull(6))
    y = e.node("Add", {y, bias});
  e.replace(0, y);
  return success();
}

} // namespace

void sinter::raise::addFusedRules(RuleTable &table) {
  auto add = [&](StringRef op, LogicalResult (*expand)(NodeOp, Inference &, Expansion &)) { table.add("com.microsoft", op, {{}, {}, expand}); };
  add("FusedMatMul", expandFusedMatMul);
  add("FusedGemm", expandFusedGemm);
  add("FusedConv", expandFusedConv);
  add("EmbedLayerNormalization", expandEmbedding);
  add("QEmbedLayerNormalization", expandQEmbedding);
  add("DynamicQuantizeMatMul", expandDynamicQuantizeMatMul);
  add("MatMulIntegerToFloat", expandMatMulIntegerToFloat);
}
