//===- Weights.cpp - places for weights, and what reading them costs -----===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Planning.h"

using namespace mlir;

namespace sinter::plan {
namespace {

/// The order in which a kernel reads its weight; null where it reads none in panels.
kern::PanelAttr panelOf(func::FuncOp kernel) {
  kern::PanelAttr panel;
  kernel.walk([&](Operation *op) {
    if (auto linear = dyn_cast<kern::LinearOp>(op))
      panel = linear.getPanel();
    else if (auto gather = dyn_cast<kern::GatherRowsOp>(op))
      panel = gather.getPanel();
  });
  return panel;
}

/// Whether a size depends on how many rows of the head are wanted.
bool mentionsFirst(ModuleOp module, Value size) {
  Operation *op = size.getDefiningOp();
  if (auto dim = dyn_cast_or_null<graph::DimOp>(op)) {
    auto symbol = module.lookupSymbol<graph::SymbolOp>(dim.getSymbol());
    return symbol && symbol.getKind() == graph::SymbolKind::First;
  }
  return op && llvm::any_of(op->getOperands(), [&](Value operand) { return mentionsFirst(module, operand); });
}

} // namespace

program::Operand Weights::append(Operation *constant, uint64_t bytes, kern::PanelAttr panel) {
  uint64_t &end = program.writer.header.weightBytes, offset = llvm::alignTo(end, 64);
  end = offset + bytes;
  program.weights.push_back({offset, bytes, constant, panel});
  return {program::Space::Weights, 0, program::kNone, offset};
}

program::Operand Weights::place(Operation *constant, func::FuncOp kernel) {
  auto weight = dyn_cast<qt::ConstantOp>(constant);
  kern::PanelAttr panel = weight ? panelOf(kernel) : kern::PanelAttr();
  auto [it, fresh] = places.try_emplace({constant, panel});
  if (!fresh)
    return it->second;
  if (weight)
    return it->second = append(constant, kern::packedBytes(weight.getType(), panel), panel);
  auto type = cast<RankedTensorType>(constant->getResult(0).getType());
  return it->second = append(constant, type.getNumElements() * elementBytes(type.getElementType()), {});
}

void Weights::count(kern::DispatchOp dispatch, func::FuncOp kernel) {
  auto module = dispatch->getParentOfType<ModuleOp>();
  kernel.walk([&](Operation *op) {
    if (auto linear = dyn_cast<kern::LinearOp>(op)) {
      int64_t weights = linear.getWeights().size();
      int64_t macs = weights * linear.getWeightType().getRows() * linear.getWeightType().getColumns();
      program.linearMacs += macs;
      program.weightsRead += weights * kern::packedBytes(linear.getWeightType(), linear.getPanel());
      if (llvm::any_of(dispatch.getScalars(), [&](Value v) { return mentionsFirst(module, v); }))
        program.headMacs += macs;
    } else if (auto gather = dyn_cast<kern::GatherRowsOp>(op)) {
      program.weightsRead += kern::packedBytes(gather.getWeightType(), gather.getPanel()) / gather.getWeightType().getRows();
    }
  });
}

} // namespace sinter::plan
