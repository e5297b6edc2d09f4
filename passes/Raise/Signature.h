//===- Signature.h - what operators take -----------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_SIGNATURE_H
#define SINTER_PASSES_RAISE_SIGNATURE_H

#include "passes/Raise/Inference.h"

namespace sinter::raise {

/// Emits an error where the node has too few or too many inputs, inputs of other element types than its operator takes, or too few
/// results. Rules need not look again. The infos of all inputs are known.
llvm::LogicalResult checkSignature(onnx::NodeOp node, const Inference &infer);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_SIGNATURE_H
