//===- TargetMachine.h - LLVM's view of a TargetSpec -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_CODEGEN_TARGETMACHINE_H
#define SINTER_COMPILER_CODEGEN_TARGETMACHINE_H

#include "compiler/Codegen/Codegen.h"

#include "llvm/Target/TargetMachine.h"

namespace sinter {

/// LLVM's back end for the triple; the first call makes the back ends known.
llvm::Expected<const llvm::Target *> lookupTarget(const llvm::Triple &triple);

/// One machine a thread.
std::unique_ptr<llvm::TargetMachine> createTargetMachine(const llvm::Target &target, const TargetSpec &spec);

} // namespace sinter

#endif // SINTER_COMPILER_CODEGEN_TARGETMACHINE_H
