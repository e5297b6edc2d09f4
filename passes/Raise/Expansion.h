//===- Expansion.h - a node as simpler nodes -------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_EXPANSION_H
#define SINTER_PASSES_RAISE_EXPANSION_H

#include "passes/Raise/Inference.h"

namespace sinter::raise {

/// Builds the nodes that stand for one compound node. They are put in front of it and have no shapes yet: raise infers them next, and recognisers see through the
/// compound as if the exporter had written it out.
class Expansion {
public:
  explicit Expansion(onnx::NodeOp node);

  /// A node of ONNX's own domain, in a version that has every operator's current form; null inputs are absent ones.
  mlir::Value node(llvm::StringRef type, llvm::ArrayRef<mlir::Value> inputs, llvm::ArrayRef<mlir::NamedAttribute> attributes = {}, llvm::StringRef domain = "") {
    return nodes(type, inputs, 1, attributes, domain).front();
  }
  mlir::ValueRange nodes(llvm::StringRef type, llvm::ArrayRef<mlir::Value> inputs, unsigned results, llvm::ArrayRef<mlir::NamedAttribute> attributes = {},
                         llvm::StringRef domain = "");
  mlir::NamedAttribute attribute(llvm::StringRef name, int64_t value) { return {name, builder.getI64IntegerAttr(value)}; }
  mlir::NamedAttribute attribute(llvm::StringRef name, llvm::ArrayRef<int64_t> value) { return {name, builder.getDenseI64ArrayAttr(value)}; }
  mlir::NamedAttribute attribute(llvm::StringRef name, double value) { return {name, builder.getF32FloatAttr(float(value))}; }

  /// A vector of int64.
  mlir::Value integers(llvm::ArrayRef<int64_t> values);
  /// A scalar of float type `element`.
  mlir::Value scalar(double value, mlir::Type element);

  /// (a - aZero) * (b - bZero) * aScale * bScale of 8-bit integers in the form that is recognised where b is a weight; zero points may be null.
  mlir::Value integerProduct(mlir::Value a, mlir::Value b, mlir::Value aScale, mlir::Value bScale, mlir::Value aZero, mlir::Value bZero);

  /// What result `index` of the compound is from now on.
  void replace(unsigned index, mlir::Value value) { compound.getResult(index).replaceAllUsesWith(value); }

  mlir::OpBuilder builder;

private:
  onnx::NodeOp compound;
};

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_EXPANSION_H
