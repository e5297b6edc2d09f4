//===- AssignCaches.cpp - the assign-caches pass ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
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
    int64_t states = 0;
    bool failed = false;
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
        capacity = std::max<int64_t>(1, std::min(capacity, symbols.bounds(shapes.of(keys.getPast())[2]).hi + 1));
      if (!heads || !keyDim || !valueDim || capacity >= graph::Bounds::kUnbounded) {
        attention.emitError("expected keys and values with a static number and size of heads, and a bounded length");
        failed = true;
        return;
      }
      auto cache = kv::CacheType::get(&getContext(), *heads, *keyDim, *valueDim, capacity, kv::BlockedAttr::get(&getContext(), element));
      attention->setAttr("cache", TypeAttr::get(cache));
      if (!kept)
        return;
      if (keys->hasAttr("cache"))
        return; // layers that share a cache
      // Read the appends themselves, whatever type the cache has.
      attention.getKeyMutable().assign(keys.getResult());
      attention.getValueMutable().assign(values.getResult());
      for (auto [append, part] : {std::pair(keys, kv::Part::Key), std::pair(values, kv::Part::Value)}) {
        append->setAttr("cache", TypeAttr::get(cache));
        append->setAttr("part", kv::PartAttr::get(&getContext(), part));
        append->setAttr("state", builder.getI64IntegerAttr(states));
        unsigned argument = cast<BlockArgument>(append.getPast()).getArgNumber();
        func.setArgAttr(argument, "kv.cache", TypeAttr::get(cache));
        func.setArgAttr(argument, "kv.part", kv::PartAttr::get(&getContext(), part));
        func.setArgAttr(argument, "kv.state", builder.getI64IntegerAttr(states));
      }
      states += 2; // halves are numbered apart, and share the first's memory
    });
    if (failed)
      signalPassFailure();
  }
};

} // namespace
} // namespace sinter::kvlayout
