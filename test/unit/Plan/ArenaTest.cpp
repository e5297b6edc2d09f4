//===- ArenaTest.cpp - places for buffers ---------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Arena.h"

#include "gtest/gtest.h"
#include <random>

using namespace sinter::plan;

namespace {

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Checks what placeBuffers promises; returns the most bytes that live at one time.
uint64_t check(const std::vector<Lifetime> &buffers, uint64_t size) {
  uint64_t most = 0;
  for (const Lifetime &a : buffers) {
    EXPECT_EQ(a.offset % 64, 0u);
    EXPECT_LE(a.offset + a.bytes, size);
    uint64_t living = 0;
    for (const Lifetime &b : buffers) {
      if (b.first <= a.first && a.first <= b.last)
        living += aligned(b.bytes);
      bool together = a.first <= b.last && b.first <= a.last;
      if (&a != &b && together && a.bytes && b.bytes)
        EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset)
            << a.bytes << " bytes at " << a.offset << " and " << b.bytes << " at " << b.offset;
    }
    most = std::max(most, living);
  }
  EXPECT_GE(size, most);
  return most;
}

TEST(Arena, Chain) {
  std::vector<Lifetime> buffers;
  for (unsigned i = 0; i < 10; ++i)
    buffers.push_back({100, i, i + 1});
  EXPECT_EQ(placeBuffers(buffers), 256u);
  check(buffers, 256);
}

TEST(Arena, EndIsInclusive) {
  std::vector<Lifetime> buffers{{64, 0, 3}, {64, 3, 5}};
  EXPECT_EQ(placeBuffers(buffers), 128u);
  buffers = {{64, 0, 3}, {64, 4, 5}};
  EXPECT_EQ(placeBuffers(buffers), 64u);
}

TEST(Arena, SmallBuffersFillAGap) {
  // 4096 + 4032 + 64 bytes live at one time, in what the large one leaves.
  std::vector<Lifetime> buffers{{8192, 0, 1}, {4096, 2, 3}, {4000, 2, 3}, {64, 2, 2}};
  uint64_t size = placeBuffers(buffers);
  EXPECT_EQ(size, 8192u);
  check(buffers, size);
}

TEST(Arena, Nothing) {
  std::vector<Lifetime> buffers;
  EXPECT_EQ(placeBuffers(buffers), 0u);
  buffers = {{0, 0, 5}, {0, 0, 5}};
  EXPECT_EQ(placeBuffers(buffers), 0u);
}

TEST(Arena, Random) {
  std::mt19937 random(4);
  double worst = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Lifetime> buffers;
    unsigned count = random() % 60, rows = random() % 40 + 1;
    for (unsigned i = 0; i < count; ++i) {
      unsigned first = random() % rows;
      buffers.push_back({random() % (random() % 2 ? 300 : 100000), first, std::min<unsigned>(rows, first + random() % 8)});
    }
    uint64_t size = placeBuffers(buffers), most = check(buffers, size);
    if (most)
      worst = std::max(worst, double(size) / double(most));
  }
  EXPECT_LE(worst, 1.6) << "of what lives at one time";
}

} // namespace
