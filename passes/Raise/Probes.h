//===- Probes.h - values inside the graph as outputs -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_PROBES_H
#define SINTER_PASSES_RAISE_PROBES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sinter::raise {

/// Adds results to `@main`: for the name of a value that value, for that of a node all its outputs, under the values' names. What is an output already stays it.
/// A name that nothing has is an error, and so is that of an input or of a constant.
mlir::LogicalResult addProbes(mlir::func::FuncOp func, llvm::ArrayRef<std::string> names);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_PROBES_H
