//===- Resampling.cpp - Resize, GridSample and Pad ----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// How one axis is resized; the scale is a constant, or that of the sizes.
struct ResizedAxis {
  int64_t axis;
  SymExpr from, to;
  std::optional<double> scale;
};

/// The float constants at input `index`; nothing where it is absent, empty or no constant.
std::optional<SmallVector<double>> floats(NodeOp node, unsigned index) {
  Value v = node.getInputOrNull(index);
  auto constant = v ? v.getDefiningOp<sinter::onnx::ConstantOp>() : sinter::onnx::ConstantOp();
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!dense || dense.empty() || !isa<FloatType>(dense.getElementType()))
    return std::nullopt;
  SmallVector<double> out;
  for (const APFloat &x : dense.getValues<APFloat>())
    out.push_back(x.convertToDouble());
  return out;
}

FailureOr<SmallVector<ResizedAxis>> resizedAxes(NodeOp node, Inference &infer) {
  const TensorInfo x = infer[node.getInputs()[0]];
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, x.rank()));
  if (auto given = node.getInts("axes"))
    axes.assign(given->begin(), given->end());
  if (StringRef policy = node.getString("keep_aspect_ratio_policy", "stretch"); policy != "stretch")
    return node.emitError("keep_aspect_ratio_policy '") << policy << "' is not supported";
  if (node.getInt("antialias", 0) || node.getInt("exclude_outside", 0))
    return node.emitError("antialias and exclude_outside are not supported");
  // Version 10 has scales as input 1, later ones the region of interest there.
  bool old = node.getSince() < 11;
  auto scales = floats(node, old ? 1 : 2);
  SmallVector<SymExpr, 4> sizes;
  Value given = old ? Value() : node.getInputOrNull(3);
  if (given && infer[given].staticSize() != 0) {
    auto known = infer.elements(node, 3, "the sizes of a Resize");
    if (failed(known))
      return failure();
    sizes = *known;
  } else if (!scales) {
    return node.emitError("Resize is supported with sizes, or with constant scales");
  }
  if ((sizes.empty() ? scales->size() : sizes.size()) != axes.size())
    return node.emitError("expected a size or a scale for each resized axis");
  SmallVector<ResizedAxis> out;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    auto normal = normalizeAxis(node, axis, x.rank());
    if (failed(normal))
      return failure();
    SymExpr from = infer.symbols.resolve(x.shape[*normal]);
    if (!sizes.empty()) {
      if (!infer.symbols.equal(from, sizes[i]))
        out.push_back({*normal, from, sizes[i], std::nullopt});
      continue;
    }
    double scale = (*scales)[i];
    if (scale == 1)
      continue;
    auto n = from.constant();
    if (!(scale > 0 && scale * double(n.value_or(1)) <= double(kMaxSize)))
      return node.emitError("expected scales above 0 that leave a possible size, but got ") << scale;
    if (n)
      out.push_back({*normal, from, SymExpr(int64_t(std::floor(float(*n) * float(scale)))), scale});
    else if (scale == std::floor(scale))
      out.push_back({*normal, from, from * SymExpr(int64_t(scale)), scale});
    else
      return node.emitError("a scale of ") << scale << " for a size that is known only at run time is not supported";
  }
  return out;
}

LogicalResult inferResize(NodeOp node, Inference &infer) {
  auto axes = resizedAxes(node, infer);
  if (failed(axes))
    return failure();
  TensorInfo info = infer[node.getInputs()[0]];
  info.elements.reset();
  for (const ResizedAxis &a : *axes)
    info.shape[a.axis] = a.to;
  infer.set(node.getResult(0), info);
  return success();
}

/// Arithmetic on f32.
struct Floats {
  OpBuilder &b;
  Location l;
  Value constant(double v) { return sinter::raise::constant(b, l, b.getF32Type(), v); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, l, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, l, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, l, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, l, x, y); }
};

/// The place in the input of element `i` of a resized axis.
FailureOr<Value> coordinate(NodeOp node, Lowering &lower, OpBuilder &b, Location l, const ResizedAxis &axis, Value i) {
  Floats f{b, l};
  Type f32 = b.getF32Type();
  auto asFloat = [&](Value index) { return fromIndex(b, l, index, f32); };
  Value from = asFloat(lower.size(b, l, axis.from)), to = asFloat(lower.size(b, l, axis.to)), x = asFloat(i);
  Value scale = axis.scale ? f.constant(*axis.scale) : f.div(to, from);
  StringRef mode = node.getSince() < 11 ? StringRef("asymmetric") : node.getString("coordinate_transformation_mode", "half_pixel");
  Value half = f.constant(0.5);
  if (mode == "asymmetric")
    return f.div(x, scale);
  if (mode == "half_pixel" || mode == "pytorch_half_pixel") {
    Value place = f.sub(f.div(f.add(x, half), scale), half);
    if (mode == "half_pixel")
      return place;
    Value single = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OLE, to, f.constant(1));
    return arith::SelectOp::create(b, l, single, f.constant(0), place).getResult();
  }
  if (mode == "align_corners") {
    Value last = arith::MaximumFOp::create(b, l, f.sub(to, f.constant(1)), f.constant(1));
    return f.div(f.mul(x, f.sub(from, f.constant(1))), last);
  }
  return node.emitError("coordinate_transformation_mode '") << mode << "' is not supported";
}

/// The elements of one axis that a result is made of, with their weights.
struct Tap {
  Value index, weight; ///< a null weight is 1
};

FailureOr<SmallVector<Tap>> taps(NodeOp node, Lowering &lower, OpBuilder &b, Location l, const ResizedAxis &axis, Value i) {
  auto place = coordinate(node, lower, b, l, axis, i);
  if (failed(place))
    return failure();
  Floats f{b, l};
  Value x = *place, size = lower.size(b, l, axis.from);
  auto clamped = [&](Value whole, int64_t offset) -> Value {
    Value index = toIndex(b, l, castElement(b, l, whole, b.getF32Type(), b.getI64Type()));
    if (offset)
      index = arith::AddIOp::create(b, l, index, constantIndex(b, l, offset));
    Value last = arith::SubIOp::create(b, l, size, constantIndex(b, l, 1));
    return arith::MaxSIOp::create(b, l, arith::MinSIOp::create(b, l, index, last), constantIndex(b, l, 0));
  };
  StringRef mode = node.getString("mode", "nearest");
  if (mode == "nearest") {
    StringRef rounding = node.getSince() < 11 ? StringRef("floor") : node.getString("nearest_mode", "round_prefer_floor");
    Value half = f.constant(0.5), whole;
    if (rounding == "floor")
      whole = math::FloorOp::create(b, l, x);
    else if (rounding == "ceil")
      whole = math::CeilOp::create(b, l, x);
    else if (rounding == "round_prefer_floor")
      whole = math::CeilOp::create(b, l, f.sub(x, half));
    else if (rounding == "round_prefer_ceil")
      whole = math::FloorOp::create(b, l, f.add(x, half));
    else
      return node.emitError("nearest_mode '") << rounding << "' is not supported";
    return SmallVector<Tap>{{clamped(whole, 0), {}}};
  }
  if (mode == "linear") {
    Value last = fromIndex(b, l, arith::SubIOp::create(b, l, size, constantIndex(b, l, 1)), b.getF32Type());
    x = arith::MinimumFOp::create(b, l, arith::MaximumFOp::create(b, l, x, f.constant(0)), last);
    Value whole = math::FloorOp::create(b, l, x), part = f.sub(x, whole);
    return SmallVector<Tap>{{clamped(whole, 0), f.sub(f.constant(1), part)}, {clamped(whole, 1), part}};
  }
  if (mode != "cubic")
    return node.emitError("mode '") << mode << "' is not supported";
  double a = node.getFloat("cubic_coeff_a", -0.75);
  Value whole = math::FloorOp::create(b, l, x), s = f.sub(x, whole);
  // Keys' kernel: one polynomial up to a distance of 1, another up to 2.
  auto near = [&](Value d) { return f.add(f.mul(f.mul(f.sub(f.mul(f.constant(a + 2), d), f.constant(a + 3)), d), d), f.constant(1)); };
  auto far = [&](Value d) {
    Value y = f.add(f.mul(f.sub(f.mul(f.constant(a), d), f.constant(5 * a)), d), f.constant(8 * a));
    return f.sub(f.mul(y, d), f.constant(4 * a));
  };
  Value one = f.constant(1), rest = f.sub(one, s);
  return SmallVector<Tap>{{clamped(whole, -1), far(f.add(s, one))}, {clamped(whole, 0), near(s)}, {clamped(whole, 1), near(rest)}, {clamped(whole, 2), far(f.add(rest, one))}};
}

LogicalResult lowerResize(NodeOp node, Lowering &lower) {
  auto axes = resizedAxes(node, lower.infer);
  if (failed(axes))
    return failure();
  const TensorInfo info = lower.infer[node.getResult(0)];
  bool failedInside = false;
  Type f32 = lower.builder.getF32Type();
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    Floats f{b, l};
    SmallVector<SmallVector<Tap>> all;
    for (const ResizedAxis &axis : *axes) {
      auto t = taps(node, lower, b, l, axis, index[axis.axis]);
      failedInside |= failed(t);
      all.push_back(failed(t) ? SmallVector<Tap>{{constantIndex(b, l, 0), {}}} : *t);
    }
    SmallVector<Value> at(index);
    // The weighted sum along one axis of the sums along those behind it.
    std::function<Value(size_t)> sum = [&](size_t d) -> Value {
      if (d == all.size())
        return lower.read(b, l, node.getInputs()[0], at);
      Value total;
      for (const Tap &tap : all[d]) {
        at[(*axes)[d].axis] = tap.index;
        Value x = sum(d + 1);
        if (!tap.weight)
          return x;
        x = f.mul(castElement(b, l, x, x.getType() == f32 ? f32 : info.element, f32), tap.weight);
        total = total ? f.add(total, x) : x;
      }
      return total;
    };
    Value y = sum(0);
    return y.getType() == signless(info.element) ? y : castElement(b, l, y, f32, info.element);
  }));
  return failure(failedInside);
}

LogicalResult inferGridSample(NodeOp node, Inference &infer) {
  const TensorInfo x = infer[node.getInputs()[0]], grid = infer[node.getInputs()[1]];
  if (x.rank() != 4 || grid.rank() != 4 || !infer.symbols.resolve(grid.shape[3]).is(2))
    return node.emitError("GridSample is supported for images [N, C, H, W] and grids [N, H, W, 2]");
  if (failed(infer.unify(node, x.shape[0], grid.shape[0], "batch sizes of image and grid")))
    return failure();
  infer.set(node.getResult(0), {x.element, {x.shape[0], x.shape[1], grid.shape[1], grid.shape[2]}, {}});
  return success();
}

LogicalResult lowerGridSample(NodeOp node, Lowering &lower) {
  StringRef mode = node.getString("mode", "linear"), padding = node.getString("padding_mode", "zeros");
  bool nearest = mode == "nearest", border = padding == "border", corners = node.getInt("align_corners", 0);
  if (!nearest && mode != "linear" && mode != "bilinear")
    return node.emitError("mode '") << mode << "' is not supported";
  if (!border && padding != "zeros")
    return node.emitError("padding_mode '") << padding << "' is not supported";
  Value image = node.getInputs()[0], grid = node.getInputs()[1];
  const TensorInfo info = lower.infer[node.getResult(0)], x = lower.infer[image];
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
    Floats f{b, l};
    Type f32 = b.getF32Type(), i64 = b.getI64Type();
    // Height, then width: the elements that surround the place, whether they exist, and their weights.
    struct Side {
      Value index[2], inside[2], weight[2];
    } sides[2];
    for (unsigned d = 0; d < 2; ++d) {
      Value size = lower.size(b, l, x.shape[d + 2]), extent = fromIndex(b, l, size, f32), one = f.constant(1), two = f.constant(2);
      Value place = lower.read(b, l, grid, ValueRange{i[0], i[2], i[3], constantIndex(b, l, 1 - d)});
      place = f.add(castElement(b, l, place, lower.infer[grid].element, f32), one);
      place = corners ? f.mul(f.div(place, two), f.sub(extent, one)) : f.div(f.sub(f.mul(place, extent), one), two);
      if (border)
        place = arith::MinimumFOp::create(b, l, arith::MaximumFOp::create(b, l, place, f.constant(0)), f.sub(extent, one));
      // Far outside is as good as just outside, and fits an integer.
      place = arith::MinimumFOp::create(b, l, arith::MaximumFOp::create(b, l, place, f.constant(-4)), f.add(extent, f.constant(4)));
      Value whole = nearest ? math::RoundEvenOp::create(b, l, place).getResult() : math::FloorOp::create(b, l, place).getResult();
      Value first = toIndex(b, l, castElement(b, l, whole, f32, i64)), part = f.sub(place, whole);
      for (unsigned side = 0; side < 2; ++side) {
        Value at = arith::AddIOp::create(b, l, first, constantIndex(b, l, side)), last = arith::SubIOp::create(b, l, size, constantIndex(b, l, 1));
        sides[d].inside[side] = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ult, at, size); // negative indices are large unsigned ones
        sides[d].index[side] = arith::MaxSIOp::create(b, l, arith::MinSIOp::create(b, l, at, last), constantIndex(b, l, 0));
        sides[d].weight[side] = side ? part : f.sub(one, part);
      }
    }
    Value total, zero = f.constant(0);
    for (unsigned tap = 0; tap < (nearest ? 1u : 4u); ++tap) {
      unsigned v = tap / 2, h = tap % 2;
      Value y = castElement(b, l, lower.read(b, l, image, ValueRange{i[0], i[1], sides[0].index[v], sides[1].index[h]}), info.element, f32);
      if (!nearest)
        y = f.mul(y, f.mul(sides[0].weight[v], sides[1].weight[h]));
      y = arith::SelectOp::create(b, l, arith::AndIOp::create(b, l, sides[0].inside[v], sides[1].inside[h]), y, zero);
      total = total ? f.add(total, y) : y;
    }
    return castElement(b, l, total, f32, info.element);
  }));
  return success();
}

struct Pads {
  SmallVector<SymExpr, 4> before, after;
};

FailureOr<Pads> readPads(NodeOp node, Inference &infer) {
  int64_t rank = infer[node.getInputs()[0]].rank();
  SmallVector<SymExpr, 4> given;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (node.getSince() < 11) {
    for (int64_t p : node.getInts("pads").value_or(ArrayRef<int64_t>()))
      given.push_back(p);
  } else {
    auto known = infer.elements(node, 1, "the pads of a Pad");
    if (failed(known))
      return failure();
    given = *known;
    if (node.getInputOrNull(3)) {
      auto listed = infer.integers(node, 3, "the axes of a Pad");
      if (failed(listed))
        return failure();
      axes = *listed;
    }
  }
  if (given.size() != 2 * axes.size())
    return node.emitError("expected two pads an axis, but got ") << given.size();
  Pads pads{SmallVector<SymExpr, 4>(rank, SymExpr(0)), SmallVector<SymExpr, 4>(rank, SymExpr(0))};
  for (auto [i, axis] : llvm::enumerate(axes)) {
    auto normal = normalizeAxis(node, axis, rank);
    if (failed(normal))
      return failure();
    pads.before[*normal] = given[i];
    pads.after[*normal] = given[i + axes.size()];
  }
  return pads;
}

LogicalResult inferPad(NodeOp node, Inference &infer) {
  auto pads = readPads(node, infer);
  if (failed(pads))
    return failure();
  TensorInfo info = infer[node.getInputs()[0]];
  info.elements.reset();
  for (int64_t d = 0; d < info.rank(); ++d) {
    info.shape[d] = infer.symbols.resolve(info.shape[d] + pads->before[d] + pads->after[d]);
    if (infer.symbols.bounds(info.shape[d]).hi < 0)
      return node.emitError("expected pads that leave something of axis ") << d;
  }
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult lowerPad(NodeOp node, Lowering &lower) {
  auto pads = readPads(node, lower.infer);
  if (failed(pads))
    return failure();
  const TensorInfo input = lower.infer[node.getInputs()[0]], info = lower.infer[node.getResult(0)];
  StringRef mode = node.getString("mode", "constant");
  if (!llvm::is_contained({"constant", "edge", "reflect", "wrap"}, mode))
    return node.emitError("mode '") << mode << "' is not supported";
  Value fill = node.getSince() < 11 ? Value() : node.getInputOrNull(2);
  double number = node.getSince() < 11 ? node.getFloat("value", 0) : 0;
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    SmallVector<Value> at(index);
    Value inside, zero = constantIndex(b, l, 0);
    for (int64_t d = 0; d < info.rank(); ++d) {
      if (pads->before[d].is(0) && pads->after[d].is(0))
        continue;
      Value size = lower.size(b, l, input.shape[d]), last = arith::SubIOp::create(b, l, size, constantIndex(b, l, 1));
      Value i = arith::SubIOp::create(b, l, index[d], lower.size(b, l, pads->before[d]));
      if (mode == "reflect") {
        // |i|, then as far from the last element on its other side.
        i = arith::MaxSIOp::create(b, l, i, arith::SubIOp::create(b, l, zero, i));
        Value over = arith::SubIOp::create(b, l, i, last);
        i = arith::SubIOp::create(b, l, last, arith::MaxSIOp::create(b, l, over, arith::SubIOp::create(b, l, zero, over)));
      } else if (mode == "wrap") {
        Value low = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, i, zero), high = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sgt, i, last);
        i = arith::SelectOp::create(b, l, low, arith::AddIOp::create(b, l, i, size), i);
        i = arith::SelectOp::create(b, l, high, arith::SubIOp::create(b, l, i, size), i);
      } else if (mode == "constant") {
        Value ok = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ult, i, size); // negative indices are large unsigned ones
        inside = inside ? arith::AndIOp::create(b, l, inside, ok).getResult() : ok;
      }
      at[d] = arith::MaxSIOp::create(b, l, arith::MinSIOp::create(b, l, i, last), zero);
    }
    if (!inside)
      return lower.read(b, l, node.getInputs()[0], at);
    // Not read where it is not inside: the input may be empty.
    auto choice = scf::IfOp::create(b, l, TypeRange{signless(info.element)}, inside, /*withElse=*/true);
    OpBuilder then = choice.getThenBodyBuilder(), otherwise = choice.getElseBodyBuilder();
    scf::YieldOp::create(then, l, lower.read(then, l, node.getInputs()[0], at));
    scf::YieldOp::create(otherwise, l, fill ? lower.read(otherwise, l, fill, SmallVector<Value>(lower.infer[fill].rank(), zero))
                                            : constant(otherwise, l, signless(info.element), number));
    return choice.getResult(0);
  }));
  return success();
}

} // namespace

void sinter::raise::addResamplingRules(RuleTable &table) {
  table.add("", "Resize", {inferResize, lowerResize});
  table.add("", "GridSample", {inferGridSample, lowerGridSample});
  table.add("", "Pad", {inferPad, lowerPad});
}
