//===- Passes.h - from tensors to kernels ----------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_PASSES_H
#define SINTER_PASSES_FUSE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sinter::fuse {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Fuse/Passes.h.inc"
} // namespace sinter::fuse

#endif // SINTER_PASSES_FUSE_PASSES_H
