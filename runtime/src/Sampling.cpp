//===- Sampling.cpp - draws a token from logits ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// No memory and no sorting: the k largest logits, and those that make up a probability, are what lies above a
// threshold, which is found digit by digit in an order-preserving integer form of the logits. Logits equal to the
// threshold are kept from the first on. All sums are in the logits' order, hence a seed gives the same tokens on every
// machine.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {
namespace {

/// The largest logits: those with a key above `key`, and the first `ties` of those equal to it.
struct Threshold {
  uint32_t key;
  uint64_t ties;
};

} // namespace

/// Larger floats have larger keys; what is no number has the smallest.
static uint32_t keyOf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (value != value)
    return 0;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/// exp for x <= 0, to about 1e-15: libm is not among what a model may need.
static double exponential(double x) {
  if (!(x > -700))
    return 0;
  // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that r is exact.
  double n = static_cast<double>(static_cast<int64_t>(x * 1.4426950408889634 - 0.5));
  double r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double sum = 1;
  for (int i = 13; i >= 1; --i)
    sum = 1 + sum * r / i;
  uint64_t bits = static_cast<uint64_t>(1023 + static_cast<int64_t>(n)) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

/// Splitmix64: uniform in [0, 1).
static double uniform(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

/// Calls visit(index) for the logits above the threshold, in order, until it returns false.
template <typename Visit> static void visitKept(const float *logits, size_t count, Threshold t, Visit visit) {
  uint64_t ties = t.ties;
  for (size_t i = 0; i < count; ++i) {
    uint32_t key = keyOf(logits[i]);
    if (key < t.key || (key == t.key && ties == 0))
      continue;
    ties -= key == t.key;
    if (!visit(i))
      return;
  }
}

/// The threshold above which (with ties) `wanted` of weight lies: weight 1 each counts logits.
template <typename Weight>
static Threshold findThreshold(const float *logits, size_t count, Threshold within, double wanted, Weight weight) {
  uint32_t prefix = 0, mask = 0;
  double tieWeight = 0;
  for (int shift = 24; shift >= 0; shift -= 8) {
    double bins[256] = {};
    visitKept(logits, count, within, [&](size_t i) {
      uint32_t key = keyOf(logits[i]);
      if ((key & mask) == prefix)
        bins[key >> shift & 255] += weight(i);
      return true;
    });
    // The highest digit with what is wanted at or above it; rounding may leave a rest, which the lowest filled one
    // takes.
    int digit = 255, lowest = 255;
    for (; digit >= 0; --digit) {
      if (bins[digit] > 0)
        lowest = digit;
      if (bins[digit] > 0 && bins[digit] >= wanted)
        break;
      wanted -= bins[digit];
    }
    if (digit < 0) {
      digit = lowest;
      wanted = bins[digit];
    }
    tieWeight = bins[digit];
    prefix |= static_cast<uint32_t>(digit) << shift;
    mask |= 255u << shift;
  }
  // All ties weigh the same.
  uint64_t ties = 0;
  visitKept(logits, count, within, [&](size_t i) { return ties += keyOf(logits[i]) == prefix, true; });
  double each = ties ? tieWeight / static_cast<double>(ties) : 1;
  uint64_t needed = 1;
  while (needed < ties && static_cast<double>(needed) * each < wanted)
    ++needed;
  return {prefix, needed};
}

int64_t sample(sinter_sampling &sampling, const float *logits, size_t count) {
  size_t best = count;
  for (size_t i = 0; i < count; ++i)
    if (logits[i] == logits[i] && (best == count || logits[i] > logits[best]))
      best = i;
  if (best == count)
    return -1;
  if (!(sampling.temperature > 0))
    return static_cast<int64_t>(best);

  double largest = static_cast<double>(logits[best]), inverse = 1 / static_cast<double>(sampling.temperature);
  auto weight = [&](size_t i) {
    double below = (static_cast<double>(logits[i]) - largest) * inverse;
    return logits[i] == logits[best] ? 1.0 : exponential(below); // also where both are infinite
  };
  Threshold kept = {1, UINT64_MAX}; // above what is no number
  if (sampling.top_k && sampling.top_k < count)
    kept = findThreshold(logits, count, kept, sampling.top_k, [](size_t) { return 1.0; });
  double total = 0;
  auto sum = [&] {
    total = 0;
    visitKept(logits, count, kept, [&](size_t i) { return total += weight(i), true; });
  };
  sum();
  if (sampling.top_p > 0 && sampling.top_p < 1) {
    kept = findThreshold(logits, count, kept, total * static_cast<double>(sampling.top_p), weight);
    sum();
  }
  double left = uniform(sampling.seed) * total;
  int64_t token = static_cast<int64_t>(best);
  visitKept(logits, count, kept, [&](size_t i) {
    double w = weight(i);
    if (w > 0)
      token = static_cast<int64_t>(i);
    left -= w;
    return left >= 0 || !(w > 0);
  });
  return token;
}

} // namespace sinter::runtime
