//===- FormKernels.cpp - the form-kernels pass ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Onnx/Onnx.h"
#include "passes/Fuse/Former.h"
#include "passes/Fuse/Passes.h"

using namespace mlir;

namespace sinter::fuse {

LogicalResult Former::run() {
  main.setInsertionPointToStart(&func.getBody().front());
  for (BlockArgument argument : func.getArguments())
    placement.storage[argument] = storageOf(argument);
  plan = chooseMaterialized(func, shapes);
  SmallVector<Operation *> ops;
  for (Operation &op : func.getBody().front())
    ops.push_back(&op);
  for (Operation *op : ops) {
    main.setInsertionPoint(op);
    if (failed(form(op)))
      return failure();
  }
  if (failed(finishOutputs()))
    return failure();
  formStateCopies();
  // The tensors' own ops, last first.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
    if (isa<tensor::TensorDialect, graph::GraphDialect>(op.getDialect()) && !isa<graph::DimOp, graph::BindOp>(op) && op.use_empty())
      op.erase();
  return success();
}

LogicalResult Former::form(Operation *op) {
  if (plan.fusedRoots.contains(op))
    return success(); // formed with what is behind it
  if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
    if (Operation *root = plan.fusedBehind.lookup(op))
      return formRoot(root, {generate.getResult(), generate});
    if (plan.kept.contains(op))
      return formGenerate(generate);
    return success();
  }
  if (isa<onnx::InitializerOp, onnx::ConstantOp>(op)) {
    placement.storage[op->getResult(0)] = {op->getResult(0), {}, {}};
    return success();
  }
  return formRoot(op, {op->getNumResults() ? op->getResult(0) : Value(), {}});
}

LogicalResult Former::formRoot(Operation *op, Target target) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<graph::LinearOp, graph::EmbeddingOp, graph::NormOp, graph::SoftmaxOp, graph::ReduceOp, graph::MatMulOp, graph::ScanOp, graph::ScatterOp,
            graph::TopKOp, graph::AppendOp, graph::AttentionOp>([&](auto root) { return formOp(root, target); })
      .Case<tensor::ReshapeOp, tensor::BitcastOp>([&](auto view) {
        // A view of memory is that memory.
        if (auto it = placement.storage.find(view.getSource()); it != placement.storage.end() && !it->second.cache)
          placement.storage[view.getResult()] = Storage(it->second);
        return success();
      })
      .Default([&](Operation *other) -> LogicalResult {
        bool tensors = llvm::any_of(other->getResultTypes(), [](Type t) { return isa<RankedTensorType>(t); });
        if (tensors && !isa<tensor::FromElementsOp>(other))
          return other->emitError("no kernel for '") << other->getName() << "'";
        return success();
      });
}

#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Fuse/Passes.h.inc"

namespace {
struct FormKernelsPass : impl::FormKernelsBase<FormKernelsPass> {
  using Base::Base;
  void runOnOperation() override {
    auto func = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!func) {
      getOperation().emitError("expected a function @main");
      return signalPassFailure();
    }
    for (auto node : func.getOps<onnx::NodeOp>()) {
      node.emitError("expected no ONNX node: -raise-onnx comes before -form-kernels");
      return signalPassFailure();
    }
    if (failed(Former(getOperation(), func).run()))
      signalPassFailure();
  }
};
} // namespace

} // namespace sinter::fuse
