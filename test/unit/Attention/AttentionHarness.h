//===- AttentionHarness.h - attention kernels, compiled and called -*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_ATTENTION_HARNESS_H
#define SINTER_TEST_UNIT_ATTENTION_HARNESS_H

#include "runtime/src/Program.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sinter::test {

/// What one attention computes, and how the kernels for it are made.
struct AttentionSpec {
  int64_t heads = 4, kvHeads = 2, keyDim = 16, valueDim = 16, capacity = 1200;
  std::string layout = "f32", out = "f32"; ///< element types
  bool causal = false, sinks = false, zeroMaskedRows = false, partials = true;
  int64_t window = 0;
  float scale = 0.25f, softcap = 0, outside = 0; ///< 0: none
  /// "", "padding" (keep where the mask is 1), "smallest" (bias finfo.min where it is 0), "causal" (keep up to the query's
  /// position), "exporter" (bias finfo.min where the mask is 0 or the key after the query or 100 or more before it), "distance" (bias slope[head] * (key - query), and keep where the mask is 1).
  std::string mask;
  std::string cpu = "native";
};

/// One call's memory: q [B, length, H, D], k and v [B, length, KV heads, D], all of f32.
struct AttentionCall {
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  const int64_t *mask = nullptr; ///< [B, length]
  const float *slopes = nullptr, *sinks = nullptr; ///< [H]
  int64_t length = 0, sequences = 1; ///< tokens of the buffers
  uint8_t *cache = nullptr;
  int64_t past = 0, tokens = 0;  ///< the new tokens stand at past ... of q, k and v
  int64_t total = 0;
  void *out = nullptr;           ///< [B, tokens, H, Dv]
};

/// Aligned bytes, filled with what reads as NaN.
class Buffer {
public:
  explicit Buffer(int64_t bytes);
  ~Buffer();
  Buffer(const Buffer &) = delete;
  uint8_t *data() { return memory; }

private:
  uint8_t *memory;
};

/// Kernels compiled for this machine.
class AttentionKernels {
public:
  /// Ends the process with a message where something does not compile.
  explicit AttentionKernels(const AttentionSpec &spec);
  ~AttentionKernels();

  int64_t cacheBytes(int64_t sequences) const { return sequenceBytes * sequences; }
  /// Appends the new keys and values. Each kernel's items run in `pieces` ranges, last one first.
  void append(const AttentionCall &call, int64_t pieces = 1);
  /// Attends with the new queries.
  void attend(const AttentionCall &call, int64_t pieces = 1);
  /// Reads an element back from a cache: [sequences, KV heads, tokens, channels] of `part` ("key" or "value").
  std::vector<float> exportPlain(const AttentionCall &call, const std::string &part);
  /// For timing: work items of the attention and of its merge, and a range of them. `reserve` comes first.
  void reserve(int64_t sequences);
  int64_t attendGrid(const AttentionCall &call) const;
  int64_t mergeGrid(const AttentionCall &call) const;
  void attendRange(const AttentionCall &call, int64_t begin, int64_t end, uint8_t *scratch) const;
  void mergeRange(const AttentionCall &call, int64_t begin, int64_t end) const;
  int64_t getScratchBytes() const { return scratchBytes; }

private:
  struct Code;
  void run(program::Kernel kernel, const AttentionCall &call, int64_t pieces);

  AttentionSpec spec;
  std::unique_ptr<Code> code;
  int64_t sequenceBytes = 0, partialBytesPerSequence = 0, scratchBytes = 0;
  std::unique_ptr<Buffer> partials;
  int64_t partialSequences = 0;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_ATTENTION_HARNESS_H
