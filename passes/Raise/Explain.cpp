//===- Explain.cpp - why products are no linears ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Explain.h"
#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "dialects/Onnx/Onnx.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace sinter::raise {
namespace {

/// Which tensors do not depend on any input.
class Constants {
public:
  explicit Constants(Block &body) {
    for (Operation &op : body)
      if (!isa<graph::BindOp>(op) && llvm::all_of(op.getResultTypes(), [](Type t) { return isa<RankedTensorType>(t); }) && follows(op))
        constant.insert(&op);
  }
  bool contains(Value v) const { return constant.contains(v.getDefiningOp()); }

private:
  llvm::DenseSet<Operation *> constant;

  bool follows(Operation &op) {
    if (isa<onnx::InitializerOp, onnx::ConstantOp>(op))
      return true;
    if (auto reshape = dyn_cast<tensor::ReshapeOp>(op))
      return contains(reshape.getSource());
    bool all = llvm::all_of(op.getOperands(), [&](Value v) { return contains(v); }), reads = op.getNumOperands() > 0;
    op.walk([&](tensor::ExtractOp extract) {
      reads = true;
      all &= contains(extract.getTensor());
    });
    return all && reads;
  }
};

} // namespace

void explainProducts(func::FuncOp func) {
  Constants constants(func.getBody().front());
  for (auto product : func.getBody().front().getOps<graph::MatMulOp>())
    if (constants.contains(product.getA()) || constants.contains(product.getB()))
      graph::addNote(product, "a product with a constant is no linear, because the constant is computed or has a form that no weight format has");
}

} // namespace sinter::raise
