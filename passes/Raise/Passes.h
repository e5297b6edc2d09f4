//===- Passes.h - from onnx to graph ---------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_PASSES_H
#define SINTER_PASSES_RAISE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sinter::raise {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raise/Passes.h.inc"
} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_PASSES_H
