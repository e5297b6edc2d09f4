//===- WeightHash.h - the hash of a model's packed weights -----*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Blocks of 4 MiB are hashed on their own, so that threads can do it while they write or read them, and then their
// hashes are. It finds damage and mix-ups, not forgery.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_WEIGHTHASH_H
#define SINTER_RUNTIME_WEIGHTHASH_H

#include <stdint.h>
#include <string.h>

namespace sinter::program {

constexpr uint64_t kHashBlock = 4u << 20;

inline uint64_t hashMix(uint64_t state, uint64_t word) {
  state = (state ^ word) * 0x9e3779b97f4a7c15u;
  return state ^ (state >> 29);
}

/// Hash of one block: kHashBlock bytes, fewer only for the last.
inline uint64_t hashBlock(const char *data, uint64_t bytes) {
  uint64_t lanes[4] = {1, 2, 3, 4}; // independent, so that the multiplications overlap
  uint64_t at = 0, words[4];
  for (; at + sizeof words <= bytes; at += sizeof words) {
    memcpy(words, data + at, sizeof words);
    for (int i = 0; i < 4; ++i)
      lanes[i] = hashMix(lanes[i], words[i]);
  }
  memset(words, 0, sizeof words);
  memcpy(words, data + at, bytes - at);
  uint64_t hash = bytes;
  for (int i = 0; i < 4; ++i)
    hash = hashMix(hash, hashMix(lanes[i], words[i]));
  return hash;
}

/// The hash of the whole: start with `bytes`, then combine the blocks' hashes from first to last.
inline uint64_t hashCombine(uint64_t hash, uint64_t block) { return hashMix(hash, block); }
inline uint64_t hashWeights(const char *data, uint64_t bytes) {
  uint64_t hash = bytes;
  for (uint64_t at = 0; at < bytes; at += kHashBlock)
    hash = hashCombine(hash, hashBlock(data + at, bytes - at < kHashBlock ? bytes - at : kHashBlock));
  return hash;
}

} // namespace sinter::program

#endif // SINTER_RUNTIME_WEIGHTHASH_H
