//===- Indexing.cpp - operators that move elements ----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Embedding.h"
#include "passes/Raise/Rules.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

using Elements = SmallVector<SymExpr, 4>;

Value add(OpBuilder &b, Location loc, Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
Value mul(OpBuilder &b, Location loc, Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }

LogicalResult inferGather(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]], indices = infer[node.getInputs()[1]];
  auto axis = normalizeAxis(node, node.getInt("axis", 0), data.rank());
  if (failed(axis))
    return failure();
  TensorInfo result{data.element, {}, {}};
  result.shape.append(data.shape.begin(), data.shape.begin() + *axis);
  result.shape.append(indices.shape.begin(), indices.shape.end());
  result.shape.append(data.shape.begin() + *axis + 1, data.shape.end());
  if (data.elements && indices.elements && data.rank() == 1) {
    result.elements.emplace();
    for (const SymExpr &e : *indices.elements) {
      auto i = infer.symbols.resolve(e).constant();
      int64_t n = data.elements->size();
      if (!i) {
        result.elements.reset();
        break;
      }
      if (*i < -n || *i >= n)
        return node.emitError("index ") << *i << " is outside of " << n << " elements";
      result.elements->push_back((*data.elements)[*i < 0 ? *i + n : *i]);
    }
  }
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerGather(NodeOp node, Lowering &lower) {
  Value dataValue = node.getInputs()[0], indexValue = node.getInputs()[1];
  const TensorInfo data = lower.infer[dataValue], indices = lower.infer[indexValue], info = lower.infer[node.getResult(0)];
  int64_t axis = *normalizeAxis(node, node.getInt("axis", 0), data.rank());
  if (auto weight = embeddingSource(node, lower)) {
    lower.map(node.getResult(0), embedding(lower, node.getLoc(), indexValue, weight, info));
    return success();
  }
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
    SmallVector<Value> source(index.take_front(axis));
    Value i = toIndex(b, loc, lower.read(b, loc, indexValue, index.slice(axis, indices.rank())));
    // Known indices were checked; others come from outside and must not read out of bounds.
    source.push_back(safeIndex(b, loc, i, lower.size(b, loc, data.shape[axis])));
    llvm::append_range(source, index.drop_front(axis + indices.rank()));
    return lower.read(b, loc, dataValue, source);
  }));
  return success();
}

LogicalResult inferGatherElements(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]], indices = infer[node.getInputs()[1]];
  if (data.rank() != indices.rank())
    return node.emitError("expected indices of the data's rank");
  infer.set(node.getResult(0), {data.element, indices.shape, {}});
  return success();
}

LogicalResult lowerGatherElements(NodeOp node, Lowering &lower) {
  const TensorInfo data = lower.infer[node.getInputs()[0]], info = lower.infer[node.getResult(0)];
  auto axis = normalizeAxis(node, node.getInt("axis", 0), data.rank());
  if (failed(axis))
    return failure();
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
    SmallVector<Value> source(index);
    Value i = toIndex(b, loc, lower.read(b, loc, node.getInputs()[1], index));
    source[*axis] = safeIndex(b, loc, i, lower.size(b, loc, data.shape[*axis]));
    return lower.read(b, loc, node.getInputs()[0], source);
  }));
  return success();
}

LogicalResult inferGatherND(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]], indices = infer[node.getInputs()[1]];
  int64_t batch = node.getInt("batch_dims", 0);
  auto depth = indices.rank() ? infer.symbols.resolve(indices.shape.back()).constant() : std::nullopt;
  if (!depth || batch < 0 || batch + *depth > data.rank() || batch >= indices.rank())
    return node.emitError("expected indices with a fixed depth that fits the data");
  TensorInfo result{data.element, {}, {}};
  result.shape.append(indices.shape.begin(), std::prev(indices.shape.end()));
  result.shape.append(data.shape.begin() + batch + *depth, data.shape.end());
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerGatherND(NodeOp node, Lowering &lower) {
  Value dataValue = node.getInputs()[0], indexValue = node.getInputs()[1];
  const TensorInfo data = lower.infer[dataValue], indices = lower.infer[indexValue], info = lower.infer[node.getResult(0)];
  int64_t batch = node.getInt("batch_dims", 0), depth = *lower.infer.symbols.resolve(indices.shape.back()).constant();
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
    SmallVector<Value> source(index.take_front(batch)), at(index.take_front(indices.rank() - 1));
    at.push_back({});
    for (int64_t d = 0; d < depth; ++d) {
      at.back() = constantIndex(b, loc, d);
      Value i = toIndex(b, loc, lower.read(b, loc, indexValue, at));
      source.push_back(safeIndex(b, loc, i, lower.size(b, loc, data.shape[batch + d])));
    }
    llvm::append_range(source, index.drop_front(indices.rank() - 1));
    return lower.read(b, loc, dataValue, source);
  }));
  return success();
}

/// Start and step of a slice on each axis, and its shape.
struct SliceParts {
  SmallVector<SymExpr, 4> start;
  SmallVector<int64_t, 4> step;
  Shape shape;
};

FailureOr<SliceParts> sliceParts(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]];
  Elements starts, ends;
  SmallVector<int64_t> axes, steps;
  if (node.getInts("starts")) {
    auto from = *node.getInts("starts"), to = node.getInts("ends").value_or(ArrayRef<int64_t>());
    starts.append(from.begin(), from.end());
    ends.append(to.begin(), to.end());
    if (auto given = node.getInts("axes"))
      axes.assign(given->begin(), given->end());
  } else {
    auto from = infer.elements(node, 1, "the start of a Slice"), to = infer.elements(node, 2, "the end of a Slice");
    if (failed(from) || failed(to))
      return failure();
    starts = *from;
    ends = *to;
    if (node.getInputOrNull(3)) {
      auto given = infer.integers(node, 3, "the axes of a Slice");
      if (failed(given))
        return failure();
      axes = *given;
    }
    if (node.getInputOrNull(4)) {
      auto given = infer.integers(node, 4, "the steps of a Slice");
      if (failed(given))
        return failure();
      steps = *given;
    }
  }
  if (axes.empty())
    for (size_t i = 0; i < starts.size(); ++i)
      axes.push_back(i);
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return node.emitError("expected as many ends, axes and steps as starts");
  SliceParts parts;
  parts.start.assign(data.rank(), SymExpr(0));
  parts.step.assign(data.rank(), 1);
  for (const SymExpr &d : data.shape)
    parts.shape.push_back(infer.symbols.resolve(d));
  auto &symbols = infer.symbols;
  for (size_t i = 0; i < starts.size(); ++i) {
    auto axis = normalizeAxis(node, axes[i], data.rank());
    if (failed(axis))
      return failure();
    if (steps[i] == 0)
      return node.emitError("a Slice with step 0");
    SymExpr size = symbols.resolve(data.shape[*axis]);
    // A negative bound counts from the end; the sign must be known. Bounds outside are clamped.
    auto place = [&](const SymExpr &e, int64_t least, SymExpr most) -> SymExpr {
      if (auto c = e.constant()) {
        if (*c >= sinter::graph::Bounds::kUnbounded || *c >= (int64_t(1) << 31) - 1)
          return most;
        if (*c <= -(int64_t(1) << 31) + 1)
          return least;
      }
      sinter::graph::Bounds range = symbols.bounds(e);
      SymExpr v = range.hi < 0 ? size + e : e;
      return symbols.max(symbols.min(v, most), least);
    };
    if (steps[i] > 0) {
      SymExpr from = place(starts[i], 0, size), to = place(ends[i], 0, size);
      parts.start[*axis] = from;
      SymExpr span = symbols.max(to - from, 0);
      parts.shape[*axis] = symbols.ceilDiv(span, steps[i]);
    } else {
      SymExpr from = place(starts[i], 0, size - 1), to = place(ends[i], -1, size - 1);
      if (auto c = ends[i].constant(); c && *c <= -(int64_t(1) << 31) + 1)
        to = -1;
      parts.start[*axis] = from;
      SymExpr span = symbols.max(from - to, 0);
      parts.shape[*axis] = symbols.ceilDiv(span, -steps[i]);
    }
    parts.step[*axis] = steps[i];
  }
  return parts;
}

LogicalResult inferSlice(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]];
  auto parts = sliceParts(node, infer);
  if (failed(parts))
    return failure();
  TensorInfo result{data.element, parts->shape, {}};
  bool fixed = llvm::all_of(parts->start, [](const SymExpr &e) { return e.constant().has_value(); });
  if (auto n = result.staticSize(); data.elements && data.staticSize() && fixed && n) {
    result.elements.emplace();
    for (int64_t flat = 0; flat < *n; ++flat) {
      int64_t rest = flat, from = 0, stride = 1;
      for (int64_t d = data.rank() - 1; d >= 0; --d) {
        int64_t extent = *result.shape[d].constant();
        from += (*parts->start[d].constant() + rest % extent * parts->step[d]) * stride;
        rest /= extent;
        stride *= *data.shape[d].constant();
      }
      result.elements->push_back((*data.elements)[from]);
    }
  }
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerSlice(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  auto parts = sliceParts(node, lower.infer);
  if (failed(parts))
    return failure();
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
    SmallVector<Value> source;
    for (auto [d, i] : llvm::enumerate(index)) {
      Value at = parts->step[d] == 1 ? i : mul(b, loc, i, constantIndex(b, loc, parts->step[d]));
      source.push_back(parts->start[d].is(0) ? at : add(b, loc, lower.size(b, loc, parts->start[d]), at));
    }
    return lower.read(b, loc, node.getInputs()[0], source);
  }));
  return success();
}

LogicalResult inferConcat(NodeOp node, Inference &infer) {
  TensorInfo result = infer[node.getInputs()[0]];
  auto axis = normalizeAxis(node, node.getInt("axis", 0), result.rank());
  if (failed(axis))
    return failure();
  for (Value v : node.getInputs().drop_front()) {
    const TensorInfo part = infer[v];
    if (part.rank() != result.rank() || part.element != result.element)
      return node.emitError("expected inputs of one rank and element type");
    for (int64_t d = 0; d < part.rank(); ++d) {
      if (d == *axis)
        result.shape[d] = result.shape[d] + part.shape[d];
      else if (failed(infer.unify(node, result.shape[d], part.shape[d], "sizes in Concat")))
        return failure();
    }
    if (result.elements && part.elements && result.rank() == 1)
      llvm::append_range(*result.elements, *part.elements);
    else
      result.elements.reset();
  }
  if (result.elements && result.elements->size() > 64)
    result.elements.reset();
  infer.set(node.getResult(0), result);
  return success();
}

LogicalResult lowerConcat(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  int64_t axis = *normalizeAxis(node, node.getInt("axis", 0), info.rank());
  if (node.getNumOperands() == 1) {
    lower.map(node.getResult(0), lower.tensor(node.getInputs()[0]));
    return success();
  }
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
    // One nested choice a part: the element of the first part whose end lies behind the index. Each branch only reads inside its part.
    std::function<Value(OpBuilder &, unsigned, const SymExpr &)> choose = [&](OpBuilder &inner, unsigned part, const SymExpr &start) -> Value {
      Value v = node.getInputs()[part];
      auto here = [&](OpBuilder &at) {
        SmallVector<Value> source(index);
        if (!start.is(0))
          source[axis] = arith::SubIOp::create(at, loc, index[axis], lower.size(at, loc, start));
        return lower.read(at, loc, v, source);
      };
      if (part + 1 == node.getNumOperands())
        return here(inner);
      SymExpr end = start + lower.infer.symbols.resolve(lower.infer[v].shape[axis]);
      Value inside = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::slt, index[axis], lower.size(inner, loc, end));
      auto choice = scf::IfOp::create(inner, loc, TypeRange{signless(info.element)}, inside, /*withElse=*/true);
      OpBuilder::InsertionGuard guard(inner);
      inner.setInsertionPointToStart(choice.thenBlock());
      Value first = here(inner);
      scf::YieldOp::create(inner, loc, first);
      inner.setInsertionPointToStart(choice.elseBlock());
      Value rest = choose(inner, part + 1, end);
      scf::YieldOp::create(inner, loc, rest);
      return choice.getResult(0);
    };
    return choose(b, 0, SymExpr(0));
  }));
  return success();
}

FailureOr<Elements> splitSizes(NodeOp node, Inference &infer, const SymExpr &size) {
  unsigned parts = node.getNumResults();
  if (auto given = node.getInts("split"))
    return Elements(given->begin(), given->end());
  if (node.getInputOrNull(1)) {
    auto given = infer.elements(node, 1, "the sizes of a Split");
    if (failed(given))
      return failure();
    return *given;
  }
  SymExpr each = infer.symbols.ceilDiv(size, SymExpr(parts));
  Elements sizes(parts - 1, each);
  sizes.push_back(size - each * SymExpr(parts - 1));
  return sizes;
}

LogicalResult inferSplit(NodeOp node, Inference &infer) {
  const TensorInfo data = infer[node.getInputs()[0]];
  auto axis = normalizeAxis(node, node.getInt("axis", 0), data.rank());
  if (failed(axis))
    return failure();
  auto sizes = splitSizes(node, infer, infer.symbols.resolve(data.shape[*axis]));
  if (failed(sizes))
    return failure();
  if (sizes->size() != node.getNumResults())
    return node.emitError("expected ") << node.getNumResults() << " sizes, but got " << sizes->size();
  int64_t at = 0;
  for (auto [result, size] : llvm::zip(node.getResults(), *sizes)) {
    TensorInfo part{data.element, data.shape, {}};
    part.shape[*axis] = size;
    if (auto n = size.constant(); n && data.elements && data.rank() == 1 && at >= 0 && at + *n <= int64_t(data.elements->size())) {
      part.elements = Elements(data.elements->begin() + at, data.elements->begin() + at + *n);
      at += *n;
    } else {
      at = -1;
    }
    infer.set(result, part);
  }
  return success();
}

LogicalResult lowerSplit(NodeOp node, Lowering &lower) {
  const TensorInfo data = lower.infer[node.getInputs()[0]];
  int64_t axis = *normalizeAxis(node, node.getInt("axis", 0), data.rank());
  SymExpr start = 0;
  for (Value result : node.getResults()) {
    const TensorInfo info = lower.infer[result];
    lower.map(result, lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
      SmallVector<Value> source(index);
      if (!start.is(0))
        source[axis] = add(b, loc, index[axis], lower.size(b, loc, start));
      return lower.read(b, loc, node.getInputs()[0], source);
    }));
    start = start + info.shape[axis];
  }
  return success();
}

LogicalResult inferTrilu(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  if (info.rank() < 2)
    return node.emitError("expected a tensor of rank 2 or more");
  info.elements.reset();
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult lowerTrilu(NodeOp node, Lowering &lower) {
  const TensorInfo info = lower.infer[node.getResult(0)];
  bool upper = node.getInt("upper", 1);
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) -> Value {
    Value row = index[index.size() - 2], column = index.back();
    if (Value k = node.getInputOrNull(1))
      row = add(b, loc, row, toIndex(b, loc, lower.read(b, loc, k, SmallVector<Value>(lower.infer[k].rank(), constantIndex(b, loc, 0)))));
    Value keep = arith::CmpIOp::create(b, loc, upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle, column, row);
    return arith::SelectOp::create(b, loc, keep, lower.read(b, loc, node.getInputs()[0], index), constant(b, loc, signless(info.element), 0));
  }));
  return success();
}

LogicalResult inferTile(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  auto repeats = infer.elements(node, 1, "the repeats of a Tile");
  if (failed(repeats))
    return failure();
  if (int64_t(repeats->size()) != info.rank())
    return node.emitError("expected a repeat for each axis");
  for (auto [d, r] : llvm::zip(info.shape, *repeats))
    d = d * r;
  info.elements.reset();
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult lowerTile(NodeOp node, Lowering &lower) {
  const TensorInfo data = lower.infer[node.getInputs()[0]], info = lower.infer[node.getResult(0)];
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
    SmallVector<Value> source;
    for (auto [d, i] : llvm::enumerate(index))
      source.push_back(lower.infer.symbols.equal(data.shape[d], info.shape[d])
                           ? i
                           : arith::RemUIOp::create(b, loc, i, lower.size(b, loc, data.shape[d])).getResult());
    return lower.read(b, loc, node.getInputs()[0], source);
  }));
  return success();
}

} // namespace

void sinter::raise::addIndexingRules(RuleTable &table) {
  table.add("", "Gather", {inferGather, lowerGather});
  table.add("", "GatherElements", {inferGatherElements, lowerGatherElements});
  table.add("", "GatherND", {inferGatherND, lowerGatherND});
  table.add("", "Slice", {inferSlice, lowerSlice});
  table.add("", "Concat", {inferConcat, lowerConcat});
  table.add("", "Split", {inferSplit, lowerSplit});
  table.add("", "Trilu", {inferTrilu, lowerTrilu});
  table.add("", "Tile", {inferTile, lowerTile});
}
