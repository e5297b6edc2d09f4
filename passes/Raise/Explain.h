//===- Explain.h - why products are no linears -----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_EXPLAIN_H
#define SINTER_PASSES_RAISE_EXPLAIN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sinter::raise {

/// Notes (dialects/Graph/Notes.h) the products in raised IR of which one side follows from constants, but did not become a weight.
void explainProducts(mlir::func::FuncOp func);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_EXPLAIN_H
