//===- Lowering.h - what raise rules build with ----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_LOWERING_H
#define SINTER_PASSES_RAISE_LOWERING_H

#include "passes/Raise/Inference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace sinter::raise {

/// Replaces onnx values by tensors of the graph level. Rules are given one, positioned at their node.
class Lowering {
public:
  Lowering(mlir::OpBuilder &builder, Inference &infer, bool embeddings) : builder(builder), infer(infer), embeddings(embeddings) {}

  mlir::OpBuilder &builder;
  Inference &infer;
  const bool embeddings; ///< tables of tokens are weights even where no product reads them

  /// The tensor for an onnx value; made on first use for constants and known elements.
  mlir::Value tensor(mlir::Value onnxValue);
  /// The constant itself as a tensor, so that it is read from memory and what differs from layer to layer does not get into a kernel. `tensor`, where it is none.
  mlir::Value stored(mlir::Value onnxValue);
  void map(mlir::Value onnxValue, mlir::Value tensor) { mapped[onnxValue] = tensor; }
  bool isMapped(mlir::Value onnxValue) const { return mapped.contains(onnxValue) || refused.contains(onnxValue); }
  /// A value that cannot be made a tensor, which is an error only if somebody asks for it.
  void refuse(mlir::Value onnxValue, llvm::StringRef why) { refused[onnxValue] = why.str(); }
  /// Whether somebody asked for a refused value; the error is out.
  bool failed() const { return refusalMet; }

  mlir::RankedTensorType type(llvm::ArrayRef<SymExpr> shape, mlir::Type element);
  mlir::RankedTensorType type(const TensorInfo &info) { return type(info.shape, info.element); }

  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;
  /// tensor.generate with `body` giving the element at an index.
  mlir::Value generate(mlir::Location loc, llvm::ArrayRef<SymExpr> shape, mlir::Type element, Body body);

  /// The element of an onnx value at an index of its own rank: a tensor.extract, or a constant where it is known and says how to compute (sizes, indices,
  /// an epsilon, the values of a mask) instead of being data.
  mlir::Value read(mlir::OpBuilder &b, mlir::Location loc, mlir::Value onnxValue, mlir::ValueRange index);
  /// The same for a constant that is always data: a scale or a zero point.
  mlir::Value readStored(mlir::OpBuilder &b, mlir::Location loc, mlir::Value onnxValue, mlir::ValueRange index);
  /// The same at an index of a shape that it broadcasts to.
  mlir::Value readBroadcast(mlir::OpBuilder &b, mlir::Location loc, mlir::Value onnxValue, mlir::ValueRange index);
  /// The value broadcast to `shape`: itself where it has that shape.
  mlir::Value broadcastTo(mlir::Location loc, mlir::Value onnxValue, llvm::ArrayRef<SymExpr> shape);

  /// Another view of a tensor's elements in row-major order.
  mlir::Value reshape(mlir::Location loc, mlir::Value tensor, llvm::ArrayRef<SymExpr> shape);
  /// result[i] = tensor[i permuted]: axis d of the result is axis perm[d] of the tensor.
  mlir::Value transpose(mlir::Location loc, mlir::Value tensor, llvm::ArrayRef<SymExpr> shape, llvm::ArrayRef<int64_t> perm);

  /// Index arithmetic for a size, at the builder's position (or at `b`'s).
  mlir::Value size(mlir::Location loc, const SymExpr &e) { return infer.symbols.materialize(builder, loc, e); }
  mlir::Value size(mlir::OpBuilder &b, mlir::Location loc, const SymExpr &e) { return infer.symbols.materialize(b, loc, e); }

private:
  llvm::DenseMap<mlir::Value, mlir::Value> mapped;
  llvm::DenseMap<mlir::Value, std::string> refused;
  bool refusalMet = false;
};

/// An index value as an element of integer type `type`, and back.
mlir::Value fromIndex(mlir::OpBuilder &b, mlir::Location loc, mlir::Value index, mlir::Type type);
mlir::Value toIndex(mlir::OpBuilder &b, mlir::Location loc, mlir::Value integer);
mlir::Value constantIndex(mlir::OpBuilder &b, mlir::Location loc, int64_t value);
/// A constant of float or integer type.
mlir::Value constant(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, double value);
/// A value of one ONNX element type as another, as Cast does it.
mlir::Value castElement(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v, mlir::Type from, mlir::Type to);
/// saturate(round_half_even(x / scale) + zero) as an 8- or 16-bit integer `element`; x and scale are f32, zero is of type `element` or null.
mlir::Value quantizeElement(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value scale, mlir::Value zero, mlir::Type element);
/// An unsigned element (or bool) as the signed one that compares as it does, and back: operations on tensors know signed integers only. Others as they are.
mlir::Value turnSign(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Type element);
/// A run-time index made safe: counted from the end where negative, then clamped into [0, size).
mlir::Value safeIndex(mlir::OpBuilder &b, mlir::Location loc, mlir::Value index, mlir::Value size);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_LOWERING_H
