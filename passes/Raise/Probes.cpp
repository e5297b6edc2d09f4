//===- Probes.cpp - values inside the graph as outputs ------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Probes.h"
#include "dialects/Onnx/Onnx.h"

using namespace mlir;
using sinter::onnx::NodeOp;

namespace sinter::raise {
namespace {

/// How messages call a node: its own name, or the one that import made of its operator and number.
StringRef nameOf(NodeOp node) {
  auto loc = dyn_cast<NameLoc>(node.getLoc());
  return loc ? loc.getName().getValue() : node.getName().value_or("");
}

/// A value's name in the file, for one that has none its node's.
std::string valueName(OpResult value) {
  auto node = cast<NodeOp>(value.getOwner());
  StringRef name = node.getOutputName(value.getResultNumber());
  if (!name.empty())
    return name.str();
  return (nameOf(node) + (node.getNumResults() > 1 ? ":" + std::to_string(value.getResultNumber()) : "")).str();
}

LogicalResult notFound(func::FuncOp func, StringRef name) {
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (auto input = func.getArgAttrOfType<StringAttr>(i, "onnx.name"); input && input.getValue() == name)
      return func.emitError("--probe '") << name << "': it is an input";
  // What may have been meant; long names share most of their letters.
  std::string best;
  unsigned distance = std::max<size_t>(2, name.size() / 4);
  bool constant = false;
  auto compare = [&](StringRef candidate) {
    if (unsigned d = candidate.edit_distance(name, true, distance); !candidate.empty() && d < distance) {
      distance = d;
      best = candidate.str();
    }
  };
  for (Operation &op : func.getBody().front()) {
    if (auto node = dyn_cast<NodeOp>(op)) {
      compare(nameOf(node));
      for (OpResult value : node->getResults())
        compare(node.getOutputName(value.getResultNumber()));
    } else if (auto stated = op.getAttrOfType<StringAttr>("name")) {
      constant |= stated.getValue() == name;
    }
  }
  if (constant)
    return func.emitError("--probe '") << name << "': it is a constant";
  InFlightDiagnostic error = func.emitError("--probe '") << name << "': no node or value has this name";
  if (!best.empty())
    error << ", did you mean '" << best << "'?";
  return error;
}

} // namespace

LogicalResult addProbes(func::FuncOp func, ArrayRef<std::string> names) {
  Operation *terminator = func.getBody().front().getTerminator();
  for (const std::string &name : names) {
    SmallVector<OpResult> found;
    for (auto node : func.getBody().front().getOps<NodeOp>())
      for (OpResult value : node->getResults())
        if (node.getOutputName(value.getResultNumber()) == name)
          found.push_back(value);
    if (found.empty())
      for (auto node : func.getBody().front().getOps<NodeOp>())
        if (nameOf(node) == name)
          for (OpResult value : node->getResults())
            if (node->getNumResults() == 1 || !node.getOutputName(value.getResultNumber()).empty())
              found.push_back(value);
    if (found.empty())
      return notFound(func, name);
    for (OpResult value : found) {
      StringAttr output = StringAttr::get(func.getContext(), valueName(value));
      bool known = false;
      for (unsigned i = 0; i < func.getNumResults(); ++i)
        known |= func.getResultAttr(i, "onnx.name") == output;
      if (known)
        continue;
      unsigned number = func.getNumResults();
      terminator->insertOperands(number, Value(value));
      Builder builder(func.getContext());
      (void)func.insertResult(number, value.getType(), builder.getDictionaryAttr(builder.getNamedAttr("onnx.name", output)));
    }
  }
  return success();
}

} // namespace sinter::raise
