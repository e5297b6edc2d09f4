//===- Materialize.h - which tensors get memory ----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_MATERIALIZE_H
#define SINTER_PASSES_FUSE_MATERIALIZE_H

#include "dialects/Graph/Shapes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace sinter::fuse {

struct Materialization {
  /// Generates that are computed once, into memory.
  llvm::DenseSet<mlir::Operation *> kept;
  /// Generate -> the linear, norm, softmax, reduction or product that it is computed behind, element by element.
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> fusedBehind;
  /// Its roots: they have no memory of their own.
  llvm::DenseSet<mlir::Operation *> fusedRoots;
  /// Root -> linears that its kernel computes, too, because their results meet behind it. They are among the roots.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Operation *, 1>> joined;
};

/// Decides for all tensor.generate ops of a function.
Materialization chooseMaterialized(mlir::func::FuncOp func, graph::Shapes &shapes);

} // namespace sinter::fuse

#endif // SINTER_PASSES_FUSE_MATERIALIZE_H
