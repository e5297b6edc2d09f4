//===- Scatter.cpp - operators that place elements ----------------------===//
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

LogicalResult inferSame(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  info.elements.reset();
  infer.set(node.getResult(0), info);
  return success();
}

/// What becomes of an element that is there: null where it is replaced.
FailureOr<StringAttr> combination(NodeOp node) {
  StringRef reduction = node.getString("reduction", "none");
  if (reduction == "none")
    return StringAttr();
  if (!llvm::is_contained({"add", "mul", "max", "min"}, reduction))
    return node.emitError("reduction '") << reduction << "' is not supported";
  return StringAttr::get(node.getContext(), reduction);
}

LogicalResult inferScatterND(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]], indices = infer[node.getInputs()[1]], updates = infer[node.getInputs()[2]];
  auto depth = indices.rank() ? infer.symbols.resolve(indices.shape.back()).constant() : std::nullopt;
  if (!depth || *depth < 0 || *depth > data.rank() || updates.rank() != indices.rank() - 1 + data.rank() - *depth)
    return node.emitError("expected indices with a fixed depth that fits the data, and updates for them");
  for (int64_t d = 0; d < updates.rank(); ++d)
    if (failed(infer.unify(node, updates.shape[d], d < indices.rank() - 1 ? indices.shape[d] : data.shape[d - (indices.rank() - 1) + *depth],
                           "sizes of the updates of a ScatterND")))
      return failure();
  return inferSame(node, infer);
}

LogicalResult lowerScatterND(NodeOp node, Lowering &lower) {
  auto combine = combination(node);
  if (failed(combine))
    return failure();
  ValueRange in = node.getInputs();
  Value base = lower.tensor(in[0]);
  lower.map(node.getResult(0), sinter::graph::ScatterOp::create(lower.builder, node.getLoc(), lower.type(lower.infer[node.getResult(0)]), base, lower.tensor(in[1]),
                                                               lower.tensor(in[2]), *combine));
  return success();
}

LogicalResult inferScatterElements(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]], indices = infer[node.getInputs()[1]], updates = infer[node.getInputs()[2]];
  if (data.rank() < 1 || indices.rank() != data.rank() || updates.rank() != data.rank() ||
      failed(normalizeAxis(node, node.getInt("axis", 0), data.rank())))
    return node.emitError("expected data, indices and updates of one rank");
  for (auto [a, b] : llvm::zip(indices.shape, updates.shape))
    if (failed(infer.unify(node, a, b, "sizes of indices and updates")))
      return failure();
  return inferSame(node, infer);
}

/// A ScatterND whose indices are the elements' own but along the axis.
LogicalResult lowerScatterElements(NodeOp node, Lowering &lower) {
  auto combine = combination(node);
  if (failed(combine))
    return failure();
  ValueRange in = node.getInputs();
  const TensorInfo indices = lower.infer[in[1]];
  int64_t rank = indices.rank(), axis = *normalizeAxis(node, node.getInt("axis", 0), rank);
  Type i64 = lower.builder.getI64Type();
  Shape shape = indices.shape;
  shape.push_back(rank);
  Value places = lower.generate(node.getLoc(), shape, i64, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    Value place = castElement(b, l, lower.read(b, l, in[1], index.drop_back()), indices.element, i64);
    for (int64_t d = 0; d < rank; ++d)
      if (d != axis) {
        Value here = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, index.back(), constantIndex(b, l, d));
        place = arith::SelectOp::create(b, l, here, fromIndex(b, l, index[d], i64), place);
      }
    return place;
  });
  Value base = lower.tensor(in[0]), updates = lower.tensor(in[2]);
  lower.map(node.getResult(0),
            sinter::graph::ScatterOp::create(lower.builder, node.getLoc(), lower.type(lower.infer[node.getResult(0)]), base, places, updates, *combine));
  return success();
}

LogicalResult inferTopK(NodeOp node, Inference &infer) {
  TensorInfo values = infer[node.getInputs()[0]];
  auto axis = normalizeAxis(node, node.getInt("axis", -1), values.rank());
  if (failed(axis))
    return failure();
  SymExpr k;
  if (node.getSince() < 10) {
    k = node.getInt("k", 0);
  } else {
    auto given = infer.elements(node, 1, "the number of elements of a TopK");
    if (failed(given))
      return failure();
    if (given->size() != 1)
      return node.emitError("expected one number of elements, but got ") << given->size();
    k = given->front();
  }
  if (infer.symbols.bounds(k).lo < 0 || infer.symbols.lessEqual(k, infer.symbols.resolve(values.shape[*axis])) == false)
    return node.emitError("expected a number of elements that the axis has, but got ") << infer.symbols.str(k);
  values.shape[*axis] = k;
  values.elements.reset();
  infer.set(node.getResult(0), values);
  if (node.getNumResults() > 1)
    infer.set(node.getResult(1), {Builder(node.getContext()).getI64Type(), values.shape, {}});
  return success();
}

LogicalResult lowerTopK(NodeOp node, Lowering &lower) {
  const TensorInfo input = lower.infer[node.getInputs()[0]], info = lower.infer[node.getResult(0)];
  Location loc = node.getLoc();
  int64_t rank = input.rank(), axis = *normalizeAxis(node, node.getInt("axis", -1), rank);
  // The axis goes last, and comes back.
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank)), back(rank);
  perm.erase(perm.begin() + axis);
  perm.push_back(axis);
  Shape from, to;
  for (auto [d, p] : llvm::enumerate(perm)) {
    from.push_back(input.shape[p]);
    to.push_back(info.shape[p]);
    back[p] = d;
  }
  Value x = lower.tensor(node.getInputs()[0]);
  if (axis != rank - 1)
    x = lower.transpose(loc, x, from, perm);
  auto turn = [&](Value tensor, ArrayRef<SymExpr> shape) {
    return lower.generate(loc, shape, input.element, [&](OpBuilder &b, Location l, ValueRange index) {
      return turnSign(b, l, tensor::ExtractOp::create(b, l, tensor, index), input.element);
    });
  };
  bool turned = isUnsigned(input.element);
  if (turned)
    x = turn(x, from);
  auto topk = sinter::graph::TopKOp::create(lower.builder, loc, lower.type(to, input.element), lower.type(to, lower.builder.getI64Type()), x,
                                            lower.size(loc, info.shape[axis]), node.getInt("largest", 1) != 0);
  Value results[] = {turned ? turn(topk.getValues(), to) : topk.getValues(), topk.getIndices()};
  for (unsigned i = 0; i < node.getNumResults(); ++i)
    lower.map(node.getResult(i), axis == rank - 1 ? results[i] : lower.transpose(loc, results[i], info.shape, back));
  return success();
}

LogicalResult inferOneHot(NodeOp node, Inference &infer) {
  const TensorInfo indices = infer[node.getInputs()[0]], values = infer[node.getInputs()[2]];
  auto axis = normalizeAxis(node, node.getInt("axis", -1), indices.rank() + 1);
  auto depth = infer.elements(node, 1, "the depth of a OneHot");
  if (failed(axis) || failed(depth))
    return failure();
  if (depth->size() != 1 || values.rank() != 1 || values.staticSize() != 2)
    return node.emitError("expected one depth, and a value for off and one for on");
  TensorInfo info{values.element, indices.shape, {}};
  info.shape.insert(info.shape.begin() + *axis, depth->front());
  // What exporters count places with: known positions along one axis.
  auto size = depth->front().constant();
  if (indices.elements && indices.elements->size() == 1 && values.elements && size && *size > 0 && *size <= 64)
    if (auto hot = infer.symbols.resolve(indices.elements->front()).constant()) {
      info.elements.emplace(*size, values.elements->front());
      if (*hot >= -*size && *hot < *size)
        (*info.elements)[*hot < 0 ? *hot + *size : *hot] = values.elements->back();
    }
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult lowerOneHot(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)], indices = lower.infer[node.getInputs()[0]];
  int64_t axis = *normalizeAxis(node, node.getInt("axis", -1), info.rank());
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    SmallVector<Value> at(index);
    at.erase(at.begin() + axis);
    Type i64 = b.getI64Type();
    Value hot = castElement(b, l, lower.read(b, l, node.getInputs()[0], at), indices.element, i64), size = lower.size(b, l, info.shape[axis]);
    hot = toIndex(b, l, hot);
    Value negative = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, hot, constantIndex(b, l, 0));
    hot = arith::SelectOp::create(b, l, negative, arith::AddIOp::create(b, l, hot, size), hot);
    Value on = lower.read(b, l, node.getInputs()[2], constantIndex(b, l, 1)), off = lower.read(b, l, node.getInputs()[2], constantIndex(b, l, 0));
    return arith::SelectOp::create(b, l, arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, index[axis], hot), on, off);
  }));
  return success();
}

} // namespace

void sinter::raise::addScatterRules(RuleTable &table) {
  table.add("", "ScatterND", {inferScatterND, lowerScatterND});
  table.add("", "ScatterElements", {inferScatterElements, lowerScatterElements});
  table.add("", "TopK", {inferTopK, lowerTopK});
  table.add("", "OneHot", {inferOneHot, lowerOneHot});
}
