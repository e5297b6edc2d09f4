//===- Patterns.h - the definitions, a family a function --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_REFERENCE_PATTERNS_H
#define SINTER_PASSES_LOWER_REFERENCE_PATTERNS_H

#include "dialects/Graph/Graph.h"
#include "passes/Lower/Reference/TensorBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace sinter::reference {

// One file each. The converter makes weights f32 tensors [N, K] and integers signless.
void populateAttentionDefinitions(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types);
void populateLinearDefinitions(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types);
void populatePlaceDefinitions(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types);
void populateReduceDefinitions(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types);
void populateRowDefinitions(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types);
void populateWeightDefinitions(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types);

/// Replaces `graph.dim` by arithmetic on the sizes of the function's arguments, and `graph.bind` by assertions.
mlir::LogicalResult defineSizes(mlir::func::FuncOp func);

/// The input of a linear (f32) with each element rounded to the value that its code stands for.
mlir::Value quantizeInput(TensorBuilder &b, mlir::Value input, qt::QuantTensorType weight,
                          qt::ActivationAttr activation, mlir::ValueRange params);

/// Replaces the op, whose types may know more or fewer sizes than the values'.
void replace(mlir::ConversionPatternRewriter &rewriter, mlir::Operation *op, mlir::ValueRange values);

} // namespace sinter::reference

#endif // SINTER_PASSES_LOWER_REFERENCE_PATTERNS_H
