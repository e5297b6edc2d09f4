//===- Weights.h - constants of the file as weights of a linear -*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_WEIGHTS_H
#define SINTER_PASSES_RAISE_WEIGHTS_H

#include "dialects/QT/QT.h"
#include "passes/Raise/Lowering.h"

namespace sinter::raise {

/// The stored tensor behind a value, as `#onnx.tensor` or dense elements: an initializer, or null.
mlir::Attribute storedTensor(mlir::Value onnxValue);

/// A weight [N, K] for the matrix `onnxValue`, which is [K, N] where `transposed`: an initializer, seen through transposes, float casts
/// and dequantization. Null where it is none of these.
qt::SourceAttr weightSource(mlir::Value onnxValue, Inference &infer, bool transposed);

/// qt.constant for a source in its natural format.
mlir::Value weightConstant(Lowering &lower, mlir::Location loc, qt::SourceAttr source);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_WEIGHTS_H
