//===- FormLinear.cpp - kernels of linears and embeddings ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/Former.h"
#include "dialects/Kern/Panel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace sinter::fuse {

using graph::SymExpr;

SmallVector<Value> Former::rowIndex(KernelBuilder &k, OpBuilder &b, Location l, ArrayRef<SymExpr> shape, Value row, Value column) {
  SmallVector<Value> index(shape.size());
  index.back() = column;
  int64_t first = 0;
  while (first + 1 < int64_t(shape.size()) && symbols.resolve(shape[first]).is(1))
    index[first++] = k.scalar(0);
  for (int64_t d = int64_t(shape.size()) - 2; d >= first; --d) {
    if (d == first) {
      index[d] = row;
      break;
    }
    Value extent = k.scalar(shape[d]);
    index[d] = arith::RemUIOp::create(b, l, row, extent);
    row = arith::DivUIOp::create(b, l, row, extent);
  }
  return index;
}

SymExpr Former::rows(Value tensor) {
  SymExpr n = 1;
  for (const SymExpr &d : shapes.of(tensor).drop_back())
    n = n * d;
  return n;
}

FailureOr<Value> Former::inputBuffer(Operation *op, Value tensor) {
  while (auto view = tensor.getDefiningOp<tensor::ReshapeOp>()) {
    if (placement.storage.contains(tensor))
      break;
    tensor = view.getSource();
  }
  auto it = placement.storage.find(tensor);
  if (it != placement.storage.end() && !it->second.cache)
    return it->second.buffer;
  // Computed elsewhere, or in a cache's layout: copy it.
  Value memory = buffer(op->getLoc(), elementOf(tensor), shapes.elements(tensor));
  copyTo(op->getLoc(), memory, tensor);
  if (!placement.storage.contains(tensor))
    placement.storage[tensor] = {memory, {}, {}};
  return memory;
}

FailureOr<Value> Former::quantizedInput(graph::LinearOp op, Value input, const SymExpr &m) {
  qt::QuantTensorType weight = op.getWeight().getType();
  qt::ActivationAttr activation = *op.getActivation();
  SmallVector<Value> params;
  for (Value param : op.getParams()) {
    auto memory = inputBuffer(op, param);
    if (failed(memory))
      return failure();
    params.push_back(*memory);
  }
  int64_t columns = weight.getColumns(), group = weight.getFields().group;
  for (const QuantizedRows &known : quantized)
    if (known.input == input && known.params == params && known.activation == activation && known.columns == columns && known.group == group)
      return known.memory;
  kern::ActivationLayout layout(weight, activation);
  // Bytes are linear in the rows; what alignment adds is bounded.
  graph::Bounds bounds = symbols.bounds(m);
  Value bytes = layout.buildBytes(main, op.getLoc(), symbols.materialize(main, op.getLoc(), m));
  Value memory = kern::BufferOp::create(main, op.getLoc(), MemRefType::get({ShapedType::kDynamic}, main.getI8Type()), bytes,
                                        uint64_t(layout.bytes(bounds.hi)), IntegerAttr());
  quantized.push_back({input, params, activation, columns, group, memory});
  SmallVector<SymExpr> inputShape{m, SymExpr(columns)}, paramShape{SymExpr(1)};
  if (activation.getGranularity() == qt::Granularity::tensor && activation.getScale() == qt::ScaleSource::Dynamic) {
    SymExpr blocks = symbols.ceilDiv(m, kern::kRangeRows);
    Value range = buffer(op.getLoc(), main.getF32Type(), blocks * 2);
    KernelBuilder k = kernel(op, "row_range");
    paramShape = {blocks, SymExpr(2)};
    kern::RowRangeOp::create(k.b, k.loc, k.begin(), k.end(), k.scalar(m), k.view(input, inputShape), k.view(range, paramShape, true));
    k.finish(main, kernels, nameOf(op.getLoc()));
    params.push_back(range);
  }
  KernelBuilder k = kernel(op, "quantize_rows");
  SmallVector<Value> paramViews;
  for (Value param : params)
    paramViews.push_back(k.view(param, paramShape));
  Value rowsScalar = k.scalar(m), in = k.view(input, inputShape), out = k.operand(memory, true);
  kern::QuantizeRowsOp::create(k.b, k.loc, k.begin(), k.end(), rowsScalar, in, paramViews, out, TypeAttr::get(weight), activation,
                               kern::LinearStrategyAttr());
  k.finish(main, kernels, nameOf(op.getLoc()));
  return memory;
}

LogicalResult Former::formOp(graph::LinearOp op, Target target) {
  auto input = inputBuffer(op, op.getInput());
  if (failed(input))
    return failure();
  SymExpr m = rows(op.getInput());
  qt::QuantTensorType weight = op.getWeight().getType();
  qt::ActivationAttr activation = op.getActivation().value_or(qt::ActivationAttr());
  Value source = *input;
  if (activation) {
    auto packed = quantizedInput(op, *input, m);
    if (failed(packed))
      return failure();
    source = *packed;
  }
  kern::PanelAttr panel = kern::choosePanel(weight, activation);
  KernelBuilder k = kernel(op, "linear");
  SmallVector<SymExpr> inShape{m, SymExpr(weight.getColumns())}, outShape{m, SymExpr(weight.getRows())};
  Value a = activation ? k.operand(source) : k.view(source, inShape);
  SmallVector<Operation *> linears{op};
  llvm::append_range(linears, plan.joined.lookup(op));
  SmallVector<Value> weights;
  for (Operation *linear : linears)
    weights.push_back(k.operand(cast<graph::LinearOp>(linear).getWeight()));
  Value memory = bufferFor(target.tensor), out = k.view(memory, outShape, true), rowCount = k.scalar(m);
  SmallVector<SymExpr> shape(shapes.of(op.getResult()));
  kern::LinearOp::create(k.b, k.loc, k.begin(), k.end(), rowCount, a, weights, ValueRange(out), k.scratch(), weight, panel, activation,
                         kern::LinearStrategyAttr(), [&](OpBuilder &b, Location l, ValueRange args) {
                           SmallVector<Value> index;
                           if (target.behind)
                             index = rowIndex(k, b, l, shape, args[args.size() - 2], args.back());
                           for (auto [linear, sum] : llvm::zip(linears, args))
                             k.substitute(linear->getResult(0), sum);
                           yieldBehind(k, target, op.getResult(), b, l, args[0], index);
                         });
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

LogicalResult Former::formOp(graph::EmbeddingOp op, Target target) {
  auto ids = inputBuffer(op, op.getIds());
  if (failed(ids))
    return failure();
  qt::QuantTensorType weight = op.getWeight().getType();
  KernelBuilder k = kernel(op, "gather_rows");
  SymExpr m = shapes.elements(op.getIds());
  SmallVector<SymExpr> idShape{m}, outShape{m, SymExpr(weight.getColumns())};
  Value memory = bufferFor(target.tensor);
  Value idView = k.view(*ids, idShape), out = k.view(memory, outShape, true), w = k.operand(op.getWeight()), rowCount = k.scalar(m);
  kern::GatherRowsOp::create(k.b, k.loc, k.begin(), k.end(), rowCount, idView, w, out, TypeAttr::get(weight), kern::choosePanel(weight, {}));
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

} // namespace sinter::fuse
