//===- RuntimeBlob.cpp - the runtime as an object file --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/RuntimeBlob.h"

extern "C" const char sinter_runtime_object[], sinter_runtime_object_end[]; // RuntimeBlob.S

llvm::StringRef sinter::runtimeObject() {
  return {sinter_runtime_object, static_cast<size_t>(sinter_runtime_object_end - sinter_runtime_object)};
}
