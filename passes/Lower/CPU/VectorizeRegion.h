//===- VectorizeRegion.h - scalar regions as vector code -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_VECTORIZEREGION_H
#define SINTER_PASSES_LOWER_CPU_VECTORIZEREGION_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace sinter::lower {

/// Lanes of every vector we emit; LLVM splits them where registers are narrower.
constexpr int64_t kLanes = 16;

/// What a scalar value of a region is when 16 instances of the region run side by side.
struct LaneValue {
  enum Kind {
    Uniform,    ///< the same in all lanes; `value` is a scalar
    Contiguous, ///< an index: lane i has `value` + i
    Varying,    ///< `value` is a vector<16xT>
  } kind;
  mlir::Value value;
};

/// Conditions of a region that are known where it is emitted (a loop that was split at a constant).
using KnownConditions = llvm::DenseMap<mlir::Value, bool>;

/// Emits 16 instances of the scalar block `body` at the builder's position and returns what its terminator yields, one
/// LaneValue an operand. `args` says what each block argument is. Loads (`memref.load`) at an index that is contiguous
/// in the last dimension become vector loads, at uniform indices scalar loads, anything else gathers. Lanes where
/// `mask` (vector<16xi1>, null: all on; at least one lane is on) is off read no memory. Handles arith, math,
/// affine.apply, memref.load, nested scf.if with pure bodies; fails with a message at the op it cannot handle. Only
/// what the yielded values need is emitted. Elements of type i1 are a byte in memory.
llvm::FailureOr<llvm::SmallVector<LaneValue>> vectorizeBlock(mlir::OpBuilder &builder, mlir::Block &body,
                                                             llvm::ArrayRef<LaneValue> args, mlir::Value mask,
                                                             const KnownConditions *known = nullptr);

/// The value as vector<16xT>, whatever its kind.
mlir::Value asVector(mlir::OpBuilder &builder, mlir::Location loc, LaneValue value);

/// Stores 16 elements from `indices` on, along the last dimension (or the last that is not 1); only those where `mask`
/// is on if there is a mask.
void storeLanes(mlir::OpBuilder &builder, mlir::Location loc, LaneValue value, mlir::Value memref,
                mlir::ValueRange indices, mlir::Value mask);

/// The mask of lanes whose `base` + i is below `end`: vector<16xi1>.
mlir::Value lanesBelow(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value base, mlir::Value end);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_VECTORIZEREGION_H
