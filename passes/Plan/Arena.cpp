//===- Arena.cpp - places for buffers that live at different times ------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Arena.h"

#include <algorithm>
#include <numeric>

namespace sinter::plan {

uint64_t placeBuffers(std::vector<Lifetime> &buffers) {
  auto aligned = [](uint64_t bytes) { return (bytes + 63) / 64 * 64; };
  std::vector<unsigned> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  // Of equals the first one first. (std::stable_sort would warn about itself in each build.)
  std::sort(order.begin(), order.end(),
            [&](unsigned a, unsigned b) { return buffers[a].bytes != buffers[b].bytes ? buffers[a].bytes > buffers[b].bytes : a < b; });
  std::vector<unsigned> placed; // by offset
  uint64_t size = 0;
  for (unsigned number : order) {
    Lifetime &buffer = buffers[number];
    uint64_t offset = 0;
    for (unsigned other : placed) {
      const Lifetime &taken = buffers[other];
      if (taken.last < buffer.first || buffer.last < taken.first)
        continue;
      if (offset + aligned(buffer.bytes) <= taken.offset)
        break;
      offset = std::max(offset, taken.offset + aligned(taken.bytes));
    }
    buffer.offset = offset;
    size = std::max(size, offset + aligned(buffer.bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), number, [&](unsigned a, unsigned b) { return buffers[a].offset < buffers[b].offset; }), number);
  }
  return size;
}

} // namespace sinter::plan
