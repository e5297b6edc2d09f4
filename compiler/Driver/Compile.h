//===- Compile.h - from a model's file to a library ------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_COMPILE_H
#define SINTER_COMPILER_DRIVER_COMPILE_H

#include "compiler/Driver/Options.h"
#include "compiler/Driver/Progress.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter {

/// Compiles `options.model`. The error is one sentence that names the node, file or flag; its code is
/// std::errc::invalid_argument where it is a flag that no model could be compiled with. Output files appear under their
/// names only when all of them are complete (OutputFiles). Two threads may compile at the same time.
llvm::Error compileModel(const CompileOptions &options, Progress &progress);

/// Prints what is in an ONNX file (inputs, outputs, operators, weights) and how it would be compiled, as text or JSON.
llvm::Error inspectModel(const CompileOptions &options, bool json, llvm::raw_ostream &os);

} // namespace sinter

#endif // SINTER_COMPILER_DRIVER_COMPILE_H
