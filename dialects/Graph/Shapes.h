//===- Shapes.h - the sizes of a tensor as expressions ---------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_GRAPH_SHAPES_H
#define SINTER_DIALECTS_GRAPH_SHAPES_H

#include "dialects/Graph/Symbols.h"

#include <memory>

namespace sinter::graph {

/// Finds the sizes of tensors at the graph level from the ops that make them. Remembers what it found.
class Shapes {
public:
  explicit Shapes(SymbolTable &symbols) : symbols(symbols) {}
  /// Valid as long as this object.
  llvm::ArrayRef<SymExpr> of(mlir::Value tensor);
  SymExpr elements(mlir::Value tensor);
  SymbolTable &symbols;

private:
  llvm::SmallVector<SymExpr, 4> compute(mlir::Value tensor);
  llvm::DenseMap<mlir::Value, std::unique_ptr<llvm::SmallVector<SymExpr, 4>>> known;
};

} // namespace sinter::graph

#endif // SINTER_DIALECTS_GRAPH_SHAPES_H
