//===- Signature.cpp - what operators take ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Signature.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace sinter::raise {
namespace {

/// A letter an input: f floats, i integers, n both of them, b bool, * any. Inputs behind '?' may be absent; '+' says that more like the
/// last may follow.
const llvm::StringMap<StringRef> &signatures() {
  static const llvm::StringMap<StringRef> table = [] {
    llvm::StringMap<StringRef> t;
    auto add = [&](StringRef signature, std::initializer_list<StringRef> ops) {
      for (StringRef op : ops)
        t[op] = signature;
    };
    add("nn", {"Add", "Sub", "Mul", "Div", "Mod", "Pow", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "MatMul"});
    add("n+", {"Max", "Min", "Sum", "Mean"});
    add("**", {"CastLike", "Equal"});
    add("*", {"Identity", "Cast", "Shape", "Size", "Flatten", "Transpose"});
    add("n", {"Neg", "Abs", "Sign", "Relu", "ArgMax", "ArgMin"});
    add("f", {"IsNaN", "IsInf", "Sqrt", "Exp", "Log", "Sin", "Cos", "Tanh", "Erf", "Floor", "Ceil", "Round", "Reciprocal", "LeakyRelu", "Elu", "Softplus",
              "HardSigmoid", "Sigmoid", "Swish", "Gelu", "Softmax", "LogSoftmax", "DynamicQuantizeLinear", "com.microsoft.Gelu", "com.microsoft.QuickGelu",
              "GlobalMaxPool", "GlobalAveragePool"});
    add("ff", {"PRelu", "com.microsoft.BiasGelu"});
    add("f?f", {"com.microsoft.FastGelu"});
    add("bb", {"And", "Or", "Xor"});
    add("b", {"Not"});
    add("b**", {"Where"});
    add("n?nn", {"Clip"});
    add("*?**", {"Dropout"});
    add("*i", {"Reshape", "Expand", "Gather", "GatherElements", "GatherND", "Tile"});
    add("*?i", {"Unsqueeze", "Squeeze", "Split", "Trilu", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare", "ReduceL1"});
    add("f?i", {"ReduceMean", "ReduceL2", "ReduceLogSum"});
    add("i", {"ConstantOfShape"});
    add("nnn", {"Range"});
    add("*?iiii", {"Slice"});
    add("*+", {"Concat"});
    add("ni", {"CumSum"});
    add("ii?ii", {"MatMulInteger", "ConvInteger"});
    add("ff?f", {"Gemm", "Conv"});
    add("f*f?***", {"com.microsoft.MatMulNBits"});
    add("f?ff", {"LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "com.microsoft.SimplifiedLayerNormalization"});
    add("ff?fff", {"com.microsoft.SkipLayerNormalization"});
    add("ff?ff", {"com.microsoft.SkipSimplifiedLayerNormalization"});
    add("*f?*", {"DequantizeLinear", "com.microsoft.DequantizeLinear"});
    add("nf?*", {"QuantizeLinear", "com.microsoft.QuantizeLinear"});
    add("*if?*", {"com.microsoft.GatherBlockQuantized"});
    add("f?*+", {"com.microsoft.GroupQueryAttention"});
    add("fff?*ffi", {"Attention"});
    add("fff", {"InstanceNormalization"});
    add("n", {"MaxPool", "AveragePool"});
    add("n?***", {"Resize"});
    add("ff", {"GridSample"});
    add("*?i*i", {"Pad"});
    add("*i*", {"ScatterND", "ScatterElements"});
    add("n?i", {"TopK"});
    add("nn*", {"OneHot"});
    add("ff?fiffi", {"com.microsoft.Attention"});
    add("f?iff", {"sinter.PackedAttention"});
    add("f?fffifffii", {"com.microsoft.MultiHeadAttention"});
    add("iifff?iiif", {"com.microsoft.QAttention"});
    add("fff?i", {"RotaryEmbedding"});
    add("fiff", {"com.microsoft.RotaryEmbedding"});
    add("ff?f", {"com.microsoft.FusedGemm"});
    add("ff?ff", {"com.microsoft.FusedConv"});
    add("ff", {"com.microsoft.FusedMatMul"});
    add("i?*ff*ffii", {"com.microsoft.EmbedLayerNormalization"});
    add("fif?if", {"com.microsoft.DynamicQuantizeMatMul"});
    add("iiff?iif", {"com.microsoft.MatMulIntegerToFloat"});
    return t;
  }();
  return table;
}

bool takes(char kind, Type element) {
  bool isBool = element.isInteger(1);
  switch (kind) {
  case 'f': return isa<FloatType>(element);
  case 'i': return isa<IntegerType>(element) && !isBool;
  case 'n': return !isBool;
  case 'b': return isBool;
  default: return true;
  }
}

StringRef nameOf(char kind) { return kind == 'f' ? "floats" : kind == 'i' ? "integers" : kind == 'b' ? "bools" : "numbers"; }

} // namespace

LogicalResult checkSignature(onnx::NodeOp node, const Inference &infer) {
  unsigned results = node.isOp("DynamicQuantizeLinear") ? 3 : 1;
  if (node.getNumResults() < results)
    return node.emitError("expected ") << results << " outputs, but got " << node.getNumResults();
  auto it = signatures().find((node.getDomain() + (node.getDomain().empty() ? "" : ".") + node.getOpType()).str());
  if (it == signatures().end())
    return success();
  auto [required, optional] = it->second.split('?');
  StringRef known = required;
  std::string kinds = (required + optional).str();
  bool more = kinds.back() == '+';
  if (more)
    kinds.pop_back();
  unsigned least = known.ends_with("+") ? known.size() - 1 : known.size();
  for (unsigned i = 0; i < least; ++i)
    if (i >= node->getNumOperands() || isa<NoneType>(node->getOperand(i).getType()))
      return node.emitError("expected ") << least << " inputs or more, but input " << i << " is missing";
  for (auto [i, input] : llvm::enumerate(node.getInputs())) {
    if (isa<NoneType>(input.getType()))
      continue;
    if (i >= kinds.size() && !more)
      return node.emitError("expected at most ") << kinds.size() << " inputs, but got " << node->getNumOperands();
    char kind = kinds[std::min(i, kinds.size() - 1)];
    if (Type element = infer[input].element; !takes(kind, element))
      return node.emitError("expected ") << nameOf(kind) << " as input " << i << ", but got " << element;
  }
  return success();
}

} // namespace sinter::raise
