//===- LaneIndex.h - index arithmetic and memory on 16 lanes ------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_LANEINDEX_H
#define SINTER_PASSES_LOWER_CPU_LANEINDEX_H

#include "passes/Lower/CPU/VectorizeRegion.h"

namespace sinter::lower {

/// [0, 1, ..., 15] as a vector of `type` (index or integer).
mlir::Value laneNumbers(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type);

/// Integer and index arithmetic that keeps uniform and contiguous values what they are where it can.
LaneValue addLanes(mlir::OpBuilder &builder, mlir::Location loc, LaneValue lhs, LaneValue rhs);
LaneValue subtractLanes(mlir::OpBuilder &builder, mlir::Location loc, LaneValue lhs, LaneValue rhs);
LaneValue multiplyLanes(mlir::OpBuilder &builder, mlir::Location loc, LaneValue lhs, LaneValue rhs);

/// 16 elements of a memref at indices that are not all uniform: a vector load where they are side by side, else a
/// gather. An error at `loc` where the layout allows neither.
llvm::FailureOr<LaneValue> loadLanes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value base,
                                     llvm::ArrayRef<LaneValue> indices, mlir::Value mask);

enum class Rounding { TowardZero, Down };

/// Quotient and remainder of index values (below 2^53 in size). Off lanes may hold anything. Where both operands are
/// contiguous or uniform and the dividend is known to be non-negative, a constant divisor costs no vector division.
std::pair<LaneValue, LaneValue> divideLanes(mlir::OpBuilder &builder, mlir::Location loc, LaneValue lhs, LaneValue rhs,
                                            Rounding rounding, mlir::Value mask);

/// Whether a scalar index is provably a multiple of 16 (kLanes).
bool isMultipleOfLanes(mlir::Value value);
/// Whether a scalar index is provably not negative. Arguments of blocks (sizes, loop counters) are not.
bool isNonNegative(mlir::Value value);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_LANEINDEX_H
