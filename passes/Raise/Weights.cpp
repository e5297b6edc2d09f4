//===- Weights.cpp - constants of the file as weights of a linear -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Weights.h"

using namespace mlir;

namespace sinter::raise {

Attribute storedTensor(Value v) {
  if (auto op = v.getDefiningOp<onnx::InitializerOp>())
    return onnx::TensorAttr::get(v.getContext(), op.getData(), cast<RankedTensorType>(op.getResult().getType()));
  if (auto op = v.getDefiningOp<onnx::ConstantOp>())
    return op.getValue();
  return {};
}

qt::SourceAttr weightSource(Value v, Inference &infer, bool transposed) {
  MLIRContext *context = v.getContext();
  const TensorInfo &info = infer[v];
  if (info.rank() != 2)
    return {};
  auto rows = info.shape[transposed ? 1 : 0].constant(), columns = info.shape[transposed ? 0 : 1].constant();
  if (!rows || !columns || *rows <= 0 || *columns <= 0)
    return {};
  if (Attribute stored = storedTensor(v)) {
    if (!isa<FloatType>(info.element))
      return {};
    return qt::SourceAttr::get(context, qt::Form::dense, *rows, *columns, transposed, 0, 0, stored, {}, {});
  }
  auto node = v.getDefiningOp<onnx::NodeOp>();
  if (!node)
    return {};
  if (node.isOp("Identity"))
    return weightSource(node.getInputs()[0], infer, transposed);
  if (node.isOp("Cast") && isa<FloatType>(info.element) && isa<FloatType>(infer[node.getInputs()[0]].element) &&
      cast<FloatType>(info.element).getWidth() >= cast<FloatType>(infer[node.getInputs()[0]].element).getWidth())
    return weightSource(node.getInputs()[0], infer, transposed);
  if (node.isOp("Transpose")) {
    auto perm = node.getInts("perm");
    if (!perm || (perm->size() == 2 && (*perm)[0] == 1))
      return weightSource(node.getInputs()[0], infer, !transposed);
    return weightSource(node.getInputs()[0], infer, transposed);
  }
  if (node.isOp("DequantizeLinear")) {
    Attribute payload = storedTensor(node.getInputs()[0]), scales = storedTensor(node.getInputs()[1]);
    Value zeroValue = node.getInputOrNull(2);
    Attribute zeros = zeroValue ? storedTensor(zeroValue) : Attribute();
    Type stored = infer[node.getInputs()[0]].element;
    if (!payload || !scales || (zeroValue && !zeros) || !isa<IntegerType>(stored) || stored.getIntOrFloatBitWidth() > 8)
      return {};
    const TensorInfo &scaleInfo = infer[node.getInputs()[1]];
    int64_t blockSize = node.getInt("block_size", 0), axis = node.getInt("axis", 1);
    axis = axis < 0 ? axis + 2 : axis;
    // One scale a tensor, one a channel, or blocks along K.
    bool channels = scaleInfo.rank() == 1 && axis == (transposed ? 1 : 0);
    bool blocks = scaleInfo.rank() == 2 && blockSize > 0 && axis == (transposed ? 0 : 1);
    if (scaleInfo.staticSize() != 1 && !channels && !blocks)
      return {};
    return qt::SourceAttr::get(context, qt::Form::affine, *rows, *columns, transposed, stored.getIntOrFloatBitWidth(), blocks ? blockSize : 0, payload,
                               scales, zeros);
  }
  return {};
}

Value weightConstant(Lowering &lower, Location loc, qt::SourceAttr source) {
  return qt::ConstantOp::create(lower.builder, loc, qt::getNaturalType(source), lower.builder.getArrayAttr({source}), StringAttr());
}

} // namespace sinter::raise
