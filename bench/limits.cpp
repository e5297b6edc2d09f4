//===- limits.cpp - what this machine can do ----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "bench/limits.h"

#include <ctime>
#include <immintrin.h>

/// Seconds of this thread's own time, so that others on the machine disturb less.
static double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) double sinter::bench::dotPeak() {
  __m512i acc[12], x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(2);
  for (int i = 0; i < 12; ++i)
    acc[i] = _mm512_set1_epi32(i);
  constexpr int kRounds = 2000000;
  double start = now();
  for (int n = 0; n < kRounds; ++n) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; ++i)
      acc[i] = _mm512_dpbusd_epi32(acc[i], x, y);
    asm volatile("" : "+v"(acc[0]), "+v"(acc[1]), "+v"(acc[2]), "+v"(acc[3]), "+v"(acc[4]), "+v"(acc[5]));
    asm volatile("" : "+v"(acc[6]), "+v"(acc[7]), "+v"(acc[8]), "+v"(acc[9]), "+v"(acc[10]), "+v"(acc[11]));
  }
  return kRounds * 12. * 128 / (now() - start) / 1e9;
}

__attribute__((target("avx512f"))) double sinter::bench::fmaPeak() {
  __m512 acc[12], x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(0.25f);
  for (int i = 0; i < 12; ++i)
    acc[i] = _mm512_set1_ps(i);
  constexpr int kRounds = 2000000;
  double start = now();
  for (int n = 0; n < kRounds; ++n) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; ++i)
      acc[i] = _mm512_fmadd_ps(x, y, acc[i]);
    asm volatile("" : "+v"(acc[0]), "+v"(acc[1]), "+v"(acc[2]), "+v"(acc[3]), "+v"(acc[4]), "+v"(acc[5]));
    asm volatile("" : "+v"(acc[6]), "+v"(acc[7]), "+v"(acc[8]), "+v"(acc[9]), "+v"(acc[10]), "+v"(acc[11]));
  }
  return kRounds * 12. * 32 / (now() - start) / 1e9;
}

__attribute__((target("avx512f"))) void sinter::bench::readAll(const char *bytes, size_t size) {
  __m512i acc[8];
  for (__m512i &a : acc)
    a = _mm512_setzero_si512();
  for (size_t i = 0; i + 512 <= size; i += 512)
    for (int j = 0; j < 8; ++j)
      acc[j] = _mm512_xor_si512(acc[j], _mm512_load_si512(bytes + i + 64 * j));
  for (__m512i &a : acc)
    asm volatile("" ::"v"(a));
}
