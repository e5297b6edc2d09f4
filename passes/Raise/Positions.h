//===- Positions.h - how far a model's positions go ------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_POSITIONS_H
#define SINTER_PASSES_RAISE_POSITIONS_H

#include "passes/Raise/Inference.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sinter::raise {

/// A table with a row for each position: learned ones, or the cosines of a rotation.
struct PositionTable {
  onnx::NodeOp reader;
  int64_t positions; ///< that have a row
};

/// The shortest of a graph's tables of positions; nullopt: it has none. Positions are counted by the graph (Range, CumSum), or an input that
/// is called so: nothing else tells them from other small integers, such as the types of tokens.
std::optional<PositionTable> findPositionTable(mlir::func::FuncOp func, Inference &infer);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_POSITIONS_H
