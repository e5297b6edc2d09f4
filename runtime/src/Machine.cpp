//===- Machine.cpp - what this processor can do ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Code for instructions that a processor lacks would end in SIGILL somewhere in the first step; this gives the reason
// instead.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace sinter::runtime {
namespace {

/// A feature by LLVM's name, and the bit that says it is there.
struct Feature {
  const char *name;
  uint8_t word, bit;
};

} // namespace

#if defined(__x86_64__)
enum Word : uint8_t { kLeaf1C, kLeaf7B, kLeaf7C, kLeaf7D, kLeaf71A, kLeaf71D, kWords };
static const Feature features[] = {
    {"fma", kLeaf1C, 12},         {"f16c", kLeaf1C, 29},         {"avx", kLeaf1C, 28},
    {"sse4.1", kLeaf1C, 19},      {"sse4.2", kLeaf1C, 20},       {"popcnt", kLeaf1C, 23},
    {"avx2", kLeaf7B, 5},         {"bmi", kLeaf7B, 3},           {"bmi2", kLeaf7B, 8},
    {"avx512f", kLeaf7B, 16},     {"avx512dq", kLeaf7B, 17},     {"avx512ifma", kLeaf7B, 21},
    {"avx512cd", kLeaf7B, 28},    {"avx512bw", kLeaf7B, 30},     {"avx512vl", kLeaf7B, 31},
    {"avx512vbmi", kLeaf7C, 1},   {"avx512vbmi2", kLeaf7C, 6},   {"gfni", kLeaf7C, 8},
    {"avx512vnni", kLeaf7C, 11},  {"avx512bitalg", kLeaf7C, 12}, {"avx512vpopcntdq", kLeaf7C, 14},
    {"avx512fp16", kLeaf7D, 23},  {"amx-bf16", kLeaf7D, 22},     {"amx-tile", kLeaf7D, 24},
    {"amx-int8", kLeaf7D, 25},    {"avxvnni", kLeaf71A, 4},      {"avx512bf16", kLeaf71A, 5},
    {"avxvnniint8", kLeaf71D, 4},
};

static void readMachine(uint64_t *words) {
  uint32_t a, b, c, d;
  bool avx = false, wide = false;
  if (__get_cpuid(1, &a, &b, &c, &d)) {
    words[kLeaf1C] = c;
    if (c & (1u << 27)) { // the system has to save the registers, too
      uint32_t low, high;
      asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      avx = (low & 0x6) == 0x6, wide = avx && (low & 0xe0) == 0xe0;
    }
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    words[kLeaf7B] = b, words[kLeaf7C] = c, words[kLeaf7D] = d;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
      words[kLeaf71A] = a, words[kLeaf71D] = d;
  }
  if (!avx)
    words[kLeaf1C] &= ~(1ull << 28), words[kLeaf7B] &= ~(1ull << 5);
  if (!wide)
    words[kLeaf7B] &= ~(1ull << 16);
}
#elif defined(__aarch64__)
enum Word : uint8_t { kHwcap, kHwcap2, kWords };
static const Feature features[] = {
    {"fullfp16", kHwcap, 10}, {"dotprod", kHwcap, 20}, {"sve", kHwcap, 22},
    {"sve2", kHwcap2, 1},     {"i8mm", kHwcap2, 13},   {"bf16", kHwcap2, 14},
};

static void readMachine(uint64_t *words) {
  words[kHwcap] = getauxval(AT_HWCAP);
  words[kHwcap2] = getauxval(AT_HWCAP2);
}
#else
enum Word : uint8_t { kWords = 1 };
static const Feature features[] = {{"", 0, 0}};
static void readMachine(uint64_t *) {}
#endif

int checkFeatures(const char *wanted, char *why) {
  uint64_t words[kWords] = {};
  readMachine(words);
  for (const char *at = wanted; *at;) {
    size_t length = strcspn(at, ",");
    for (const Feature &feature : features)
      if (*at == '+' && strlen(feature.name) == length - 1 && memcmp(feature.name, at + 1, length - 1) == 0 &&
          !(words[feature.word] >> feature.bit & 1))
        return fail(
            why, SINTER_ERROR_MACHINE,
            "the model was compiled for processors with %s, which this one lacks; compile it with another --mcpu",
            feature.name);
    at += length;
    at += *at == ',';
  }
  return SINTER_OK;
}

} // namespace sinter::runtime
