//===- FormInterface.cpp - inputs, states and outputs of @main -----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/Former.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace sinter::fuse {

using graph::SymExpr;

bool Former::isPlainState(BlockArgument argument) {
  return func.getArgAttr(argument.getArgNumber(), "kv.state") && !func.getArgAttr(argument.getArgNumber(), "kv.cache");
}

Storage Former::storageOf(BlockArgument argument) {
  unsigned i = argument.getArgNumber();
  auto memory = [&](Type element, StringRef number) -> Value {
    return kern::StateOp::create(main, func.getLoc(), MemRefType::get({ShapedType::kDynamic}, element), func.getArgAttrOfType<IntegerAttr>(i, number).getInt());
  };
  if (isPlainState(argument))
    return {memory(elementOf(argument), "kv.state"), {}, {}};
  auto cache = func.getArgAttrOfType<TypeAttr>(i, "kv.cache");
  if (!cache || shapes.of(argument).size() != 4)
    return {argument, {}, {}};
  return {memory(main.getI8Type(), "kv.owner"), cast<kv::CacheType>(cache.getValue()), func.getArgAttrOfType<kv::PartAttr>(i, "kv.part").getValue()};
}

void Former::formStateCopies() {
  for (BlockArgument argument : func.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto number = func.getArgAttrOfType<IntegerAttr>(i, "kv.state");
    if (!number || isPlainState(argument))
      continue;
    auto cache = cast<kv::CacheType>(func.getArgAttrOfType<TypeAttr>(i, "kv.cache").getValue());
    auto part = func.getArgAttrOfType<kv::PartAttr>(i, "kv.part").getValue();
    uint64_t owner = func.getArgAttrOfType<IntegerAttr>(i, "kv.owner").getInt();
    SmallVector<SymExpr> shape(shapes.of(argument));
    auto begin = [&](StringRef kind, TypeRange inputs) {
      auto copy = func::FuncOp::create(moduleBuilder, func.getLoc(), (kind + "_" + Twine(number.getInt())).str(), FunctionType::get(func.getContext(), inputs, {}));
      main.setInsertionPointToStart(copy.addEntryBlock());
      func::ReturnOp::create(main, func.getLoc());
      main.setInsertionPointToStart(&copy.getBody().front());
      return copy;
    };
    auto state = [&] { return kern::StateOp::create(main, func.getLoc(), MemRefType::get({ShapedType::kDynamic}, main.getI8Type()), owner); };
    func::FuncOp load = begin("load", {argument.getType()});
    Value source = load.getArgument(0);
    SmallVector<Value> sizes;
    for (const SymExpr &e : shape)
      sizes.push_back(symbols.materialize(main, func.getLoc(), e));
    graph::BindOp::create(main, func.getLoc(), source, sizes);
    placement.storage[source] = {source, {}, {}};
    if (shape.size() == 5)
      for (int64_t half = 0; half < 2; ++half)
        append(func, state(), cache, half ? kv::Part::Value : kv::Part::Key, source, 0, half);
    else
      append(func, state(), cache, part, source, 0);
    begin("store", {});
    Value memory = state();
    Value out = buffer(func.getLoc(), elementOf(argument), shapes.elements(argument));
    out.getDefiningOp<kern::BufferOp>().setOutput(0);
    placement.storage[argument] = {memory, cache, part};
    copyTo(func.getLoc(), out, argument);
  }
}

Value Former::presentCache(unsigned i) {
  for (BlockArgument argument : func.getArguments())
    if (auto result = func.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "graph.state"); result && result.getInt() == int64_t(i))
      for (Operation *user : argument.getUsers())
        if (isa<graph::AppendOp>(user))
          return user->getResult(0);
  return {};
}

BlockArgument Former::nextState(unsigned i) {
  for (BlockArgument argument : func.getArguments())
    if (auto result = func.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "graph.state"); result && result.getInt() == int64_t(i))
      return isPlainState(argument) ? argument : BlockArgument();
  return {};
}

void Former::copyMemory(Value to, Value from) {
  KernelBuilder k = kernel(func.getBody().front().getTerminator(), "generate");
  SmallVector<SymExpr> shape{symbols.fromValue(from.getDefiningOp<kern::BufferOp>().getElements())};
  Value out = k.view(to, shape, true), in = k.view(from, shape);
  SmallVector<OpFoldResult> extents = k.sizes(shape);
  kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, out, [&](OpBuilder &b, Location l, ValueRange index) {
    kern::YieldOp::create(b, l, memref::LoadOp::create(b, l, in, index).getResult());
  });
  k.finish(main, kernels, "");
}

LogicalResult Former::finishOutputs() {
  Operation *terminator = func.getBody().front().getTerminator();
  main.setInsertionPoint(terminator);
  llvm::DenseSet<Value> taken;
  SmallVector<std::pair<Value, Value>> next; // memory of a state and its new value
  for (auto [i, tensor] : llvm::enumerate(terminator->getOperands())) {
    auto it = placement.storage.find(tensor);
    Value memory;
    if (Value present = presentCache(i)) {
      // The session keeps it; who wants it as a tensor asks for the state.
      memory = placement.storage.lookup(present).buffer;
    } else {
      memory = it == placement.storage.end() || it->second.cache ? Value() : it->second.buffer;
      auto owner = memory ? memory.getDefiningOp<kern::BufferOp>() : kern::BufferOp();
      BlockArgument state = nextState(i);
      if (!owner || (!state && !taken.insert(memory).second)) {
        memory = buffer(tensor.getLoc(), elementOf(tensor), shapes.elements(tensor));
        copyTo(tensor.getLoc(), memory, tensor);
        owner = memory.getDefiningOp<kern::BufferOp>();
      }
      if (state)
        next.push_back({placement.storage.lookup(state).buffer, memory});
      else
        owner.setOutput(i);
    }
    SmallVector<Value> sizes;
    for (const SymExpr &e : shapes.of(tensor))
      sizes.push_back(symbols.materialize(main, func.getLoc(), e));
    auto info = func.getResultAttrDict(i);
    kern::OutputOp::create(main, func.getLoc(), memory, sizes, uint64_t(i), info ? info : main.getDictionaryAttr({}));
  }
  // States change when everything has been computed that reads them.
  for (auto [state, value] : next)
    copyMemory(state, value);
  for (auto bind : llvm::make_early_inc_range(func.getBody().getOps<graph::BindOp>()))
    if (!isa<BlockArgument>(bind.getTensor()))
      bind.erase();
  terminator->setOperands({});
  func.removeResAttrsAttr();
  func.setFunctionType(FunctionType::get(func.getContext(), func.getArgumentTypes(), {}));
  return success();
}

} // namespace sinter::fuse
