//===- Pooling.cpp - sliding windows and what pools make of them --------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Rules/Windows.h"

using namespace mlir;
using sinter::onnx::NodeOp;

namespace sinter::raise {

FailureOr<Windows> slideWindows(NodeOp node, Inference &infer, ArrayRef<SymExpr> input, ArrayRef<int64_t> kernel) {
  Windows w;
  int64_t dims = input.size();
  w.kernel.assign(kernel.begin(), kernel.end());
  // Small enough for products of two, which sizes are made of.
  constexpr int64_t kMost = int64_t(1) << 24;
  SmallVector<int64_t> pads;
  auto read = [&](StringRef name, SmallVectorImpl<int64_t> &out, int64_t count, int64_t least, int64_t fill) -> LogicalResult {
    auto given = node.getInts(name);
    out.assign(count, fill);
    if (given && int64_t(given->size()) != count)
      return node.emitError("expected ") << count << " " << name << ", but got " << given->size();
    if (given)
      out.assign(given->begin(), given->end());
    if (llvm::any_of(out, [&](int64_t v) { return v < least || v > kMost; }))
      return node.emitError("expected ") << name << " of at least " << least << " and at most " << kMost;
    return success();
  };
  int64_t positions = 1;
  for (int64_t k : kernel) {
    if (k < 1 || k > kMost / positions)
      return node.emitError("expected a kernel of at least 1 and at most ") << kMost << " positions";
    positions *= k;
  }
  if (failed(read("strides", w.stride, dims, 1, 1)) || failed(read("dilations", w.dilation, dims, 1, 1)) || failed(read("pads", pads, 2 * dims, 0, 0)))
    return failure();
  w.before.assign(pads.begin(), pads.begin() + dims);
  w.after.assign(pads.begin() + dims, pads.end());
  StringRef automatic = node.getString("auto_pad", "NOTSET");
  bool ceil = node.getInt("ceil_mode", 0);
  for (int64_t d = 0; d < dims; ++d) {
    int64_t extent = (w.kernel[d] - 1) * w.dilation[d] + 1;
    SymExpr in = infer.symbols.resolve(input[d]);
    w.input.push_back(in);
    auto size = in.constant();
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      if (!size)
        return node.emitError("auto_pad of a size that is known only at run time is not supported");
      int64_t out = llvm::divideCeil(*size, w.stride[d]), total = std::max<int64_t>(0, (out - 1) * w.stride[d] + extent - *size);
      w.before[d] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.after[d] = total - w.before[d];
    } else if (automatic == "VALID") {
      w.before[d] = w.after[d] = 0;
    }
    SymExpr room = in + (w.before[d] + w.after[d] - extent);
    if (infer.symbols.bounds(room).hi < 0)
      return node.emitError("the kernel is larger than the padded input");
    if (!ceil) {
      w.shape.push_back(infer.symbols.floorDiv(room, w.stride[d]) + 1);
      continue;
    }
    // The last window begins in front of the padding's end wherever a window is as long as a step and that padding.
    if (w.stride[d] + w.after[d] <= extent) {
      w.shape.push_back(infer.symbols.ceilDiv(room, w.stride[d]) + 1);
      w.clipped = true;
      continue;
    }
    if (!size)
      return node.emitError("ceil_mode of a size that is known only at run time is not supported");
    int64_t left = *size + w.before[d] + w.after[d] - extent, out = llvm::divideCeil(left, w.stride[d]) + 1;
    // A window must begin in the input or in front of it.
    if ((out - 1) * w.stride[d] >= *size + w.before[d])
      --out;
    w.clipped |= left % w.stride[d] != 0;
    w.shape.push_back(out);
  }
  return w;
}

SmallVector<Value> windowIndex(Lowering &lower, OpBuilder &b, Location l, const Windows &w, ValueRange out, Value &k, Value &inside) {
  SmallVector<Value> at(w.dims());
  for (int64_t d = w.dims() - 1; d >= 0; --d) {
    Value kernel = constantIndex(b, l, w.kernel[d]);
    Value position = arith::RemUIOp::create(b, l, k, kernel);
    k = arith::DivUIOp::create(b, l, k, kernel);
    Value i = arith::AddIOp::create(b, l, arith::MulIOp::create(b, l, out[d], constantIndex(b, l, w.stride[d])),
                                    arith::MulIOp::create(b, l, position, constantIndex(b, l, w.dilation[d])));
    if (w.before[d] || w.after[d] || w.clipped) {
      i = arith::SubIOp::create(b, l, i, constantIndex(b, l, w.before[d]));
      Value size = lower.size(b, l, w.input[d]);
      Value ok = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ult, i, size); // negative indices are large unsigned ones
      inside = inside ? arith::AndIOp::create(b, l, inside, ok).getResult() : ok;
      Value last = arith::SubIOp::create(b, l, size, constantIndex(b, l, 1));
      i = arith::MaxSIOp::create(b, l, arith::MinSIOp::create(b, l, i, last), constantIndex(b, l, 0));
    }
    at[d] = i;
  }
  return at;
}

namespace {

FailureOr<Windows> poolWindows(NodeOp node, Inference &infer) {
  const TensorInfo x = infer[node.getInputs()[0]];
  auto kernel = node.getInts("kernel_shape");
  if (x.rank() < 3 || !kernel || int64_t(kernel->size()) != x.rank() - 2)
    return node.emitError("expected an input of rank 3 or more and a kernel size for each spatial axis");
  return slideWindows(node, infer, ArrayRef(x.shape).drop_front(2), *kernel);
}

LogicalResult inferPool(NodeOp node, Inference &infer) {
  auto w = poolWindows(node, infer);
  if (failed(w))
    return failure();
  TensorInfo info = infer[node.getInputs()[0]];
  info.elements.reset();
  info.shape.resize(2);
  llvm::append_range(info.shape, w->shape);
  infer.set(node.getResult(0), info);
  if (node.getNumResults() > 1)
    infer.set(node.getResult(1), {Builder(node.getContext()).getI64Type(), info.shape, {}});
  return success();
}

LogicalResult lowerPool(NodeOp node, Lowering &lower) {
  auto w = poolWindows(node, lower.infer);
  if (failed(w))
    return failure();
  if (node.hasUsedOutput(1))
    return node.emitError("the indices of a MaxPool are not supported");
  bool average = node.isOp("AveragePool"), padded = node.getInt("count_include_pad", 0);
  if (average && llvm::any_of(w->dilation, [](int64_t d) { return d != 1; }))
    return node.emitError("an AveragePool with dilations is not supported");
  const TensorInfo info = lower.infer[node.getResult(0)];
  Location loc = node.getLoc();
  Type element = info.element;
  if (average && !isa<FloatType>(element))
    return node.emitError("expected floats");
  // Narrow integers are compared as i32, which has no two readings of a sign bit.
  Type wide = isa<IntegerType>(element) && element.getIntOrFloatBitWidth() < 32 ? Type(lower.builder.getI32Type()) : signless(element);
  double fill = average ? 0 : isa<FloatType>(element) ? -std::numeric_limits<double>::infinity() : isUnsigned(element) ? 0 : -std::exp2(element.getIntOrFloatBitWidth() - 1);
  Shape shape = info.shape;
  shape.push_back(w->positions());
  Value windows = lower.generate(loc, shape, wide, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
    Value k = index.back(), inside;
    SmallVector<Value> at{index[0], index[1]};
    llvm::append_range(at, windowIndex(lower, b, l, *w, index.drop_front(2).drop_back(), k, inside));
    Value x = castElement(b, l, lower.read(b, l, node.getInputs()[0], at), element, wide);
    return inside ? arith::SelectOp::create(b, l, inside, x, constant(b, l, wide, fill)).getResult() : x;
  });
  Value y = sinter::graph::ReduceOp::create(lower.builder, loc, lower.type(info.shape, wide), windows, average ? "add" : "max",
                                            SmallVector<int64_t>{info.rank()}, false);
  if (average)
    y = lower.generate(loc, info.shape, element, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
      // Positions of the window that count: those inside of the input, or of the padded one.
      Value count = constantIndex(b, l, 1);
      for (int64_t d = 0; d < w->dims(); ++d) {
        Value start = arith::SubIOp::create(b, l, arith::MulIOp::create(b, l, index[d + 2], constantIndex(b, l, w->stride[d])), constantIndex(b, l, w->before[d]));
        Value end = arith::AddIOp::create(b, l, start, constantIndex(b, l, w->kernel[d]));
        Value size = lower.size(b, l, padded ? w->input[d] + w->after[d] : w->input[d]);
        end = arith::MinSIOp::create(b, l, end, size);
        if (!padded)
          start = arith::MaxSIOp::create(b, l, start, constantIndex(b, l, 0));
        count = arith::MulIOp::create(b, l, count, arith::SubIOp::create(b, l, end, start));
      }
      return arith::DivFOp::create(b, l, tensor::ExtractOp::create(b, l, y, index), fromIndex(b, l, count, element));
    });
  if (wide != signless(element))
    y = lower.generate(loc, info.shape, element, [&](OpBuilder &b, Location l, ValueRange index) {
      return castElement(b, l, tensor::ExtractOp::create(b, l, y, index), wide, element);
    });
  lower.map(node.getResult(0), y);
  return success();
}

} // namespace

void addPoolingRules(RuleTable &table) {
  table.add("", "MaxPool", {inferPool, lowerPool});
  table.add("", "AveragePool", {inferPool, lowerPool});
}

} // namespace sinter::raise
