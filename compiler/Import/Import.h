//===- Import.h - reads ONNX files ------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_IMPORT_H
#define SINTER_COMPILER_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace sinter {

/// Limits that a file cannot make the importer exceed.
struct ImportOptions {
  /// Graphs within attributes of nodes and calls of local functions, one in another.
  unsigned maxDepth = 64;
  /// Nodes in all, after local functions have been inlined.
  uint64_t maxNodes = uint64_t(1) << 21;
};

/// Reads the ONNX model at `path` into a module of the `onnx` dialect with one function, `@main`. Tensors stay in the file,
/// which `#onnx.data` attributes name by `path` and, for external data, by its folder joined with their location.
/// Sorts nodes and inlines local functions. Returns null after an error has been emitted, which names the file, node or tensor.
/// Loads the dialects that it needs into `context`; thread-safe for different contexts.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(mlir::MLIRContext &context, llvm::StringRef path, const ImportOptions &options = {});

} // namespace sinter

#endif // SINTER_COMPILER_IMPORT_IMPORT_H
