//===- FormGeneric.cpp - kernels of element-wise work and loops ----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/Former.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace sinter::fuse {

using graph::SymExpr;

/// A region that reads a tensor at its own index.
static auto pullRegion(KernelBuilder &k, Value tensor) {
  return [&k, tensor](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, tensor, index)); };
}

Value Former::buffer(Location loc, Type element, const SymExpr &elements) {
  graph::Bounds bounds = symbols.bounds(elements);
  return kern::BufferOp::create(main, loc, MemRefType::get({ShapedType::kDynamic}, element), symbols.materialize(main, loc, elements),
                                uint64_t(bounds.hi), IntegerAttr());
}

void Former::yieldBehind(KernelBuilder &k, const Target &target, Value root, OpBuilder &b, Location l, Value x, ValueRange index) {
  if (target.behind) {
    k.substitute(root, x);
    x = pullGenerate(k, b, target.behind, index);
    k.clearSubstitutions();
  }
  kern::YieldOp::create(b, l, x);
}

Value Former::pullGenerate(KernelBuilder &k, OpBuilder &b, tensor::GenerateOp generate, ValueRange index) {
  Storage own = placement.storage.lookup(generate.getResult());
  placement.storage.erase(generate.getResult());
  Value x = k.pull(b, generate.getResult(), index);
  placement.storage[generate.getResult()] = own;
  return x;
}

LogicalResult Former::formGenerate(tensor::GenerateOp generate) {
  Value result = generate.getResult();
  KernelBuilder k = kernel(generate, "generate");
  ArrayRef<SymExpr> shape = shapes.of(result);
  Value memory = bufferFor(result), out = k.view(memory, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(shape);
  kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, out, [&](OpBuilder &b, Location l, ValueRange index) {
    kern::YieldOp::create(b, l, pullGenerate(k, b, generate, index));
  });
  k.finish(main, kernels, nameOf(generate.getLoc()));
  return success();
}

std::optional<int64_t> Former::rowBound(Value tensor) {
  SymExpr width = symbols.resolve(shapes.of(tensor).back());
  if (width.constant())
    return std::nullopt;
  return symbols.bounds(width).hi;
}

LogicalResult Former::formOp(graph::NormOp op, Target target) {
  KernelBuilder k = kernel(op, "norm");
  SmallVector<SymExpr> shape(shapes.of(op.getResult()));
  Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(shape);
  kern::NormOp::create(
      k.b, k.loc, op.getKind() == "rms" ? kern::NormKind::RMS : kern::NormKind::Layer, k.begin(), k.end(), extents, op.getEpsilon().convertToFloat(),
      ValueRange(out), k.scratch(), rowBound(op.getResult()), pullRegion(k, op.getInput()),
      [&](OpBuilder &b, Location l, ValueRange args) { yieldBehind(k, target, op.getResult(), b, l, args[0], args.drop_front(2)); });
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

LogicalResult Former::formOp(graph::SoftmaxOp op, Target target) {
  KernelBuilder k = kernel(op, "softmax");
  SmallVector<SymExpr> shape(shapes.of(op.getResult()));
  Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(shape);
  kern::SoftmaxOp::create(
      k.b, k.loc, op.getLog(), k.begin(), k.end(), extents, ValueRange(out), k.scratch(), rowBound(op.getResult()), pullRegion(k, op.getInput()),
      [&](OpBuilder &b, Location l, ValueRange args) { yieldBehind(k, target, op.getResult(), b, l, args[0], args.drop_front(1)); });
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

LogicalResult Former::formOp(graph::ReduceOp op, Target target) {
  Type element = elementOf(op.getInput());
  auto kind = llvm::StringSwitch<std::optional<kern::ReduceKind>>(op.getKind())
                  .Case("add", kern::ReduceKind::Add)
                  .Case("mul", kern::ReduceKind::Mul)
                  .Case("max", kern::ReduceKind::Max)
                  .Case("min", kern::ReduceKind::Min)
                  .Case("argmax", op.getLast() ? kern::ReduceKind::ArgMaxLast : kern::ReduceKind::ArgMax)
                  .Case("argmin", op.getLast() ? kern::ReduceKind::ArgMinLast : kern::ReduceKind::ArgMin)
                  .Default(std::nullopt);
  if (!kind)
    return op.emitError("unknown reduction '") << op.getKind() << "'";
  bool argument = op.getKind().starts_with("arg");
  KernelBuilder k = kernel(op, "reduce");
  SmallVector<SymExpr> input(shapes.of(op.getInput())), shape, over;
  for (auto [d, size] : llvm::enumerate(input))
    (llvm::is_contained(op.getAxes(), int64_t(d)) ? over : shape).push_back(size);
  Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(shape), reduced = k.sizes(over);
  // f16 sums are kept in f32.
  Type wide = isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32 ? Type(main.getF32Type()) : element;
  kern::ReduceOp::create(
      k.b, k.loc, k.begin(), k.end(), extents, reduced, *kind, ValueRange(out),
      [&](OpBuilder &b, Location l, ValueRange args) {
        SmallVector<Value> index(input.size());
        unsigned outer = 0, inner = shape.size();
        for (size_t d = 0; d < input.size(); ++d)
          index[d] = args[llvm::is_contained(op.getAxes(), int64_t(d)) ? inner++ : outer++];
        Value x = k.pull(b, op.getInput(), index);
        if (wide != element)
          x = arith::ExtFOp::create(b, l, wide, x);
        kern::YieldOp::create(b, l, x);
      },
      [&](OpBuilder &b, Location l, ValueRange args) {
        Value x = args[0];
        if (wide != element && !argument)
          x = arith::TruncFOp::create(b, l, element, x);
        yieldBehind(k, target, op.getResult(), b, l, x, args.drop_front(1));
      });
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

LogicalResult Former::formOp(graph::MatMulOp op, Target target) {
  KernelBuilder k = kernel(op, "matmul");
  SmallVector<SymExpr> shape(shapes.of(op.getResult()));
  SymExpr depth = shapes.of(op.getA()).back();
  Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(shape);
  std::optional<int64_t> bound;
  if (!symbols.resolve(depth).constant())
    bound = symbols.bounds(depth).hi;
  kern::MatMulOp::create(
      k.b, k.loc, k.begin(), k.end(), extents, k.size(depth), elementOf(op.getResult()), ValueRange(out), k.scratch(), bound,
      pullRegion(k, op.getA()), pullRegion(k, op.getB()),
      [&](OpBuilder &b, Location l, ValueRange args) { yieldBehind(k, target, op.getResult(), b, l, args[0], args.drop_front(1)); });
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

LogicalResult Former::formOp(graph::ScanOp op, Target target) {
  KernelBuilder k = kernel(op, "scan");
  SmallVector<SymExpr> shape(shapes.of(op.getResult()));
  Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(shape);
  kern::ScanOp::create(k.b, k.loc, kern::ReduceKind::Add, k.begin(), k.end(), extents, op.getAxis(), op.getExclusive(), op.getReverse(), out,
                       pullRegion(k, op.getInput()));
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

LogicalResult Former::formOp(graph::ScatterOp op, Target target) {
  Type element = elementOf(op.getResult());
  auto kind = llvm::StringSwitch<std::optional<kern::ReduceKind>>(op.getCombine().value_or(""))
                  .Case("add", kern::ReduceKind::Add)
                  .Case("mul", kern::ReduceKind::Mul)
                  .Case("max", kern::ReduceKind::Max)
                  .Case("min", kern::ReduceKind::Min)
                  .Default(std::nullopt);
  if (op.getCombine() && !kind)
    return op.emitError("unknown combination '") << *op.getCombine() << "'";
  SmallVector<SymExpr> base(shapes.of(op.getBase())), indices(shapes.of(op.getIndices())), updates(shapes.of(op.getUpdates()));
  int64_t named = *symbols.resolve(indices.back()).constant(), lead = indices.size() - 1;
  Value memory = buffer(op.getLoc(), element, shapes.elements(op.getBase()));
  copyTo(op.getLoc(), memory, op.getBase());
  placement.storage[target.tensor] = {memory, {}, {}};
  KernelBuilder k = kernel(op, "scatter");
  Value out = k.view(memory, base, true);
  SmallVector<OpFoldResult> extents = k.sizes(updates);
  kern::ScatterOp::create(k.b, k.loc, kind, k.begin(), k.end(), extents, out, [&](OpBuilder &b, Location l, ValueRange index) {
    SmallVector<Value> yields, at(index.take_front(lead));
    at.push_back({});
    for (int64_t d = 0; d < named; ++d) {
      at.back() = arith::ConstantIndexOp::create(b, l, d);
      // What comes from outside must not write out of bounds.
      Value i = arith::IndexCastOp::create(b, l, b.getIndexType(), k.pull(b, op.getIndices(), at)), size = k.scalar(base[d]);
      Value zero = arith::ConstantIndexOp::create(b, l, 0), last = arith::SubIOp::create(b, l, size, arith::ConstantIndexOp::create(b, l, 1));
      Value negative = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, i, zero);
      i = arith::SelectOp::create(b, l, negative, arith::AddIOp::create(b, l, i, size), i);
      yields.push_back(arith::MaxSIOp::create(b, l, arith::MinSIOp::create(b, l, i, last), zero));
    }
    llvm::append_range(yields, index.drop_front(lead));
    yields.push_back(k.pull(b, op.getUpdates(), index));
    kern::YieldOp::create(b, l, yields);
  });
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

LogicalResult Former::formOp(graph::TopKOp op, Target) {
  KernelBuilder k = kernel(op, "topk");
  SmallVector<SymExpr> input(shapes.of(op.getInput())), shape(shapes.of(op.getValues()));
  Value values = bufferFor(op.getValues()), indices = bufferFor(op.getIndices());
  Value valueView = k.view(values, shape, true), indexView = k.view(indices, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(input);
  kern::TopKOp::create(k.b, k.loc, op.getLargest(), k.begin(), k.end(), extents, k.size(shape.back()), valueView, indexView,
                       pullRegion(k, op.getInput()));
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

void Former::copyTo(Location loc, Value memory, Value tensor) {
  KernelBuilder k(moduleBuilder, loc, ("generate_" + Twine(number++)).str(), placement);
  SmallVector<SymExpr> shape(shapes.of(tensor));
  Value out = k.view(memory, shape, true);
  SmallVector<OpFoldResult> extents = k.sizes(shape);
  kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, out, pullRegion(k, tensor));
  k.finish(main, kernels, nameOf(loc));
}

} // namespace sinter::fuse
