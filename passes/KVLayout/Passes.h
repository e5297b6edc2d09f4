//===- Passes.h - where keys and values are kept ----------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KVLAYOUT_PASSES_H
#define SINTER_PASSES_KVLAYOUT_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sinter::kvlayout {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/KVLayout/Passes.h.inc"
} // namespace sinter::kvlayout

#endif // SINTER_PASSES_KVLAYOUT_PASSES_H
