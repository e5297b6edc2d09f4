//===- Passes.h - kernels to vector code for CPUs --------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_PASSES_H
#define SINTER_PASSES_LOWER_CPU_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sinter::lower {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Lower/CPU/Passes.h.inc"

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_PASSES_H
