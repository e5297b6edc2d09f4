//===- Plan.cpp - from dispatches to a program --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Plan.h"
#include "dialects/Graph/Symbols.h"
#include "passes/Plan/Arena.h"
#include "passes/Plan/Planning.h"

using namespace mlir;

namespace sinter::plan {
namespace {

using program::Space;

/// Gives every buffer that is no output a place in the arena.
LogicalResult placeArena(Planning &plan) {
  llvm::DenseMap<Operation *, unsigned> order;
  for (auto dispatch : plan.main.getOps<kern::DispatchOp>())
    order.try_emplace(dispatch, order.size());
  std::vector<Lifetime> lives;
  std::vector<kern::BufferOp> buffers;
  for (auto buffer : plan.main.getOps<kern::BufferOp>()) {
    if (bufferBytes(buffer) >= uint64_t(graph::Bounds::kUnbounded))
      return buffer.emitError("a tensor has no bound: bound the model's dims with --dim NAME=LO..HI");
    if (buffer.getOutput())
      continue;
    unsigned first = ~0u, last = 0;
    for (Operation *user : buffer->getUsers())
      if (auto it = order.find(user); it != order.end()) {
        first = std::min(first, it->second);
        last = std::max(last, it->second);
      }
    if (first == ~0u)
      continue;
    lives.push_back({bufferBytes(buffer), first, last});
    buffers.push_back(buffer);
  }
  plan.writer.header.arenaBytes = placeBuffers(lives);
  for (auto [buffer, life] : llvm::zip(buffers, lives))
    plan.places[buffer] = {Space::Arena, 0, program::kNone, life.offset};
  return success();
}

/// The rows of a state's load or store, which function `name` is; none where the state is kept in its plain form.
FailureOr<program::Span> copyRows(Planning &plan, const Twine &name) {
  auto copy = plan.module.lookupSymbol<func::FuncOp>(name.str());
  if (!copy)
    return program::Span{program::kNone, 0};
  for (BlockArgument argument : copy.getArguments())
    plan.places[argument] = {Space::Input, 0, program::kNone, 0};
  for (auto buffer : copy.getOps<kern::BufferOp>())
    plan.places[buffer] = {Space::Output, 0, program::kNone, 0};
  std::vector<program::Row> rows;
  if (failed(plan.writeRows(copy, rows)))
    return failure();
  return plan.writer.extraRows(rows);
}

} // namespace

LogicalResult planProgram(ModuleOp module, Program &program) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("expected a function @main");
  Planning plan(module, main, program);
  if (failed(placeArena(plan)) || failed(plan.declareInterface()) || failed(plan.writeRows(main, program.writer.rows)))
    return failure();
  for (auto [i, state] : llvm::enumerate(program.writer.states)) {
    auto load = copyRows(plan, "load_" + Twine(i)), store = copyRows(plan, "store_" + Twine(i));
    if (failed(load) || failed(store))
      return failure();
    state.load = *load;
    state.store = *store;
  }
  return success();
}

} // namespace sinter::plan
