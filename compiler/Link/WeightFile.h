//===- WeightFile.h - weights written in place -----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_LINK_WEIGHTFILE_H
#define SINTER_COMPILER_LINK_WEIGHTFILE_H

#include "compiler/Link/Link.h"

namespace sinter {

/// Weights start at a multiple of this in a file, so that they can be mapped.
constexpr uint64_t kWeightAlignment = 4096;

/// Writes the weights at `offset` (a multiple of kWeightAlignment) of the open file, which grows as needed, with up to
/// `workers` threads; memory in use is that of the parts being written. Returns their hash (WeightHash.h).
llvm::Expected<uint64_t> writeWeights(int file, uint64_t offset, const WeightWriter &weights, unsigned workers,
                                      const std::function<void(uint64_t, uint64_t)> &progress);

} // namespace sinter

#endif // SINTER_COMPILER_LINK_WEIGHTFILE_H
