//===- Normalization.cpp - norms and softmax ----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Rules.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// The last axes as one, so that a norm over several of them is a norm over the last.
Shape joined(const TensorInfo &info, int64_t axis) {
  Shape shape(info.shape.begin(), info.shape.begin() + axis);
  SymExpr rest = 1;
  for (const SymExpr &d : ArrayRef(info.shape).drop_front(axis))
    rest = rest * d;
  shape.push_back(rest);
  return shape;
}

/// (read(index) normalised over the axes from `axis` on) * scale + bias; `scale` and `bias` may be null and broadcast from the right.
Value normalize(Lowering &lower, NodeOp node, const TensorInfo &info, int64_t axis, StringRef kind, double epsilon, Value scale, Value bias,
                function_ref<Value(OpBuilder &, Location, ValueRange)> read, Value *sum = nullptr) {
  Location loc = node.getLoc();
  Type f32 = lower.builder.getF32Type();
  bool several = axis + 1 != info.rank();
  Value x = lower.generate(loc, info.shape, f32, read);
  if (sum)
    *sum = x;
  if (several)
    x = lower.reshape(loc, x, joined(info, axis));
  Value y = sinter::graph::NormOp::create(lower.builder, loc, x.getType(), x, kind, llvm::APFloat(float(epsilon)));
  if (several)
    y = lower.reshape(loc, y, info.shape);
  return lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
    Value v = tensor::ExtractOp::create(b, l, y, index);
    auto parameter = [&](Value p) { return castElement(b, l, lower.readBroadcast(b, l, p, index), lower.infer[p].element, f32); };
    if (scale)
      v = arith::MulFOp::create(b, l, v, parameter(scale));
    if (bias)
      v = arith::AddFOp::create(b, l, v, parameter(bias));
    return castElement(b, l, v, f32, info.element);
  });
}

LogicalResult inferNorm(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  if (!isa<FloatType>(info.element))
    return node.emitError("expected floats");
  auto axis = normalizeAxis(node, node.getInt("axis", -1), info.rank());
  if (failed(axis) || failed(infer.broadcastsTo(node, 1, info.shape)) || failed(infer.broadcastsTo(node, 2, info.shape)))
    return failure();
  info.elements.reset();
  infer.set(node.getResult(0), info);
  // Mean and inverse deviation, for training.
  for (unsigned i = 1; i < node.getNumResults(); ++i) {
    TensorInfo statistic = info;
    for (int64_t d = *axis; d < info.rank(); ++d)
      statistic.shape[d] = 1;
    infer.set(node.getResult(i), statistic);
  }
  return success();
}

Rule norm(StringRef kind) {
  std::string name = kind.str();
  return {inferNorm, [name](NodeOp node, Lowering &lower) -> LogicalResult {
            for (unsigned i = 1; i < node.getNumResults(); ++i)
              if (node.hasUsedOutput(i))
                return node.emitError("the mean and deviation outputs of ") << node.getOpType() << " are not supported";
            const TensorInfo info = lower.infer[node.getResult(0)];
            int64_t axis = *normalizeAxis(node, node.getInt("axis", -1), info.rank());
            Value x = node.getInputs()[0];
            Type f32 = lower.builder.getF32Type();
            auto read = [&](OpBuilder &b, Location l, ValueRange index) { return castElement(b, l, lower.read(b, l, x, index), info.element, f32); };
            lower.map(node.getResult(0), normalize(lower, node, info, axis, name, node.getFloat("epsilon", 1e-5), node.getInputOrNull(1),
                                                   node.getInputOrNull(2), read));
            return success();
          }};
}

/// InstanceNormalization: each channel of each element of the batch over all axes behind it, then a scale and a bias a channel.
LogicalResult lowerInstanceNorm(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  Location loc = node.getLoc();
  Type f32 = lower.builder.getF32Type();
  ValueRange in = node.getInputs();
  auto read = [&](OpBuilder &b, Location l, ValueRange index) { return castElement(b, l, lower.read(b, l, in[0], index), info.element, f32); };
  TensorInfo wide{f32, info.shape, {}};
  Value y = normalize(lower, node, wide, 2, "layer", node.getFloat("epsilon", 1e-5), {}, {}, read);
  lower.map(node.getResult(0), lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    auto parameter = [&](Value v) { return castElement(b, l, lower.read(b, l, v, index[1]), lower.infer[v].element, f32); };
    Value x = arith::MulFOp::create(b, l, tensor::ExtractOp::create(b, l, y, index), parameter(in[1]));
    return castElement(b, l, arith::AddFOp::create(b, l, x, parameter(in[2])), f32, info.element);
  }));
  return success();
}

LogicalResult inferInstanceNorm(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  if (info.rank() < 3)
    return node.emitError("expected a tensor of rank 3 or more");
  for (unsigned i : {1u, 2u}) {
    const TensorInfo parameter = infer[node.getInputs()[i]];
    if (parameter.rank() != 1)
      return node.emitError("expected a scale and a bias for each channel");
    if (failed(infer.unify(node, parameter.shape[0], info.shape[1], "numbers of channels")))
      return failure();
  }
  info.elements.reset();
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult inferSkipNorm(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  if (!info.rank())
    return node.emitError("expected a tensor of rank 1 or more");
  for (unsigned i = 1; i < node.getInputs().size(); ++i)
    if (failed(infer.broadcastsTo(node, i, info.shape)))
      return failure();
  info.elements.reset();
  infer.set(node.getResult(0), info);
  for (unsigned i = 1; i < node.getNumResults(); ++i)
    infer.set(node.getResult(i), info);
  return success();
}

/// com.microsoft Skip(Simplified)LayerNormalization: x + skip [+ bias], normalised; output 3 is the sum.
Rule skipNorm(StringRef kind) {
  std::string name = kind.str();
  return {inferSkipNorm, [name](NodeOp node, Lowering &lower) -> LogicalResult {
            bool simplified = name == "rms";
            for (unsigned i = 1; i < 3 && i < node.getNumResults(); ++i)
              if (node.hasUsedOutput(i))
                return node.emitError("the mean and deviation outputs of ") << node.getOpType() << " are not supported";
            const TensorInfo info = lower.infer[node.getResult(0)];
            Value x = node.getInputs()[0], skip = node.getInputs()[1], gamma = node.getInputOrNull(2);
            Value beta = simplified ? Value() : node.getInputOrNull(3), bias = node.getInputOrNull(simplified ? 3 : 4);
            Type f32 = lower.builder.getF32Type();
            auto read = [&](OpBuilder &b, Location l, ValueRange index) -> Value {
              auto part = [&](Value v) { return castElement(b, l, lower.readBroadcast(b, l, v, index), lower.infer[v].element, f32); };
              Value total = arith::AddFOp::create(b, l, part(x), part(skip));
              return bias ? arith::AddFOp::create(b, l, total, part(bias)).getResult() : total;
            };
            Value sum;
            lower.map(node.getResult(0), normalize(lower, node, info, info.rank() - 1, name, node.getFloat("epsilon", 1e-5), gamma, beta, read, &sum));
            if (node.getNumResults() > 3) {
              if (info.element != f32) {
                Value wide = sum;
                sum = lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
                  return castElement(b, l, tensor::ExtractOp::create(b, l, wide, index), f32, info.element);
                });
              }
              lower.map(node.getResult(3), sum);
            }
            return success();
          }};
}

LogicalResult inferSoftmax(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  if (failed(normalizeAxis(node, node.getInt("axis", node.getSince() < 13 ? 1 : -1), info.rank())))
    return failure();
  info.elements.reset();
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult lowerSoftmax(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  Location loc = node.getLoc();
  int64_t rank = info.rank(), axis = *normalizeAxis(node, node.getInt("axis", node.getSince() < 13 ? 1 : -1), rank);
  Type f32 = lower.builder.getF32Type();
  Value input = node.getInputs()[0];
  // Before opset 13 softmax runs over all axes from `axis` on, then over one.
  bool flat = node.getSince() < 13 && axis + 1 != rank;
  SmallVector<int64_t> perm;
  for (int64_t d = 0; d < rank; ++d)
    if (flat || d != axis)
      perm.push_back(d);
  if (!flat)
    perm.push_back(axis);
  Shape moved;
  for (int64_t p : perm)
    moved.push_back(info.shape[p]);
  Value x = lower.generate(loc, moved, f32, [&](OpBuilder &b, Location l, ValueRange index) {
    SmallVector<Value> source(rank);
    for (auto [d, p] : llvm::enumerate(perm))
      source[p] = index[d];
    return castElement(b, l, lower.read(b, l, input, source), info.element, f32);
  });
  if (flat)
    x = lower.reshape(loc, x, joined(info, axis));
  Value y = sinter::graph::SoftmaxOp::create(lower.builder, loc, x.getType(), x, node.getOpType() == "LogSoftmax");
  if (flat)
    y = lower.reshape(loc, y, info.shape);
  lower.map(node.getResult(0), lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
    SmallVector<Value> source;
    for (int64_t p : perm)
      source.push_back(index[p]);
    return castElement(b, l, tensor::ExtractOp::create(b, l, y, source), f32, info.element);
  }));
  return success();
}

} // namespace

void sinter::raise::addNormalizationRules(RuleTable &table) {
  table.add("", "LayerNormalization", norm("layer"));
  table.add("", "InstanceNormalization", {inferInstanceNorm, lowerInstanceNorm});
  table.add("", "RMSNormalization", norm("rms"));
  for (StringRef domain : {"", "com.microsoft"})
    table.add(domain, "SimplifiedLayerNormalization", norm("rms"));
  table.add("com.microsoft", "SkipLayerNormalization", skipNorm("layer"));
  table.add("com.microsoft", "SkipSimplifiedLayerNormalization", skipNorm("rms"));
  table.add("", "Softmax", {inferSoftmax, lowerSoftmax});
  table.add("", "LogSoftmax", {inferSoftmax, lowerSoftmax});
}
