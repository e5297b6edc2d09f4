//===- Generic.h - how generic kernels are cut into items -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KERN_GENERIC_H
#define SINTER_DIALECTS_KERN_GENERIC_H

#include "dialects/Kern/Kern.h"

namespace sinter::kern {

/// An item of `kern.generate` is up to this many elements along the lane dimension.
constexpr int64_t kLaneBlock = 1024;
/// An item of `kern.reduce` with lanes over the shape is up to this many outputs.
constexpr int64_t kReduceBlock = 64;
/// An item of `kern.matmul` is up to this many rows and columns of one batch.
constexpr int64_t kMatMulRows = 256, kMatMulColumns = 64;

/// The dimension that lanes run over: the last that is not a constant 1, or the last; -1 for rank 0.
int64_t laneDimension(llvm::ArrayRef<int64_t> sizes);

/// ceil(size / block).
mlir::OpFoldResult blocksOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult size, int64_t block);

/// Whether a reduction's lanes run over the last dimension of its shape, rather than over the last reduced one: what
/// its loads are contiguous in decides.
bool lanesOverShape(ReduceOp op);

} // namespace sinter::kern

#endif // SINTER_DIALECTS_KERN_GENERIC_H
