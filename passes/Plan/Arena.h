//===- Arena.h - places for buffers that live at different times -*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_PLAN_ARENA_H
#define SINTER_PASSES_PLAN_ARENA_H

#include <cstdint>
#include <vector>

namespace sinter::plan {

/// A buffer that lives from dispatch `first` to dispatch `last`.
struct Lifetime {
  uint64_t bytes;
  unsigned first, last;
  uint64_t offset = 0; ///< set by placeBuffers, a multiple of 64
};

/// Gives each buffer an offset so that those that live at the same time do not overlap: the largest first, each at the lowest
/// offset that is free for its life. Returns the arena's size.
uint64_t placeBuffers(std::vector<Lifetime> &buffers);

} // namespace sinter::plan

#endif // SINTER_PASSES_PLAN_ARENA_H
