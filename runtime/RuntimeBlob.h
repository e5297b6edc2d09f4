//===- RuntimeBlob.h - the runtime as an object file -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_RUNTIMEBLOB_H
#define SINTER_RUNTIME_RUNTIMEBLOB_H

#include "llvm/ADT/StringRef.h"

namespace sinter {

/// A relocatable ELF object of the host, to be linked into a model's library with libc alone. All of its symbols are
/// hidden; the model's table refers to `sinter_runtime_api`. The bytes live as long as the program, aligned to 16.
llvm::StringRef runtimeObject();

} // namespace sinter

#endif // SINTER_RUNTIME_RUNTIMEBLOB_H
