//===- FormAttention.cpp - kernels of caches and attention ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/Former.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace sinter::fuse {

using graph::SymExpr;

void Former::append(Operation *op, Value memory, kv::CacheType cache, kv::Part part, Value tensor, const SymExpr &past, std::optional<int64_t> half) {
  KernelBuilder k = kernel(op, "append");
  ArrayRef<SymExpr> shape = shapes.of(tensor).drop_front(half ? 1 : 0);
  Value bytes = k.operand(memory, true), pastValue = k.scalar(past), tokens = k.scalar(shape[2]), sequences = k.scalar(shape[0]);
  Type f32 = main.getF32Type();
  kern::AppendOp::create(k.b, k.loc, k.begin(), k.end(), bytes, pastValue, tokens, sequences, cache, part, [&](OpBuilder &b, Location l, ValueRange index) {
    SmallVector<Value> at(index);
    if (half)
      at.insert(at.begin(), arith::ConstantIndexOp::create(b, l, *half));
    Value x = k.pull(b, tensor, at);
    if (x.getType() != f32)
      x = arith::ExtFOp::create(b, l, f32, x);
    kern::YieldOp::create(b, l, x);
  });
  k.finish(main, kernels, nameOf(op->getLoc()));
}

LogicalResult Former::formOp(graph::AppendOp op, Target) {
  auto type = op->getAttrOfType<TypeAttr>("cache");
  auto part = op->getAttrOfType<kv::PartAttr>("part");
  auto state = op->getAttrOfType<IntegerAttr>("state");
  if (!type || !part || !state)
    return op.emitError("a cache that no attention reads as keys and values is not supported");
  auto cache = cast<kv::CacheType>(type.getValue());
  Value memory = kern::StateOp::create(main, op.getLoc(), MemRefType::get({ShapedType::kDynamic}, main.getI8Type()), state.getInt());
  append(op, memory, cache, part.getValue(), op.getUpdate(), shapes.of(op.getPast())[op.getPastAxis()]);
  placement.storage[op.getResult()] = {memory, cache, part.getValue()};
  return success();
}

LogicalResult Former::formOp(graph::AttentionOp op, Target target) {
  SmallVector<SymExpr> q(shapes.of(op.getQuery())), key(shapes.of(op.getKey())), value(shapes.of(op.getValue()));
  SymExpr tokens = q[2], total = key[2];
  auto cache = cast<kv::CacheType>(op->getAttrOfType<TypeAttr>("cache").getValue());
  Value memory;
  if (auto it = placement.storage.find(op.getKey()); it != placement.storage.end() && it->second.cache) {
    memory = it->second.buffer;
  } else {
    SymExpr bytes = q[0] * SymExpr(cache.getSequenceBytes());
    memory = buffer(op.getLoc(), main.getI8Type(), bytes);
    append(op, memory, cache, kv::Part::Key, op.getKey(), 0);
    append(op, memory, cache, kv::Part::Value, op.getValue(), 0);
  }
  int64_t heads = *symbols.resolve(q[1]).constant();
  int64_t partialBytes = kern::attentionPartialBytes(cache, heads, symbols.bounds(q[0]).hi, symbols.bounds(total).hi);
  Value partials = buffer(op.getLoc(), main.getF32Type(), SymExpr((partialBytes + 3) / 4));
  Value out = bufferFor(target.tensor);
  SmallVector<SymExpr> outShape(shapes.of(target.tensor));
  SymExpr past = symbols.resolve(total - tokens);
  {
    KernelBuilder k = kernel(op, "attention");
    Value bytes = k.operand(memory), result = k.view(out, outShape, true), partial = k.operand(partials, true);
    Value sinks = op.getSinks() ? k.view(placement.storage.lookup(op.getSinks()).buffer, shapes.of(op.getSinks())) : Value();
    Value pastValue = k.scalar(op.getCausal() || op.getWindow() ? past : SymExpr(0)), s = k.scalar(tokens), t = k.scalar(total), sequences = k.scalar(q[0]);
    auto readMask = [&](OpBuilder &b, Location l, ValueRange index) {
      ArrayRef<SymExpr> maskShape = shapes.of(op.getMask());
      SmallVector<Value> at;
      for (auto [d, i] : llvm::enumerate(index))
        at.push_back(symbols.resolve(maskShape[d]).is(1) ? k.scalar(1 - 1) : i);
      kern::YieldOp::create(b, l, k.pull(b, op.getMask(), at));
    };
    auto attention = kern::AttentionOp::create(
        k.b, k.loc, k.begin(), k.end(), bytes, result, pastValue, s, t, sequences, sinks, partial, k.scratch(), cache, op.getScale().convertToFloat(),
        [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getQuery(), index)); },
        op.getMask() ? kern::RegionBuilder(readMask) : kern::RegionBuilder(nullptr));
    if (!op.getSoftcap().isZero())
      attention.setSoftcapAttr(op.getSoftcapAttr());
    attention.setCausal(op.getCausal());
    if (op.getWindow())
      attention.setWindowAttr(op.getWindowAttr());
    attention.setOutsideAttr(op.getOutsideAttr());
    attention.setZeroMaskedRows(op.getZeroMaskedRows());
    k.finish(main, kernels, nameOf(op.getLoc()));
  }
  KernelBuilder k = kernel(op, "attention_merge");
  Value result = k.view(out, outShape, true), partial = k.operand(partials);
  Value sinks = op.getSinks() ? k.view(placement.storage.lookup(op.getSinks()).buffer, shapes.of(op.getSinks())) : Value();
  Value s = k.scalar(tokens), t = k.scalar(total), sequences = k.scalar(q[0]);
  kern::AttentionMergeOp::create(k.b, k.loc, k.begin(), k.end(), result, s, t, sequences, sinks, partial, cache, op.getZeroMaskedRows());
  k.finish(main, kernels, nameOf(op.getLoc()));
  return success();
}

} // namespace sinter::fuse
