//===- Passes.h - which format each weight gets ----------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_QUANTIZE_PASSES_H
#define SINTER_PASSES_QUANTIZE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sinter::quantize {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Quantize/Passes.h.inc"
} // namespace sinter::quantize

#endif // SINTER_PASSES_QUANTIZE_PASSES_H
