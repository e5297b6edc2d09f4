//===- Link.h - objects, program and weights become a file -----*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_LINK_H
#define SINTER_COMPILER_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sinter {

/// Bytes [offset, offset + bytes) of the packed weights. `write` fills them, zero before, straight in the output file;
/// it is called once, by any thread.
struct WeightPart {
  uint64_t offset, bytes;
  std::function<llvm::Error(llvm::MutableArrayRef<char>)> write;
};

/// The packed weights. Parts do not overlap, need no order and may leave gaps, which are zero.
struct WeightWriter {
  uint64_t bytes = 0;
  std::vector<WeightPart> parts;
};

struct LinkInput {
  std::vector<llvm::MemoryBufferRef> objects; ///< the kernels'
  llvm::ArrayRef<char>
      program; ///< starts with a program::Header; its weightHash is set in the file, once the weights are there
  std::vector<std::string> kernels; ///< names of the kernels, by the number that rows call them by
  llvm::StringRef runtimeObject;    ///< relocatable object with `sinter_runtime_api`
  WeightWriter weights;
  std::string sidecar; ///< path that gets the weights; empty: section `.sinter.weights` of the output
  unsigned workers = 1;
  std::function<void(uint64_t done, uint64_t total)> progress; ///< bytes of weights written; from any thread
};

/// Writes the shared library `path` (and the sidecar). It exports `sinter_model_v1` only and needs libc.so.6 only: a
/// call of anything else, such as a function of libm, is an error that names it. Nothing outside of this process is
/// needed to link. The linker never sees the weights: they are written into the finished file, as a section that is not
/// loaded. On an error neither file is left; a caller that wants no partial file seen either gives temporary names and
/// renames. Linking is one at a time in a process, writing weights is not.
llvm::Error linkLibrary(const LinkInput &input, llvm::StringRef path);

/// The same as one relocatable object.
llvm::Error linkObject(const LinkInput &input, llvm::StringRef path);

} // namespace sinter

#endif // SINTER_COMPILER_LINK_H
