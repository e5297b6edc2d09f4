//===- Items.h - loops over work items and lanes ----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_ITEMS_H
#define SINTER_PASSES_LOWER_CPU_ITEMS_H

#include "passes/Lower/CPU/VectorizeRegion.h"

namespace sinter::lower {

using IndexBody = llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// A loop over the items [begin, end) of a row-major space; `body` gets each item's index in every dimension. The
/// division that finds the first item's indices is the only one.
void forEachItem(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value begin, mlir::Value end,
                 llvm::ArrayRef<mlir::OpFoldResult> sizes, IndexBody body);

/// A loop nest over a row-major space that carries values: `body` gets the indices and the values so far and returns
/// the new ones.
using CarryBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::Location, mlir::ValueRange,
                                                                    mlir::ValueRange)>;
llvm::SmallVector<mlir::Value> forNest(mlir::OpBuilder &builder, mlir::Location loc,
                                       llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::ValueRange carried,
                                       CarryBody body);

/// 16 elements at a time over [low, high): `body` gets the first of them, a mask (null where all 16 are inside) and the
/// values carried so far, and returns the new ones. Null where a call of `body` returned nullopt (it failed).
using LaneBody = llvm::function_ref<std::optional<llvm::SmallVector<mlir::Value>>(
    mlir::OpBuilder &, mlir::Location, mlir::Value, mlir::Value, mlir::ValueRange)>;
std::optional<llvm::SmallVector<mlir::Value>> forLanes(mlir::OpBuilder &builder, mlir::Location loc,
                                                       mlir::OpFoldResult low, mlir::OpFoldResult high,
                                                       mlir::ValueRange carried, LaneBody body);

mlir::Value indexConstant(mlir::OpBuilder &builder, mlir::Location loc, int64_t value);
/// A size as a value.
mlir::Value indexValue(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult size);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_ITEMS_H
