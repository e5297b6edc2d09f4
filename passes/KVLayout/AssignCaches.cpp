//===- AssignCaches.cpp - the assign-caches pass ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "dialects/Graph/Shapes.h"
#include "dialects/KV/KV.h"
#include "passes/KVLayout/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace sinter::kvlayout {
#define GEN_PASS_DEF_ASSIGNCACHES
#include "passes/KVLayout/Passes.h.inc"

namespace {

/// The append behind a value, through casts between floats: a 16-bit cache read as f32.
graph::AppendOp appendBehind(Value v) {
  if (auto append = v.getDefiningOp<graph::AppendOp>())
    return append;
  auto generate = v.getDefiningOp<tensor::GenerateOp>();
  if (!generate)
    return {};
  // Exactly: extract at the own index, then a float cast.
  Block &body = generate.getBody().front();
  auto yield = cast<tensor::YieldOp>(body.getTerminator());
  Operation *last = yield.getValue().getDefiningOp();
  if (last && isa<arith::ExtFOp, arith::TruncFOp>(last))
    last = last->getOperand(0).getDefiningOp();
  auto extract = dyn_cast_or_null<tensor::ExtractOp>(last);
  if (!extract || !llvm::equal(extract.getIndices(), body.getArguments()))
    return {};
  return appendBehind(extract.getTensor());
}

struct AssignCachesPass : impl::AssignCachesBase<AssignCachesPass> {
  using Base::Base;

  void runOnOperation() override {
    auto func = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!func)
      return;
    graph::SymbolTable symbols;
    graph::Shapes shapes(symbols);
    Builder builder(&getContext());
    bool failed = false;
    bool decoder = llvm::any_of(getOperation().getOps<graph::SymbolOp>(), [](graph::SymbolOp s) { return s.getKind() == graph::SymbolKind::Past; });
    func.walk([&](graph::AttentionOp attention) {
      SmallVector<graph::SymExpr> key(shapes.of(attention.getKey())), value(shapes.of(attention.getValue()));
      auto keys = appendBehind(attention.getKey()), values = appendBehind(attention.getValue());
      bool kept = keys && values && isa<BlockArgument>(keys.getPast()) && isa<BlockArgument>(values.getPast());
      FloatType element = builder.getF32Type();
      if (kept) {
        element = llvm::StringSwitch<FloatType>(this->element)
                      .Case("auto", cast<FloatType>(cast<RankedTensorType>(keys.getType()).getElementType()))
                      .Case("f32", builder.getF32Type())
                      .Case("f16", builder.getF16Type())
                      .Case("bf16", builder.getBF16Type())
                      .Default(FloatType());
        if (!element) {
          attention.emitError("unknown cache type '") << this->element << "'";
          failed = true;
          return;
        }
      }
      auto heads = symbols.resolve(key[1]).constant(), keyDim = symbols.resolve(key[3]).constant(), valueDim = symbols.resolve(value[3]).constant();
      int64_t capacity = symbols.bounds(key[2]).hi;
      if (kept) // the past may be as long as its own bound; one token more still fits
        capacity = std::max<int64_t>(1, std::min(capacity, symbols.bounds(shapes.of(keys.getPast())[keys.getPastAxis()]).hi + 1));
      if (!heads || !keyDim || !valueDim || capacity >= graph::Bounds::kUnbounded) {
        attention.emitError("expected keys and values with a static number and size of heads, and a bounded length");
        failed = true;
        return;
      }
      kv::CacheType cache = cacheType(attention, *heads, *keyDim, *valueDim, capacity, element);
      if (!cache) {
        failed = true;
        return;
      }
      attention->setAttr("cache", TypeAttr::get(cache));
      if (!kept) {
        // In a decoder that costs as much as reading them does.
        if (decoder)
          graph::addNote(attention, "keys and values are copied at every run, because they are no cache that the session appends to");
        return;
      }
      if (keys->hasAttr("cache"))
        return; // layers that share a cache
      // Read the appends themselves, whatever type the cache has.
      attention.getKeyMutable().assign(keys.getResult());
      attention.getValueMutable().assign(values.getResult());
      int64_t owner = states; // halves are numbered apart, and share the first's memory
      assign(func, keys, cache, kv::Part::Key, owner);
      assign(func, values, cache, kv::Part::Value, owner);
    });
    // What else is appended to is kept, too: somebody computes with it before attention reads it.
    func.walk([&](graph::AppendOp append) {
      if (append->hasAttr("cache") || !isa<BlockArgument>(append.getPast()))
        return;
      SmallVector<graph::SymExpr> shape(shapes.of(append.getResult()));
      auto element = dyn_cast<FloatType>(cast<RankedTensorType>(append.getType()).getElementType());
      auto heads = symbols.resolve(shape[1]).constant(), dim = symbols.resolve(shape[3]).constant();
      int64_t capacity = std::min(symbols.bounds(shape[2]).hi, symbols.bounds(shapes.of(append.getPast())[append.getPastAxis()]).hi + 1);
      if (!element || !heads || !dim || append.getAxis() != 2 || append.getHalf()) {
        append.emitError("a past that is no cache of keys or values is not supported");
        failed = true;
        return;
      }
      // The other half has no channels that anybody reads; a type needs one.
      kv::CacheType cache = cacheType(append, *heads, *dim, 1, std::max<int64_t>(1, capacity), element);
      if (cache)
        assign(func, append, cache, kv::Part::Key, states);
      else
        failed = true;
    });
    if (failed)
      return signalPassFailure();
    keepTensors(func);
  }

  int64_t states = 0;

  /// Null where the sizes make no cache; the error is out.
  kv::CacheType cacheType(Operation *op, int64_t heads, int64_t keyDim, int64_t valueDim, int64_t capacity, FloatType element) {
    kv::KVLayout layout = kv::BlockedAttr::get(&getContext(), element);
    return kv::CacheType::getChecked([&] { return op->emitError(); }, &getContext(), heads, keyDim, valueDim, capacity, layout);
  }

  /// States that are no caches have one fixed shape and are kept as they are; what is neither stays with the caller.
  void keepTensors(func::FuncOp func) {
    Operation *terminator = func.getBody().front().getTerminator();
    for (BlockArgument argument : func.getArguments()) {
      unsigned i = argument.getArgNumber();
      auto result = func.getArgAttrOfType<IntegerAttr>(i, "graph.state");
      if (!result || func.getArgAttr(i, "kv.state"))
        continue;
      auto type = cast<RankedTensorType>(argument.getType());
      if (type.hasStaticShape() && terminator->getOperand(result.getInt()).getType() == type) {
        func.setArgAttr(i, "kv.state", Builder(&getContext()).getI64IntegerAttr(states++));
        continue;
      }
      auto name = func.getArgAttrOfType<StringAttr>(i, "onnx.name");
      graph::addNote(func, "past '" + (name ? name.getValue() : "") + "' is not kept in place: it is appended to, but not as a cache");
      func.removeArgAttr(i, "graph.state");
    }
  }

  void assign(func::FuncOp func, graph::AppendOp append, kv::CacheType cache, kv::Part part, int64_t owner) {
    Builder builder(&getContext());
    append->setAttr("cache", TypeAttr::get(cache));
    append->setAttr("part", kv::PartAttr::get(&getContext(), part));
    append->setAttr("state", builder.getI64IntegerAttr(owner));
    unsigned argument = cast<BlockArgument>(append.getPast()).getArgNumber();
    if (func.getArgAttr(argument, "kv.state"))
      return; // the other half of a stacked past, which is one state
    func.setArgAttr(argument, "kv.cache", TypeAttr::get(cache));
    func.setArgAttr(argument, "kv.part", kv::PartAttr::get(&getContext(), part));
    func.setArgAttr(argument, "kv.owner", builder.getI64IntegerAttr(owner));
    func.setArgAttr(argument, "kv.state", builder.getI64IntegerAttr(states++));
  }
};

} // namespace
} // namespace sinter::kvlayout
