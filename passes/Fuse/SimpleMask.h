//===- SimpleMask.h - a mask without what is known of it -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_SIMPLEMASK_H
#define SINTER_PASSES_FUSE_SIMPLEMASK_H

#include "passes/Fuse/MaskValues.h"

namespace sinter::fuse {

/// A tensor like `mask` whose element at `index` (atoms, or 0 where the mask's size is 1) is computed as `value` says: one body, in which indices are
/// sums of sizes and the element's own where that is known. Null where the value is dear to compute, or has parts that cannot be written down.
mlir::Value buildSimpleMask(mlir::OpBuilder &builder, mlir::tensor::GenerateOp mask, const MaskValue *value, llvm::ArrayRef<graph::SymExpr> index,
                            graph::SymbolTable &symbols);

} // namespace sinter::fuse

#endif // SINTER_PASSES_FUSE_SIMPLEMASK_H
