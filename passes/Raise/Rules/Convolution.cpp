//===- Convolution.cpp - convolutions as products -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Rules/Windows.h"
#include "passes/Raise/Weights.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

struct Geometry {
  int64_t groups, channels, outputs; ///< channels of one group
  Windows windows;
  Shape shape; ///< of the result
};

FailureOr<Geometry> geometry(NodeOp node, Inference &infer) {
  const TensorInfo &x = infer[node.getInputs()[0]], &w = infer[node.getInputs()[1]];
  Geometry g;
  if (x.rank() < 3 || w.rank() != x.rank() || !w.staticSize())
    return node.emitError("expected an input of rank 3 or more and a constant-size weight of the same rank");
  g.groups = node.getInt("group", 1);
  g.outputs = *w.shape[0].constant();
  g.channels = *w.shape[1].constant();
  if (g.groups < 1 || g.outputs % g.groups)
    return node.emitError("expected output channels that divide into ") << g.groups << " groups";
  if (failed(infer.unify(node, x.shape[1], SymExpr(g.channels * g.groups), "input channels")))
    return failure();
  SmallVector<int64_t> kernel;
  for (const SymExpr &size : ArrayRef(w.shape).drop_front(2))
    kernel.push_back(*size.constant());
  auto windows = slideWindows(node, infer, ArrayRef(x.shape).drop_front(2), kernel);
  if (failed(windows))
    return failure();
  g.windows = *windows;
  g.shape = {x.shape[0], SymExpr(g.outputs)};
  llvm::append_range(g.shape, g.windows.shape);
  return g;
}

LogicalResult inferConv(NodeOp node, Inference &infer) {
  auto g = geometry(node, infer);
  if (failed(g))
    return failure();
  if (Value bias = node.isOp("ConvInteger") ? Value() : node.getInputOrNull(2)) {
    if (infer[bias].rank() != 1)
      return node.emitError("expected a bias of rank 1");
    if (failed(infer.unify(node, infer[bias].shape[0], g->outputs, "numbers of channels and biases")))
      return failure();
  }
  Type element = node.isOp("ConvInteger") ? Type(Builder(node.getContext()).getI32Type()) : infer[node.getInputs()[0]].element;
  infer.set(node.getResult(0), {element, g->shape, {}});
  return success();
}

/// The input under the kernel: element (batch, out..., k) with k = (channel of the group, kernel position), of `group`; `fill` in the padding.
Value patches(Lowering &lower, NodeOp node, const Geometry &g, int64_t group, Type element, function_ref<Value(OpBuilder &, Location, Value)> convert) {
  Location loc = node.getLoc();
  Value x = node.getInputs()[0];
  Shape shape{g.shape[0]};
  shape.append(g.shape.begin() + 2, g.shape.end());
  shape.push_back(g.channels * g.windows.positions());
  return lower.generate(loc, shape, element, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    Value k = index.back(), inside;
    SmallVector<Value> at{index[0], Value()};
    llvm::append_range(at, windowIndex(lower, b, l, g.windows, index.drop_front().drop_back(), k, inside));
    at[1] = group ? arith::AddIOp::create(b, l, k, constantIndex(b, l, group * g.channels)).getResult() : k;
    Value v = convert(b, l, lower.read(b, l, x, at));
    return inside ? arith::SelectOp::create(b, l, inside, v, constant(b, l, element, 0)).getResult() : v;
  });
}

/// The kernels as a matrix [outputs, depth]: stored as one, as floats or as 8-bit integers with a scale or one an output. Null where they are not.
sinter::qt::SourceAttr kernelSource(Value w, Inference &infer, int64_t outputs, int64_t depth) {
  if (auto initializer = w.getDefiningOp<sinter::onnx::InitializerOp>())
    return sinter::qt::SourceAttr::get(w.getContext(), sinter::qt::Form::dense, outputs, depth, false, 0, 0,
                                       sinter::onnx::TensorAttr::get(w.getContext(), initializer.getData(),
                                                                     RankedTensorType::get({outputs, depth}, infer[w].element)),
                                       {}, {});
  auto dequantize = w.getDefiningOp<NodeOp>();
  if (!dequantize || !dequantize.isOp("DequantizeLinear") || !infer[w].element.isF32())
    return {};
  ValueRange in = dequantize.getInputs();
  if (infer[in[1]].staticSize() != 1 && (infer[in[1]].rank() != 1 || dequantize.getInt("axis", 1) != 0))
    return {};
  return affineSource(in[0], in[1], dequantize.getInputOrNull(2), outputs, depth, /*transposed=*/false);
}

/// Patches of what `dequantize` gives, quantized as it was: 0 in the padding is the zero point.
LinearInput patchInput(Lowering &lower, Location loc, Value columns, NodeOp dequantize, sinter::qt::SourceAttr source) {
  Value scale = dequantize.getInputs()[1], zero = dequantize.getInputOrNull(2);
  Type element = lower.infer[dequantize.getInputs()[0]].element;
  auto isScalar = [&](Value v) { return storedTensor(v) && lower.infer[v].staticSize() == 1; };
  if (!element.isInteger(8) || !isScalar(scale) || !lower.infer[scale].element.isF32() || (zero && !isScalar(zero)))
    return {columns, {}, {}};
  return quantizedInput(lower, loc, columns, lower.stored(scale), zero ? lower.stored(zero) : Value(), element, source);
}

LogicalResult lowerConv(NodeOp node, Lowering &lower) {
  auto g = geometry(node, lower.infer);
  if (failed(g))
    return failure();
  Location loc = node.getLoc();
  const TensorInfo info = lower.infer[node.getResult(0)];
  Value x = node.getInputs()[0], w = node.getInputs()[1];
  const TensorInfo wInfo = lower.infer[w], xInfo = lower.infer[x];
  bool integer = node.isOp("ConvInteger");
  Type accumulator = integer ? Type(lower.builder.getI32Type()) : Type(lower.builder.getF32Type());
  Value xZero = integer ? node.getInputOrNull(2) : Value(), wZero = integer ? node.getInputOrNull(3) : Value();
  auto zeroed = [&](OpBuilder &b, Location l, Value v, Type from, Value zero, Value channel) -> Value {
    v = castElement(b, l, v, from, accumulator);
    if (!zero)
      return v;
    const TensorInfo &z = lower.infer[zero];
    SmallVector<Value> at(z.rank(), z.staticSize() == 1 ? constantIndex(b, l, 0) : channel);
    return arith::SubIOp::create(b, l, v, castElement(b, l, lower.readStored(b, l, zero, at), z.element, accumulator));
  };
  int64_t depth = g->channels * g->windows.positions(), each = g->outputs / g->groups;
  SymExpr positions = 1;
  for (const SymExpr &d : ArrayRef(g->shape).drop_front(2))
    positions = positions * d;
  SmallVector<Value> parts; // [batch, out..., each] of every group
  for (int64_t group = 0; group < g->groups; ++group) {
    Value columns = patches(lower, node, *g, group, accumulator, [&](OpBuilder &b, Location l, Value v) {
      return zeroed(b, l, v, xInfo.element, xZero, Value());
    });
    Shape shape{g->shape[0]};
    shape.append(g->shape.begin() + 2, g->shape.end());
    shape.push_back(each);
    // The stored weight is a matrix already.
    if (auto source = integer || g->groups != 1 ? sinter::qt::SourceAttr() : kernelSource(w, lower.infer, g->outputs, depth)) {
      LinearInput input{columns, {}, {}};
      if (auto dequantize = x.getDefiningOp<NodeOp>(); dequantize && dequantize.isOp("DequantizeLinear"))
        input = patchInput(lower, loc, columns, dequantize, source);
      parts.push_back(sinter::graph::LinearOp::create(lower.builder, loc, lower.type(shape, accumulator), input.tensor, weightConstant(lower, loc, source),
                                                      input.params, input.activation));
      continue;
    }
    Value a = lower.reshape(loc, columns, {g->shape[0], positions, SymExpr(depth)});
    Value b = lower.generate(loc, {g->shape[0], SymExpr(depth), SymExpr(each)}, accumulator, [&](OpBuilder &b, Location l, ValueRange index) {
      Value channel = arith::AddIOp::create(b, l, index[2], constantIndex(b, l, group * each)), k = index[1];
      SmallVector<Value> at(wInfo.rank());
      at[0] = channel;
      for (int64_t d = g->windows.dims() - 1; d >= 0; --d) {
        Value kernel = constantIndex(b, l, g->windows.kernel[d]);
        at[d + 2] = arith::RemUIOp::create(b, l, k, kernel);
        k = arith::DivUIOp::create(b, l, k, kernel);
      }
      at[1] = k;
      return zeroed(b, l, lower.read(b, l, w, at), wInfo.element, wZero, channel);
    });
    Value y = sinter::graph::MatMulOp::create(lower.builder, loc, lower.type({g->shape[0], positions, SymExpr(each)}, accumulator), a, b);
    parts.push_back(lower.reshape(loc, y, shape));
  }
  Value bias = integer ? Value() : node.getInputOrNull(2);
  lower.map(node.getResult(0), lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
    SmallVector<Value> at{index[0]};
    llvm::append_range(at, index.drop_front(2));
    at.push_back(index[1]);
    Value y;
    if (parts.size() == 1) {
      y = tensor::ExtractOp::create(b, l, parts[0], at);
    } else {
      Value size = constantIndex(b, l, each), mine = arith::DivUIOp::create(b, l, index[1], size);
      at.back() = arith::RemUIOp::create(b, l, index[1], size);
      for (auto [group, part] : llvm::enumerate(parts)) {
        Value v = tensor::ExtractOp::create(b, l, part, at);
        Value here = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, mine, constantIndex(b, l, group));
        y = y ? arith::SelectOp::create(b, l, here, v, y).getResult() : v;
      }
    }
    if (bias)
      y = arith::AddFOp::create(b, l, y, castElement(b, l, lower.read(b, l, bias, index[1]), lower.infer[bias].element, accumulator));
    return castElement(b, l, y, accumulator, info.element);
  }));
  return success();
}

} // namespace

void sinter::raise::addConvolutionRules(RuleTable &table) {
  table.add("", "Conv", {inferConv, lowerConv});
  table.add("", "ConvInteger", {inferConv, lowerConv});
}
