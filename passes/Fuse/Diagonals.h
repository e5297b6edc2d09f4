//===- Diagonals.h - constants that depend on a distance -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_DIAGONALS_H
#define SINTER_PASSES_FUSE_DIAGONALS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace sinter::fuse {

/// A constant matrix whose element depends on column - row alone, and changes a few times along it: a triangle or a band.
struct Diagonals {
  struct Run {
    int64_t first; ///< column - row of its first diagonal; it ends where the next run begins
    mlir::Attribute value;
  };
  llvm::SmallVector<Run, 4> runs;
};

/// Finds such matrices among the tensors of a file, and remembers what each is.
class DiagonalReader {
public:
  /// The diagonals of `tensor`, whose last two axes are rows and columns and all others 1. Null where it is computed, is no such matrix or cannot
  /// be read.
  const Diagonals *find(mlir::Value tensor);

private:
  llvm::DenseMap<mlir::Attribute, std::optional<Diagonals>> known;
};

} // namespace sinter::fuse

#endif // SINTER_PASSES_FUSE_DIAGONALS_H
