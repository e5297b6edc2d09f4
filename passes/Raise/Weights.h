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

/// A weight [rows, columns] (stored the other way round where `transposed`) of integers of at most 8 bits with a scale each, a channel or `group` columns.
/// Null where one of the values is no constant, or the form is none that a linear takes; `zero` may be null.
qt::SourceAttr affineSource(mlir::Value payload, mlir::Value scale, mlir::Value zero, int64_t rows, int64_t columns, bool transposed, int64_t group = 0);

/// The input of a linear: an f32 tensor, and how the file quantizes it for this weight.
struct LinearInput {
  mlir::Value tensor;
  qt::ActivationAttr activation; ///< null: it does not, or no kernel takes the pair
  llvm::SmallVector<mlir::Value> params;
};

/// Makes `onnxValue` the input of a linear with `weight`: as `dequantizedInput` where it is dequantized.
LinearInput linearInput(Lowering &lower, mlir::Location loc, mlir::Value onnxValue, qt::SourceAttr weight);

/// 8-bit `codes` with one scale, a constant, and a zero point (null: 0): no activation where they are something else. `dequantized` is the onnx value that they stand for,
/// null where there is none. The kernel computes with the same codes also where they do not come from a QuantizeLinear, because what was dequantized
/// is quantized to what it was.
LinearInput dequantizedInput(Lowering &lower, mlir::Location loc, mlir::Value codes, mlir::Value scale, mlir::Value zero, qt::SourceAttr weight,
                             mlir::Value dequantized = {});

/// An f32 tensor with the codes that `scale` and `zero` (tensors of one element; null: 0) give for `element`, i8 or ui8: no activation where no kernel takes it.
LinearInput quantizedInput(Lowering &lower, mlir::Location loc, mlir::Value tensor, mlir::Value scale, mlir::Value zero, mlir::Type element,
                           qt::SourceAttr weight);

/// qt.constant for a source in its natural format.
mlir::Value weightConstant(Lowering &lower, mlir::Location loc, qt::SourceAttr source);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_WEIGHTS_H
