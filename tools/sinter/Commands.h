//===- Commands.h - the subcommands ----------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Each takes the arguments behind its name. The error is one sentence; a UsageError means a wrong command line.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_COMMANDS_H
#define SINTER_TOOLS_SINTER_COMMANDS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace sinter::tools {

llvm::Error compileCommand(llvm::ArrayRef<llvm::StringRef> arguments);
llvm::Error runCommand(llvm::ArrayRef<llvm::StringRef> arguments);
llvm::Error benchCommand(llvm::ArrayRef<llvm::StringRef> arguments);
llvm::Error inspectCommand(llvm::ArrayRef<llvm::StringRef> arguments);
llvm::Error verifyCommand(llvm::ArrayRef<llvm::StringRef> arguments);

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_COMMANDS_H
