//===- Positions.cpp - how far a model's positions go ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Positions.h"
#include "passes/Raise/Weights.h"

using namespace mlir;
using sinter::onnx::NodeOp;

namespace sinter::raise {
namespace {

bool isCalledPosition(BlockArgument argument) {
  auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto name = func ? func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "onnx.name") : StringAttr();
  return name && name.getValue().contains("position");
}

/// What is added to the position that `v` is; nullopt: it is none.
std::optional<int64_t> offsetOfPosition(Value v, Inference &infer) {
  int64_t offset = 0;
  while (true) {
    if (!isa<IntegerType>(infer[v].element))
      return std::nullopt;
    if (auto argument = dyn_cast<BlockArgument>(v))
      return isCalledPosition(argument) ? std::optional(offset) : std::nullopt;
    auto node = v.getDefiningOp<NodeOp>();
    if (!node || !node.getDomain().empty())
      return std::nullopt;
    StringRef type = node.getOpType();
    if (type == "Range" || type == "CumSum")
      return offset;
    if (type == "Add" || type == "Sub") {
      // A number, or a size: the length of the past, which the position counts.
      bool first = type == "Add" && infer[node.getInputs()[0]].elements && !infer[node.getInputs()[1]].elements;
      Value other = node.getInputs()[first ? 0 : 1];
      if (!infer[other].elements && !infer.scalar(other))
        return std::nullopt;
      if (auto number = infer.scalar(other))
        offset += type == "Add" ? int64_t(*number) : -int64_t(*number);
      v = node.getInputs()[first ? 1 : 0];
    } else if (type == "Cast" || type == "Reshape" || type == "Unsqueeze" || type == "Squeeze" || type == "Expand" || type == "Slice" || type == "Identity") {
      v = node.getInputs()[0];
    } else {
      return std::nullopt;
    }
  }
}

/// Rows of a table of the file that `node` reads at positions.
std::optional<int64_t> positionsOf(NodeOp node, Inference &infer) {
  auto rows = [&](unsigned table) -> std::optional<int64_t> {
    Value v = node.getInputOrNull(table);
    if (!v || !storedTensor(v) || infer[v].rank() != 2 || !isa<FloatType>(infer[v].element))
      return std::nullopt;
    return infer[v].shape[0].constant();
  };
  if (node.isOp("com.microsoft", "GroupQueryAttention"))
    return rows(7);
  if (node.isOp("com.microsoft", "RotaryEmbedding"))
    return rows(2);
  if (node.isOp("RotaryEmbedding"))
    return rows(1);
  if (!node.isOp("Gather") || node.getInt("axis", 0) != 0)
    return std::nullopt;
  auto count = rows(0);
  auto offset = count ? offsetOfPosition(node.getInputs()[1], infer) : std::nullopt;
  return offset && *count > *offset ? std::optional(*count - *offset) : std::nullopt;
}

} // namespace

std::optional<PositionTable> findPositionTable(func::FuncOp func, Inference &infer) {
  std::optional<PositionTable> shortest;
  for (auto node : func.getBody().front().getOps<NodeOp>())
    if (auto positions = positionsOf(node, infer); positions && *positions > 0 && (!shortest || *positions < shortest->positions))
      shortest = PositionTable{node, *positions};
  return shortest;
}

} // namespace sinter::raise
