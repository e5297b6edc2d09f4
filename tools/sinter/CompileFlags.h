//===- CompileFlags.h - the options of a compilation -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_COMPILEFLAGS_H
#define SINTER_TOOLS_SINTER_COMPILEFLAGS_H

#include "compiler/Driver/Options.h"
#include "tools/sinter/Options.h"

#include <string>

namespace sinter::tools {

/// Declares the options of `sinter compile` on a command; parsing fills in `options`, which outlives it.
class CompileFlags {
public:
  CompileFlags(Command &command, CompileOptions &options);
  /// Checks what goes together, after parsing. The error is a UsageError.
  llvm::Error finish(CompileOptions &options) const;

  bool verbose = false;
  std::string tokenizer; ///< a file that the user named; empty: look beside the model
};

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_COMPILEFLAGS_H
