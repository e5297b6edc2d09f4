//===- QuantizedLinear.cpp - linears whose inputs the file quantizes ----===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Kern/Panel.h"
#include "passes/Raise/Recognize.h"
#include "passes/Raise/Weights.h"

using namespace mlir;
using sinter::onnx::NodeOp;

namespace sinter::raise {
namespace {

NodeOp nodeOf(Value v, StringRef type) {
  auto node = v.getDefiningOp<NodeOp>();
  return node && node.isOp(type) ? node : NodeOp();
}

/// What Muls multiply, below one another; at most `most`, else nothing.
bool collectFactors(NodeOp mul, size_t most, SmallVectorImpl<Value> &factors) {
  for (Value v : mul.getInputs()) {
    if (NodeOp inner = nodeOf(v, "Mul")) {
      if (!collectFactors(inner, most, factors))
        return false;
    } else {
      factors.push_back(v);
    }
    if (factors.size() > most)
      return false;
  }
  return true;
}

} // namespace

bool recognizeDynamicLinear(NodeOp node, Lowering &lower) {
  Inference &infer = lower.infer;
  SmallVector<Value> factors;
  if (!node.isOp("Mul") || !collectFactors(node, 3, factors) || factors.size() != 3)
    return false;
  // One factor is the integers' product, one the scale of its left side, and what is left that of its right side.
  NodeOp product;
  for (Value v : factors)
    if (NodeOp cast = nodeOf(v, "Cast"))
      product = nodeOf(cast.getInputs()[0], "MatMulInteger");
  if (!product || !product.getInputOrNull(2))
    return false;
  auto quantize = nodeOf(product.getInputs()[0], "DynamicQuantizeLinear");
  if (!quantize || product.getInputs()[0] != quantize.getResult(0) || product.getInputs()[2] != quantize.getResult(2))
    return false;
  Value scale;
  bool isScaled = false;
  for (Value v : factors) {
    if (v == quantize.getResult(1))
      isScaled = true;
    else if (!nodeOf(v, "Cast"))
      scale = v;
  }
  if (!isScaled || !scale)
    return false;
  Value x = quantize.getInputs()[0], weight = product.getInputs()[1];
  const TensorInfo xInfo = infer[x], weightInfo = infer[weight], info = infer[node.getResult(0)];
  if (weightInfo.rank() != 2 || !weightInfo.staticSize() || !xInfo.element.isF32() || !info.element.isF32() || info.rank() != xInfo.rank() || xInfo.rank() < 1)
    return false;
  int64_t k = *weightInfo.shape[0].constant(), n = *weightInfo.shape[1].constant();
  // A scale a channel is a row of them.
  const TensorInfo scaleInfo = infer[scale];
  if (scaleInfo.rank() > info.rank() || (scaleInfo.staticSize() != 1 && (scaleInfo.staticSize() != n || !scaleInfo.shape.back().is(n))))
    return false;
  qt::SourceAttr source = affineSource(weight, scale, product.getInputOrNull(3), n, k, /*transposed=*/true);
  if (!source)
    return false;
  auto activation = qt::ActivationAttr::get(node.getContext(), IntegerType::get(node.getContext(), 8, IntegerType::Unsigned), qt::Granularity::tensor,
                                            qt::ScaleSource::Dynamic, /*zp=*/true);
  if (!kern::choosePanel(qt::getNaturalType(source), activation))
    return false;
  lower.map(node.getResult(0), graph::LinearOp::create(lower.builder, node.getLoc(), lower.type(info), lower.tensor(x),
                                                       weightConstant(lower, node.getLoc(), source), ValueRange(), activation));
  return true;
}

} // namespace sinter::raise
