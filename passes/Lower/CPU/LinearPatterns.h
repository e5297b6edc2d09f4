//===- LinearPatterns.h - patterns around linears --------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_LINEARPATTERNS_H
#define SINTER_PASSES_LOWER_CPU_LINEARPATTERNS_H

#include "passes/Lower/CPU/Lower.h"

namespace sinter::lower {

/// kern.quantize_rows and kern.row_range.
void populateQuantizeRowsLowering(mlir::RewritePatternSet &patterns, kern::TargetAttr target);
/// kern.gather_rows.
void populateGatherRowsLowering(mlir::RewritePatternSet &patterns, kern::TargetAttr target);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_LINEARPATTERNS_H
