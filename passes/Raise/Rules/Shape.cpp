//===- Shape.cpp - operators on shapes, and views -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

using Elements = SmallVector<SymExpr, 4>;

/// Known elements survive any view of them.
LogicalResult setView(NodeOp node, Inference &infer, Shape shape) {
  const TensorInfo input = infer[node.getInputs()[0]];
  infer.set(node.getResult(0), {input.element, std::move(shape), input.elements});
  return success();
}

/// By now more is known of sizes than when they were divided: whether the view has as many elements.
LogicalResult lowerView(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  auto &symbols = lower.infer.symbols;
  auto elements = [&](ArrayRef<SymExpr> shape) {
    SymExpr product = 1;
    for (const SymExpr &d : shape)
      product = product * symbols.resolve(d);
    return symbols.bounds(symbols.resolve(product));
  };
  sinter::graph::Bounds has = elements(lower.infer[node.getInputs()[0]].shape), gets = elements(info.shape);
  if (has.lo > gets.hi || gets.lo > has.hi) {
    auto range = [](sinter::graph::Bounds b) { return std::to_string(b.lo) + (b.lo == b.hi ? "" : " to " + std::to_string(b.hi)); };
    return node.emitError() << node.getOpType() << " of " << range(has) << " elements to a shape of " << range(gets);
  }
  lower.map(node.getResult(0), lower.reshape(node.getLoc(), lower.tensor(node.getInputs()[0]), info.shape));
  return success();
}

LogicalResult lowerKnown(NodeOp node, Lowering &) { return node.emitError("internal: a shape operator has unknown elements"); }

LogicalResult inferShape(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  int64_t start = node.getInt("start", 0), end = node.getInt("end", input.rank());
  auto clamp = [&](int64_t v) { return std::clamp<int64_t>(v < 0 ? v + input.rank() : v, 0, input.rank()); };
  start = clamp(start);
  end = std::max(clamp(end), start);
  Elements elements(input.shape.begin() + start, input.shape.begin() + end);
  infer.set(node.getResult(0), {Builder(node.getContext()).getI64Type(), {SymExpr(end - start)}, elements});
  return success();
}

LogicalResult inferSize(NodeOp node, Inference &infer) {
  SymExpr size = 1;
  for (const SymExpr &d : infer[node.getInputs()[0]].shape)
    size = size * d;
  infer.set(node.getResult(0), {Builder(node.getContext()).getI64Type(), {}, Elements{size}});
  return success();
}

LogicalResult inferReshape(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  auto target = infer.elements(node, 1, "the shape of a Reshape");
  if (failed(target))
    return failure();
  bool allowZero = node.getInt("allowzero", 0);
  SymExpr total = 1, known = 1;
  for (const SymExpr &d : input.shape)
    total = total * infer.symbols.resolve(d);
  Shape shape;
  int64_t open = -1;
  for (auto [i, e] : llvm::enumerate(*target)) {
    SymExpr size = e;
    if (e.is(0) && !allowZero) {
      if (int64_t(i) >= input.rank())
        return node.emitError("Reshape copies axis ") << i << " of an input of rank " << input.rank();
      size = infer.symbols.resolve(input.shape[i]);
    } else if (e.is(-1)) {
      if (open >= 0)
        return node.emitError("Reshape leaves two axes open");
      open = i;
      shape.push_back(1);
      continue;
    } else if (infer.symbols.bounds(e).hi < 0) {
      return node.emitError("Reshape to a negative size");
    }
    known = known * size;
    shape.push_back(size);
  }
  if (open >= 0) {
    auto rest = infer.symbols.divideExact(total, known);
    if (!rest && total.constant() && known.constant())
      return node.emitError("Reshape of ") << *total.constant() << " elements to a shape whose other sizes make " << *known.constant();
    // A product that does not divide as a polynomial may still divide at run time.
    shape[open] = rest ? *rest : infer.symbols.floorDiv(total, known);
  } else if (failed(infer.unify(node, total, known, "numbers of elements in Reshape"))) {
    return failure();
  }
  return setView(node, infer, shape);
}

/// The axes of Squeeze and Unsqueeze: an attribute before opset 13, then an input.
FailureOr<std::optional<SmallVector<int64_t>>> viewAxes(NodeOp node, Inference &infer) {
  if (auto attribute = node.getInts("axes"))
    return std::optional(SmallVector<int64_t>(*attribute));
  if (!node.getInputOrNull(1))
    return std::optional<SmallVector<int64_t>>();
  auto axes = infer.integers(node, 1, "axes");
  if (failed(axes))
    return failure();
  return std::optional(*axes);
}

LogicalResult inferUnsqueeze(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  auto axes = viewAxes(node, infer);
  if (failed(axes))
    return failure();
  if (!*axes)
    return node.emitError("expected axes");
  int64_t rank = input.rank() + (*axes)->size();
  llvm::SmallDenseSet<int64_t> added;
  for (int64_t axis : **axes) {
    auto normal = normalizeAxis(node, axis, rank);
    if (failed(normal))
      return failure();
    if (!added.insert(*normal).second)
      return node.emitError("axis ") << axis << " is named twice";
  }
  Shape shape;
  for (int64_t d = 0, from = 0; d < rank; ++d)
    shape.push_back(added.contains(d) ? SymExpr(1) : input.shape[from++]);
  return setView(node, infer, shape);
}

LogicalResult inferSqueeze(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  auto axes = viewAxes(node, infer);
  if (failed(axes))
    return failure();
  llvm::SmallDenseSet<int64_t> removed;
  if (*axes) {
    for (int64_t axis : **axes) {
      auto normal = normalizeAxis(node, axis, input.rank());
      if (failed(normal) || failed(infer.unify(node, input.shape[*normal], 1, "sizes in Squeeze")))
        return failure();
      removed.insert(*normal);
    }
  } else {
    for (auto [d, size] : llvm::enumerate(input.shape))
      if (infer.symbols.resolve(size).is(1))
        removed.insert(d);
  }
  Shape shape;
  for (auto [d, size] : llvm::enumerate(input.shape))
    if (!removed.contains(d))
      shape.push_back(size);
  return setView(node, infer, shape);
}

LogicalResult inferFlatten(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  int64_t axis = node.getInt("axis", 1);
  if (axis < -input.rank() || axis > input.rank())
    return node.emitError("axis ") << axis << " is outside of a tensor of rank " << input.rank();
  axis = axis < 0 ? axis + input.rank() : axis;
  Shape shape(2, SymExpr(1));
  for (auto [d, size] : llvm::enumerate(input.shape)) {
    SymExpr &side = shape[int64_t(d) < axis ? 0 : 1];
    side = side * size;
  }
  return setView(node, infer, shape);
}

LogicalResult inferExpand(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  auto target = infer.elements(node, 1, "the shape of an Expand");
  if (failed(target))
    return failure();
  TensorInfo wanted{input.element, Shape(target->begin(), target->end()), {}};
  auto shape = infer.broadcast(node, {&input, &wanted});
  if (failed(shape))
    return failure();
  TensorInfo result{input.element, *shape, {}};
  if (auto size = result.staticSize(); input.elements && input.elements->size() == 1 && size && *size <= 64)
    result.elements = Elements(*size, input.elements->front());
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerExpand(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  lower.map(node.getResult(0), lower.broadcastTo(node.getLoc(), node.getInputs()[0], info.shape));
  return success();
}

LogicalResult inferConstantOfShape(NodeOp node, Inference &infer) {
  auto target = infer.elements(node, 0, "the shape of a ConstantOfShape");
  if (failed(target))
    return failure();
  TensorInfo result{Builder(node.getContext()).getF32Type(), Shape(target->begin(), target->end()), {}};
  auto value = dyn_cast_or_null<DenseElementsAttr>(node.getAttribute("value"));
  if (value) {
    if (value.getNumElements() != 1)
      return node.emitError("expected a value of one element");
    result.element = value.getElementType();
    if (auto size = result.staticSize(); isa<IntegerType>(result.element) && size && *size <= 64) {
      APInt element = value.getSplatValue<APInt>();
      result.elements = Elements(*size, SymExpr(isUnsigned(result.element) ? int64_t(element.getZExtValue()) : element.getSExtValue()));
    }
  }
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerConstantOfShape(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  auto value = dyn_cast_or_null<DenseElementsAttr>(node.getAttribute("value"));
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange) -> Value {
    Type element = signless(info.element);
    if (!value)
      return constant(b, loc, element, 0);
    if (isa<FloatType>(element))
      return arith::ConstantOp::create(b, loc, FloatAttr::get(element, value.getSplatValue<APFloat>()));
    return arith::ConstantOp::create(b, loc, IntegerAttr::get(element, value.getSplatValue<APInt>()));
  }));
  return success();
}

LogicalResult inferRange(NodeOp node, Inference &infer) {
  const TensorInfo start = infer[node.getInputs()[0]];
  Elements bounds;
  if (isa<FloatType>(start.element)) {
    double x[3];
    for (unsigned i = 0; i < 3; ++i) {
      auto c = infer.scalar(node.getInputs()[i]);
      if (!c)
        return node.emitError("a float Range with bounds that are computed at run time is not supported");
      x[i] = *c;
    }
    double count = std::ceil((x[1] - x[0]) / x[2]);
    if (!(std::abs(count) <= double(kMaxSize)))
      return node.emitError("a Range of ") << count << " elements";
    int64_t n = std::max<int64_t>(0, count);
    infer.set(node.getResult(0), {start.element, {SymExpr(n)}, {}});
    return success();
  }
  for (unsigned i = 0; i < 3; ++i) {
    auto e = infer.elements(node, i, "a bound of a Range");
    if (failed(e))
      return failure();
    if (e->size() != 1)
      return node.emitError("expected scalar bounds");
    bounds.push_back(e->front());
    if (auto c = bounds.back().constant(); c && (*c < -kMaxSize || *c > kMaxSize) && i < 2)
      return node.emitError("a Range has the bound ") << *c << ", which is out of range";
  }
  auto step = bounds[2].constant();
  if (step == 0)
    return node.emitError("a Range with step 0");
  SymExpr span = bounds[1] - bounds[0];
  SymExpr size = infer.symbols.ceilDiv(span, bounds[2]);
  size = infer.symbols.max(size, 0);
  TensorInfo result{start.element, {size}, {}};
  if (auto n = size.constant(); n && *n <= 64) {
    result.elements.emplace();
    for (int64_t i = 0; i < *n; ++i)
      result.elements->push_back(bounds[0] + bounds[2] * i);
  }
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerRange(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) -> Value {
    Value i = fromIndex(b, loc, index[0], info.element);
    Value start = lower.read(b, loc, node.getInputs()[0], {}), step = lower.read(b, loc, node.getInputs()[2], {});
    if (isa<FloatType>(info.element))
      return arith::AddFOp::create(b, loc, start, arith::MulFOp::create(b, loc, i, step));
    return arith::AddIOp::create(b, loc, start, arith::MulIOp::create(b, loc, i, step));
  }));
  return success();
}

FailureOr<SmallVector<int64_t>> permutation(NodeOp node, int64_t rank) {
  SmallVector<int64_t> perm;
  if (auto given = node.getInts("perm"))
    perm.assign(given->begin(), given->end());
  else
    for (int64_t d = rank - 1; d >= 0; --d)
      perm.push_back(d);
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t p : perm)
    if (p < 0 || p >= rank || !seen.insert(p).second)
      return node.emitError("expected a permutation of ") << rank << " axes";
  if (int64_t(perm.size()) != rank)
    return node.emitError("expected a permutation of ") << rank << " axes";
  return perm;
}

LogicalResult inferTranspose(NodeOp node, Inference &infer) {
  const TensorInfo input = infer[node.getInputs()[0]];
  auto perm = permutation(node, input.rank());
  if (failed(perm))
    return failure();
  TensorInfo result{input.element, {}, {}};
  for (int64_t p : *perm)
    result.shape.push_back(input.shape[p]);
  if (auto size = result.staticSize(); input.elements && size && input.staticSize()) {
    result.elements.emplace();
    for (int64_t flat = 0; flat < *size; ++flat) {
      SmallVector<int64_t> at(input.rank());
      int64_t rest = flat, from = 0;
      for (int64_t d = input.rank() - 1; d >= 0; --d) {
        at[(*perm)[d]] = rest % *result.shape[d].constant();
        rest /= *result.shape[d].constant();
      }
      for (int64_t d = 0; d < input.rank(); ++d)
        from = from * *input.shape[d].constant() + at[d];
      result.elements->push_back((*input.elements)[from]);
    }
  }
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerTranspose(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  auto perm = permutation(node, info.rank());
  lower.map(node.getResult(0), lower.transpose(node.getLoc(), lower.tensor(node.getInputs()[0]), info.shape, *perm));
  return success();
}

} // namespace

void sinter::raise::addShapeRules(RuleTable &table) {
  table.add("", "Shape", {inferShape, lowerKnown});
  table.add("", "Size", {inferSize, lowerKnown});
  table.add("", "Reshape", {inferReshape, lowerView});
  table.add("", "Unsqueeze", {inferUnsqueeze, lowerView});
  table.add("", "Squeeze", {inferSqueeze, lowerView});
  table.add("", "Flatten", {inferFlatten, lowerView});
  table.add("", "Expand", {inferExpand, lowerExpand});
  table.add("", "ConstantOfShape", {inferConstantOfShape, lowerConstantOfShape});
  table.add("", "Range", {inferRange, lowerRange});
  table.add("", "Transpose", {inferTranspose, lowerTranspose});
}
