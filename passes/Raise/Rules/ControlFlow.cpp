//===- ControlFlow.cpp - branches ---------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// If with a condition that shapes settle: the branch's nodes stand where it stood.
LogicalResult expandIf(NodeOp node, Inference &infer, Expansion &e) {
  Value condition = node.getInputOrNull(0);
  const TensorInfo info = condition ? infer[condition] : TensorInfo();
  std::optional<int64_t> known;
  if (info.elements && info.elements->size() == 1)
    known = infer.symbols.resolve(info.elements->front()).constant();
  if (!known)
    return node.emitError("If is supported where its condition follows from sizes and constants, but this one is known only at run time");
  Region *branch = node.getBody(*known ? "then_branch" : "else_branch");
  if (!branch || branch->front().getTerminator()->getNumOperands() < node.getNumResults())
    return node.emitError("expected then_branch and else_branch with as many outputs as the node");
  Block &block = branch->front();
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
    op.moveBefore(node);
  for (auto [i, v] : llvm::enumerate(block.getTerminator()->getOperands().take_front(node.getNumResults())))
    e.replace(i, v);
  return success();
}

} // namespace

void sinter::raise::addControlFlowRules(RuleTable &table) { table.add("", "If", {{}, {}, expandIf}); }
