//===- Generic.h - what the generic kernels' lowerings share ----*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_GENERIC_H
#define SINTER_PASSES_LOWER_CPU_GENERIC_H

#include "dialects/Kern/Kern.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Lower/CPU/VectorizeRegion.h"

namespace sinter::lower {

/// An error at `op` unless elements of `out` along dimension `lanes` are side by side.
llvm::LogicalResult checkLaneStride(mlir::Operation *op, mlir::Value out, int64_t lanes);

/// The values as uniform ones.
llvm::SmallVector<LaneValue> asUniform(mlir::ValueRange values);

/// Runs a region of an op whose last argument runs over lanes, and gives its values; stores them where `outs` are
/// given. `leading` come before `indices`; `indices` do not include the lane's.
llvm::FailureOr<llvm::SmallVector<LaneValue>> runLanes(mlir::OpBuilder &builder, mlir::Region &region,
                                                       llvm::ArrayRef<LaneValue> leading, mlir::ValueRange indices,
                                                       mlir::Value position, mlir::Value mask);

/// `runLanes` and a store of each yielded value to its output.
llvm::LogicalResult storeRegion(mlir::OpBuilder &builder, mlir::Location loc, mlir::Region &region,
                                llvm::ArrayRef<LaneValue> leading, mlir::ValueRange indices, mlir::Value position,
                                mlir::Value mask, mlir::ValueRange outs);

/// `kind` of two scalars or vectors; for kinds that combine values.
mlir::Value combine(mlir::OpBuilder &builder, mlir::Location loc, kern::ReduceKind kind, mlir::Value lhs,
                    mlir::Value rhs);

/// What leaves any value as it is under `kind` (the arg kinds: what any value beats).
mlir::TypedAttr identityOf(mlir::OpBuilder &builder, kern::ReduceKind kind, mlir::Type element);

/// A vector's lanes combined as a tree: halves, quarters, ...
mlir::Value combineLanes(mlir::OpBuilder &builder, mlir::Location loc, kern::ReduceKind kind, mlir::Value vector);

/// `count` lanes of a vector from `first` on.
mlir::Value someLanes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value vector, int64_t first, int64_t count);

/// 16 lanes of one attribute.
mlir::Value splatConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::TypedAttr element);

void populateGenerateLowering(mlir::RewritePatternSet &patterns);
void populateMatMulLowering(mlir::RewritePatternSet &patterns, kern::TargetAttr target);
void populateReduceLowering(mlir::RewritePatternSet &patterns);
void populateRowLowering(mlir::RewritePatternSet &patterns);
void populateScanLowering(mlir::RewritePatternSet &patterns);
void populateScatterLowering(mlir::RewritePatternSet &patterns);
void populateTopKLowering(mlir::RewritePatternSet &patterns);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_GENERIC_H
