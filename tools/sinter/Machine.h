//===- Machine.h - what this machine can do --------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// The limits that speeds are compared with, measured rather than looked up, since they depend on what else is running.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_MACHINE_H
#define SINTER_TOOLS_SINTER_MACHINE_H

#include "llvm/Support/Error.h"

#include <cstddef>

namespace sinter::tools {

/// Memory that is read to measure bandwidth: larger than any cache, in huge pages where there are any.
class ReadBuffer {
public:
  static constexpr size_t kBytes = size_t(512) << 20;

  static llvm::Expected<ReadBuffer> create();
  ReadBuffer(ReadBuffer &&other) : memory(other.memory), mapped(other.mapped) { other.memory = nullptr; }
  ReadBuffer &operator=(ReadBuffer &&) = delete;
  ~ReadBuffer();

  /// Bytes a second that so many threads read, each its own part: the median of a few passes.
  double bandwidth(unsigned threads) const;

private:
  ReadBuffer(char *memory, size_t mapped) : memory(memory), mapped(mapped) {}
  char *memory; // the mapping; the buffer begins at its first multiple of 2 MiB
  size_t mapped;
};

/// 8-bit integer operations a second (two for each multiply-accumulate) that so many threads do in registers, with the
/// best dot-product instructions of the processor: the median of a few passes.
double int8Peak(unsigned threads);

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_MACHINE_H
