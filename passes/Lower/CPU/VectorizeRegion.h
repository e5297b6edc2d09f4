//===- VectorizeRegion.h - scalar regions as vector code -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_VECTORIZEREGION_H
#define SINTER_PASSES_LOWER_CPU_VECTORIZEREGION_H

#include "mlir/IR/Builders.h"

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

/// Emits 16 instances of the scalar block `body` at the builder's position and returns what its terminator yields, one LaneValue an
/// operand. `args` says what each block argument is. Loads (`memref.load`) at an index that is contiguous in the last
/// dimension become vector loads, at uniform indices scalar loads, anything else gathers. Lanes where `mask` (vector<16xi1>, null: all on) is off read no memory.
/// Handles arith, math, affine.apply, memref.load, nested scf.if with pure bodies; fails with a message at the op it cannot handle.
llvm::FailureOr<llvm::SmallVector<LaneValue>> vectorizeBlock(mlir::OpBuilder &builder, mlir::Block &body,
                                                             llvm::ArrayRef<LaneValue> args, mlir::Value mask);

/// The value as vector<16xT>, whatever its kind.
mlir::Value asVector(mlir::OpBuilder &builder, mlir::Location loc, LaneValue value);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_VECTORIZEREGION_H
