//===- States.h - what a session carries from run to run -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_STATES_H
#define SINTER_PASSES_RAISE_STATES_H

#include "passes/Raise/Inference.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sinter::raise {

/// An input of `@main` whose next value is one of its results.
struct StatePair {
  mlir::BlockArgument past;
  unsigned result;
  bool grows;    ///< the result is the input with new tokens behind it; else it has the input's shape
  bool declared; ///< the user says so; else its structure does
};

/// Whether a tensor is shaped as a cache: [B, H, T, D], or with keys and values stacked [2, B, H, T, D]. Its length is the last axis but one, its batch the last but three.
inline bool isCache(const TensorInfo &info) { return info.rank() == 4 || info.rank() == 5; }

/// Pairs by structure, which is all that is known before shapes are: Concat(past, new) that is an output, an operator with past and present (or
/// initial and last) state of its own, the end of such a Concat, and the sum of a scaled past and something new. `declared` are pairs "IN=OUT" that the user
/// names beside them; an error says which name is none, or is taken.
mlir::FailureOr<llvm::SmallVector<StatePair>> findStates(mlir::func::FuncOp func, llvm::ArrayRef<std::string> declared);

/// Once shapes are known: keeps the pairs whose input grows as a cache does, as do all inputs of its length, or has the same fixed shape as the result (it is copied). Another pair is
/// an ordinary input and output, which the module's notes say; or an error where it was declared.
mlir::LogicalResult settleStates(mlir::func::FuncOp func, Inference &infer, llvm::SmallVector<StatePair> &states);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_STATES_H
