//===- Lower.h - the patterns of --kern-lower -------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_LOWER_H
#define SINTER_PASSES_LOWER_CPU_LOWER_H

#include "dialects/Kern/Kern.h"
#include "mlir/IR/PatternMatch.h"

namespace sinter::lower {

/// kern.generate, reduce, norm, softmax, matmul, scan, scatter, topk. A pattern that fails leaves its op, which the
/// pass then reports.
void populateGenericLowering(mlir::RewritePatternSet &patterns, kern::TargetAttr target);
/// kern.linear and what quantizes activations for it.
void populateLinearLowering(mlir::RewritePatternSet &patterns, kern::TargetAttr target);
/// kern.attention, its merge and the cache's append.
void populateAttentionLowering(mlir::RewritePatternSet &patterns, kern::TargetAttr target);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_LOWER_H
