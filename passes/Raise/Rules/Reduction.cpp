//===- Reduction.cpp - operators that reduce axes -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Rules.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// The axes a node reduces, sorted. Empty: none (noop_with_empty_axes).
FailureOr<SmallVector<int64_t>> reducedAxes(NodeOp node, Inference &infer) {
  int64_t rank = infer[node.getInputs()[0]].rank();
  SmallVector<int64_t> axes;
  if (node.isOp("GlobalMaxPool") || node.isOp("GlobalAveragePool")) {
    if (rank < 3)
      return node.emitError("expected a tensor of rank 3 or more");
    return llvm::to_vector<6>(llvm::seq<int64_t>(2, rank));
  }
  if (auto given = node.getInts("axes")) {
    axes.assign(given->begin(), given->end());
  } else if (node.getInputOrNull(1)) {
    auto given = infer.integers(node, 1, "the axes of a reduction");
    if (failed(given))
      return failure();
    axes = *given;
  }
  if (axes.empty() && !node.getInt("noop_with_empty_axes", 0))
    for (int64_t d = 0; d < rank; ++d)
      axes.push_back(d);
  for (int64_t &axis : axes) {
    auto normal = normalizeAxis(node, axis, rank);
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return axes;
}

Shape reducedShape(const TensorInfo &input, ArrayRef<int64_t> axes, bool keep) {
  Shape shape;
  for (auto [d, size] : llvm::enumerate(input.shape)) {
    if (!llvm::is_contained(axes, int64_t(d)))
      shape.push_back(size);
    else if (keep)
      shape.push_back(1);
  }
  return shape;
}

/// What is done to an element before it is combined, and to the combination; n is the number of elements as a float.
using Map = std::function<Value(OpBuilder &, Location, Value)>;
using Finish = std::function<Value(OpBuilder &, Location, Value, Value n)>;

LogicalResult inferReduce(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  auto axes = reducedAxes(node, infer);
  if (failed(axes))
    return failure();
  TensorInfo result{input.element, reducedShape(input, *axes, node.getInt("keepdims", 1)), {}};
  // Products and sums of sizes stay known.
  if (input.elements && input.rank() == 1 && axes->size() == 1 && (node.isOp("ReduceProd") || node.isOp("ReduceSum"))) {
    bool product = node.isOp("ReduceProd");
    SymExpr e = product ? 1 : 0;
    for (const SymExpr &x : *input.elements)
      e = product ? e * x : e + x;
    result.elements = SmallVector<SymExpr, 4>{e};
  }
  infer.set(node.getResult(0), result);
  return success();
}

/// What compares as the input does: itself, where its elements are signed.
Value comparable(Lowering &lower, NodeOp node) {
  Value input = node.getInputs()[0];
  const TensorInfo info = lower.infer[input];
  if (!isUnsigned(info.element))
    return lower.tensor(input);
  return lower.generate(node.getLoc(), info.shape, info.element,
                        [&](OpBuilder &b, Location l, ValueRange index) { return turnSign(b, l, lower.read(b, l, input, index), info.element); });
}

Rule reduction(StringRef kind, Map map = nullptr, Finish finish = nullptr) {
  std::string name = kind.str();
  return {inferReduce, [name, map, finish](NodeOp node, Lowering &lower) -> LogicalResult {
            const TensorInfo input = lower.infer[node.getInputs()[0]], info = lower.infer[node.getResult(0)];
            auto axes = reducedAxes(node, lower.infer);
            if (failed(axes))
              return failure();
            Location loc = node.getLoc();
            bool compares = name == "max" || name == "min", turned = compares && isUnsigned(input.element);
            Value x = compares ? comparable(lower, node) : lower.tensor(node.getInputs()[0]);
            if (map)
              x = lower.generate(loc, input.shape, input.element, [&](OpBuilder &b, Location l, ValueRange index) {
                return map(b, l, lower.read(b, l, node.getInputs()[0], index));
              });
            Shape shape = reducedShape(input, *axes, false);
            Value y = sinter::graph::ReduceOp::create(lower.builder, loc, lower.type(shape, input.element), x, name, *axes, false);
            if (turned)
              y = lower.generate(loc, shape, input.element, [&](OpBuilder &b, Location l, ValueRange index) {
                return turnSign(b, l, tensor::ExtractOp::create(b, l, y, index), input.element);
              });
            if (finish) {
              SymExpr count = 1;
              for (int64_t axis : *axes)
                count = count * input.shape[axis];
              y = lower.generate(loc, shape, input.element, [&](OpBuilder &b, Location l, ValueRange index) {
                Value n = isa<FloatType>(input.element) ? fromIndex(b, l, lower.size(b, l, count), input.element) : Value();
                return finish(b, l, tensor::ExtractOp::create(b, l, y, index), n);
              });
            }
            if (shape.size() != info.shape.size())
              y = lower.reshape(loc, y, info.shape);
            lower.map(node.getResult(0), y);
            return success();
          }};
}

Rule argReduction(StringRef kind) {
  std::string name = kind.str();
  auto axisOf = [](NodeOp node, int64_t rank) { return normalizeAxis(node, node.getInt("axis", 0), rank); };
  return {[axisOf](NodeOp node, Inference &infer) -> LogicalResult {
            const TensorInfo input = infer[node.getInputs()[0]];
            auto axis = axisOf(node, input.rank());
            if (failed(axis))
              return failure();
            infer.set(node.getResult(0), {Builder(node.getContext()).getI64Type(), reducedShape(input, {*axis}, node.getInt("keepdims", 1)), {}});
            return success();
          },
          [axisOf, name](NodeOp node, Lowering &lower) -> LogicalResult {
            const TensorInfo input = lower.infer[node.getInputs()[0]], info = lower.infer[node.getResult(0)];
            auto axis = axisOf(node, input.rank());
            Shape shape = reducedShape(input, {*axis}, false);
            Value y = sinter::graph::ReduceOp::create(lower.builder, node.getLoc(), lower.type(shape, info.element), comparable(lower, node),
                                                      name, SmallVector<int64_t>{*axis}, node.getInt("select_last_index", 0) != 0);
            if (shape.size() != info.shape.size())
              y = lower.reshape(node.getLoc(), y, info.shape);
            lower.map(node.getResult(0), y);
            return success();
          }};
}

LogicalResult inferCumSum(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  auto axis = infer.integers(node, 1, "the axis of a CumSum");
  if (failed(axis) || axis->size() != 1 || failed(normalizeAxis(node, axis->front(), info.rank())))
    return failure();
  info.elements.reset();
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult lowerCumSum(NodeOp node, Lowering &lower) {
  auto axis = lower.infer.integers(node, 1, "the axis of a CumSum");
  const TensorInfo info = lower.infer[node.getResult(0)];
  Value x = lower.tensor(node.getInputs()[0]);
  lower.map(node.getResult(0), sinter::graph::ScanOp::create(lower.builder, node.getLoc(), x.getType(), x,
                                                             *normalizeAxis(node, axis->front(), info.rank()), node.getInt("exclusive", 0) != 0,
                                                             node.getInt("reverse", 0) != 0));
  return success();
}

} // namespace

void sinter::raise::addReductionRules(RuleTable &table) {
  Map square = [](OpBuilder &b, Location l, Value x) -> Value {
    return isa<FloatType>(x.getType()) ? arith::MulFOp::create(b, l, x, x).getResult() : arith::MulIOp::create(b, l, x, x).getResult();
  };
  Map magnitude = [](OpBuilder &b, Location l, Value x) -> Value {
    return isa<FloatType>(x.getType()) ? math::AbsFOp::create(b, l, x).getResult() : math::AbsIOp::create(b, l, x).getResult();
  };
  Finish mean = [](OpBuilder &b, Location l, Value sum, Value n) -> Value { return arith::DivFOp::create(b, l, sum, n); };
  Finish root = [](OpBuilder &b, Location l, Value sum, Value) -> Value { return math::SqrtOp::create(b, l, sum); };
  Finish logarithm = [](OpBuilder &b, Location l, Value sum, Value) -> Value { return math::LogOp::create(b, l, sum); };
  table.add("", "ReduceSum", reduction("add"));
  table.add("", "ReduceMean", reduction("add", nullptr, mean));
  table.add("", "ReduceMax", reduction("max"));
  table.add("", "GlobalMaxPool", reduction("max"));
  table.add("", "GlobalAveragePool", reduction("add", nullptr, mean));
  table.add("", "ReduceMin", reduction("min"));
  table.add("", "ReduceProd", reduction("mul"));
  table.add("", "ReduceSumSquare", reduction("add", square));
  table.add("", "ReduceL1", reduction("add", magnitude));
  table.add("", "ReduceL2", reduction("add", square, root));
  table.add("", "ReduceLogSum", reduction("add", nullptr, logarithm));
  table.add("", "ArgMax", argReduction("argmax"));
  table.add("", "ArgMin", argReduction("argmin"));
  table.add("", "CumSum", {inferCumSum, lowerCumSum});
}
