//===- Passes.h - what the graph dialect means ------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_REFERENCE_PASSES_H
#define SINTER_PASSES_LOWER_REFERENCE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sinter::reference {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Lower/Reference/Passes.h.inc"

/// The pipeline `sinter-reference`: `convert-graph-to-linalg`, then upstream's passes down to the LLVM dialect.
/// Functions get C wrappers.
void registerReferencePipeline();

} // namespace sinter::reference

#endif // SINTER_PASSES_LOWER_REFERENCE_PASSES_H
