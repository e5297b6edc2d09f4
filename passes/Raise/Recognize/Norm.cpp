//===- Norm.cpp - norms, from their parts -------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Recognize.h"

using namespace mlir;
using sinter::onnx::NodeOp;

namespace sinter::raise {
namespace {

NodeOp nodeOf(Value v, StringRef type) {
  auto node = v.getDefiningOp<NodeOp>();
  return node && node.isOp(type) ? node : NodeOp();
}

/// x where v is x squared: Pow(x, 2) or Mul(x, x).
Value squared(Value v, Inference &infer) {
  if (auto pow = nodeOf(v, "Pow"); pow && infer.scalar(pow.getInputs()[1]) == 2)
    return pow.getInputs()[0];
  if (auto mul = nodeOf(v, "Mul"); mul && mul.getInputs()[0] == mul.getInputs()[1])
    return mul.getInputs()[0];
  return {};
}

/// x where v is the mean of x over its last axis, kept.
Value lastMean(Value v, Inference &infer) {
  auto mean = nodeOf(v, "ReduceMean");
  if (!mean || !mean.getInt("keepdims", 1))
    return {};
  int64_t rank = infer[mean.getInputs()[0]].rank();
  SmallVector<int64_t> axes;
  if (auto given = mean.getInts("axes"))
    axes.assign(given->begin(), given->end());
  else if (Value input = mean.getInputOrNull(1); input && infer[input].elements)
    for (const SymExpr &e : *infer[input].elements)
      axes.push_back(e.constant().value_or(0));
  if (axes.size() != 1 || (axes[0] != -1 && axes[0] != rank - 1))
    return {};
  return mean.getInputs()[0];
}

/// (x, epsilon) where v is sqrt(mean(x^2) + epsilon).
std::optional<std::pair<Value, double>> rootMeanSquare(Value v, Inference &infer) {
  Value inside;
  if (auto sqrt = nodeOf(v, "Sqrt"))
    inside = sqrt.getInputs()[0];
  else if (auto pow = nodeOf(v, "Pow"); pow && infer.scalar(pow.getInputs()[1]) == 0.5)
    inside = pow.getInputs()[0];
  auto add = inside ? nodeOf(inside, "Add") : NodeOp();
  if (!add)
    return std::nullopt;
  for (unsigned side = 0; side < 2; ++side)
    if (auto epsilon = infer.scalar(add.getInputs()[1 - side]))
      if (Value square = lastMean(add.getInputs()[side], infer))
        if (Value x = squared(square, infer))
          return std::pair(x, *epsilon);
  return std::nullopt;
}

} // namespace

bool recognizeNorm(NodeOp node, Lowering &lower) {
  Inference &infer = lower.infer;
  Value x;
  std::optional<std::pair<Value, double>> root;
  if (node.isOp("Div")) {
    x = node.getInputs()[0];
    root = rootMeanSquare(node.getInputs()[1], infer);
  } else if (node.isOp("Mul")) {
    for (unsigned side = 0; side < 2 && !root; ++side) {
      x = node.getInputs()[side];
      Value inverse = node.getInputs()[1 - side];
      if (auto div = nodeOf(inverse, "Div"); div && infer.scalar(div.getInputs()[0]) == 1)
        root = rootMeanSquare(div.getInputs()[1], infer);
      else if (auto reciprocal = nodeOf(inverse, "Reciprocal"))
        root = rootMeanSquare(reciprocal.getInputs()[0], infer);
      else if (auto pow = nodeOf(inverse, "Pow"); pow && infer.scalar(pow.getInputs()[1]) == -0.5)
        if (auto add = nodeOf(pow.getInputs()[0], "Add"))
          for (unsigned s = 0; s < 2; ++s)
            if (auto epsilon = infer.scalar(add.getInputs()[1 - s]))
              if (Value square = lastMean(add.getInputs()[s], infer))
                if (Value v = squared(square, infer))
                  root = std::pair(v, *epsilon);
    }
  }
  const TensorInfo info = infer[node.getResult(0)];
  if (!root || root->first != x || !info.element.isF32() || infer[x].rank() != info.rank())
    return false;
  // x - mean(x): a layer norm of x.
  StringRef kind = "rms";
  if (auto sub = nodeOf(x, "Sub"); sub && lastMean(sub.getInputs()[1], infer) == sub.getInputs()[0]) {
    kind = "layer";
    x = sub.getInputs()[0];
  }
  Value input = lower.tensor(x);
  lower.map(node.getResult(0), graph::NormOp::create(lower.builder, node.getLoc(), input.getType(), input, kind, llvm::APFloat(float(root->second))));
  return true;
}

ArrayRef<Recognizer> recognizers() {
  static const Recognizer all[] = {recognizeAppend, recognizeNorm, recognizeDynamicLinear, recognizeCutEmbedding, recognizeAttention};
  return all;
}

} // namespace sinter::raise
