//===- Weights.cpp - constants of the file as weights of a linear -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Weights.h"
#include "dialects/Kern/Panel.h"

using namespace mlir;

namespace sinter::raise {

Attribute storedTensor(Value v) {
  if (auto op = v.getDefiningOp<onnx::InitializerOp>())
    return onnx::TensorAttr::get(v.getContext(), op.getData(), cast<RankedTensorType>(op.getResult().getType()));
  if (auto op = v.getDefiningOp<onnx::ConstantOp>())
    return op.getValue();
  return {};
}

qt::SourceAttr affineSource(Value payload, Value scale, Value zero, int64_t rows, int64_t columns, bool transposed, int64_t group) {
  Attribute codes = storedTensor(payload), scales = storedTensor(scale), zeros = zero ? storedTensor(zero) : Attribute();
  auto type = dyn_cast<RankedTensorType>(payload.getType());
  auto element = type ? dyn_cast<IntegerType>(type.getElementType()) : IntegerType();
  if (!codes || !scales || (zero && !zeros) || !element || element.getWidth() > 8 || group % 8)
    return {};
  // What the attribute refuses is no error here: others may take the values.
  ScopedDiagnosticHandler quiet(payload.getContext(), [](Diagnostic &) { return success(); });
  auto refuse = [&] { return emitError(UnknownLoc::get(payload.getContext())); };
  return qt::SourceAttr::getChecked(llvm::function_ref<InFlightDiagnostic()>(refuse), payload.getContext(), qt::Form::affine, rows, columns, transposed,
                                    element.getWidth(), group, codes, scales, zeros);
}

LinearInput quantizedInput(Lowering &lower, Location loc, Value tensor, Value scale, Value zero, Type element, qt::SourceAttr weight) {
  LinearInput input{tensor, {}, {}};
  MLIRContext *context = weight.getContext();
  bool hasZero = zero || element.isUnsignedInteger();
  auto type = IntegerType::get(context, 8, element.isUnsignedInteger() ? IntegerType::Unsigned : IntegerType::Signless);
  auto activation = qt::ActivationAttr::get(context, type, qt::Granularity::tensor, qt::ScaleSource::Static, hasZero);
  if (!kern::choosePanel(qt::getNaturalType(weight), activation))
    return input;
  input.activation = activation;
  input.params.push_back(scale);
  if (hasZero && !zero)
    zero = onnx::ConstantOp::create(lower.builder, loc, DenseElementsAttr::get(RankedTensorType::get({}, lower.builder.getI8Type()), int8_t(0)), StringAttr());
  if (hasZero)
    input.params.push_back(zero);
  return input;
}

LinearInput dequantizedInput(Lowering &lower, Location loc, Value codes, Value scale, Value zero, qt::SourceAttr weight, Value dequantized) {
  const TensorInfo info = lower.infer[codes];
  Type f32 = lower.builder.getF32Type();
  auto isScalar = [&](Value v) { return storedTensor(v) && lower.infer[v].staticSize() == 1; };
  LinearInput input;
  if (!info.element.isInteger(8) || !isScalar(scale) || lower.infer[scale].element != f32 || (zero && !isScalar(zero)))
    return input;
  // What is quantized by the same numbers need not be dequantized first.
  if (auto quantize = codes.getDefiningOp<onnx::NodeOp>())
    if (quantize.isOp("QuantizeLinear") && quantize.getInputs()[1] == scale && quantize.getInputOrNull(2) == zero &&
        lower.infer[quantize.getInputs()[0]].element == f32)
      dequantized = quantize.getInputs()[0];
  input = quantizedInput(lower, loc, {}, lower.stored(scale), zero ? lower.stored(zero) : Value(), info.element, weight);
  if (input.activation && dequantized)
    input.tensor = lower.tensor(dequantized);
  else if (input.activation)
    input.tensor = lower.generate(loc, info.shape, f32, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
      auto scalar = [&](Value v) { return lower.readStored(b, l, v, SmallVector<Value>(lower.infer[v].rank(), constantIndex(b, l, 0))); };
      Value code = castElement(b, l, lower.read(b, l, codes, index), info.element, b.getI32Type());
      if (zero)
        code = arith::SubIOp::create(b, l, code, castElement(b, l, scalar(zero), info.element, b.getI32Type()));
      return arith::MulFOp::create(b, l, arith::SIToFPOp::create(b, l, f32, code), scalar(scale));
    });
  return input;
}

LinearInput linearInput(Lowering &lower, Location loc, Value onnxValue, qt::SourceAttr weight) {
  const TensorInfo info = lower.infer[onnxValue];
  Type f32 = lower.builder.getF32Type();
  auto node = onnxValue.getDefiningOp<onnx::NodeOp>();
  if (node && node.isOp("DequantizeLinear") && info.element == f32)
    if (LinearInput input = dequantizedInput(lower, loc, node.getInputs()[0], node.getInputs()[1], node.getInputOrNull(2), weight, onnxValue); input.activation)
      return input;
  Value x = lower.tensor(onnxValue);
  if (info.element != f32)
    x = lower.generate(loc, info.shape, f32, [&](OpBuilder &b, Location l, ValueRange index) {
      return castElement(b, l, tensor::ExtractOp::create(b, l, x, index), info.element, f32);
    });
  return {x, {}, {}};
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
    const TensorInfo &scaleInfo = infer[node.getInputs()[1]];
    int64_t blockSize = node.getInt("block_size", 0), axis = node.getInt("axis", 1);
    axis = axis < 0 ? axis + 2 : axis;
    // One scale a tensor, one a channel, or blocks along K.
    bool channels = scaleInfo.rank() == 1 && axis == (transposed ? 1 : 0);
    bool blocks = scaleInfo.rank() == 2 && blockSize > 0 && axis == (transposed ? 0 : 1);
    if (scaleInfo.staticSize() != 1 && !channels && !blocks)
      return {};
    return affineSource(node.getInputs()[0], node.getInputs()[1], node.getInputOrNull(2), *rows, *columns, transposed, blocks ? blockSize : 0);
  }
  return {};
}

Value weightConstant(Lowering &lower, Location loc, qt::SourceAttr source) {
  return qt::ConstantOp::create(lower.builder, loc, qt::getNaturalType(source), lower.builder.getArrayAttr({source}), StringAttr());
}

} // namespace sinter::raise
