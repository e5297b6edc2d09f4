//===- Machine.cpp - what this machine can do ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Machine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>
#endif

using namespace llvm;
using namespace sinter::tools;

static constexpr size_t kHugePage = size_t(2) << 20;
static constexpr unsigned kPasses = 7;

/// Runs `work(thread)` on every thread at once, several times; the median of the seconds from start to the last one's
/// end.
static double medianSeconds(unsigned threads, const std::function<void(unsigned)> &work) {
  using Clock = std::chrono::steady_clock;
  std::atomic<unsigned> arrived{0}, finished{0};
  auto pass = [&](unsigned thread, unsigned number) {
    ++arrived;
    while (arrived < threads * (number + 1)) // all start together
      std::this_thread::yield();
    work(thread);
    ++finished;
  };
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < threads; ++thread)
    others.emplace_back([&, thread] {
      for (unsigned number = 0; number <= kPasses; ++number)
        pass(thread, number);
    });
  std::vector<double> seconds;
  for (unsigned number = 0; number <= kPasses; ++number) {
    while (finished < threads * number)
      std::this_thread::yield();
    auto begin = Clock::now();
    pass(0, number);
    while (finished < threads * (number + 1))
      std::this_thread::yield();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  for (std::thread &thread : others)
    thread.join();
  std::sort(seconds.begin() + 1, seconds.end()); // the first one warms up
  return seconds[1 + kPasses / 2];
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

Expected<ReadBuffer> ReadBuffer::create() {
  size_t mapped = kBytes + kHugePage;
  void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return createStringError("no memory to measure the bandwidth with");
  madvise(memory, mapped, MADV_HUGEPAGE);
  memset(memory, 1, mapped);
  return ReadBuffer(static_cast<char *>(memory), mapped);
}

ReadBuffer::~ReadBuffer() {
  if (memory)
    munmap(memory, mapped);
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t readWide(const char *begin, size_t bytes) {
  __m512i sum[8] = {};
  for (size_t i = 0; i < bytes; i += 512)
    for (size_t k = 0; k < 8; ++k)
      sum[k] = _mm512_xor_si512(sum[k], _mm512_load_si512(begin + i + 64 * k));
  for (size_t k = 1; k < 8; ++k)
    sum[0] = _mm512_xor_si512(sum[0], sum[k]);
  return _mm512_reduce_add_epi64(sum[0]);
}
#endif

static uint64_t readPlain(const char *begin, size_t bytes) {
  uint64_t sum[16] = {};
  for (size_t i = 0; i < bytes; i += sizeof sum) {
    uint64_t line[16];
    memcpy(line, begin + i, sizeof line);
    for (size_t k = 0; k < 16; ++k)
      sum[k] ^= line[k];
  }
  uint64_t all = 0;
  for (uint64_t part : sum)
    all ^= part;
  return all;
}

double ReadBuffer::bandwidth(unsigned threads) const {
  const char *begin = memory + (kHugePage - reinterpret_cast<uintptr_t>(memory) % kHugePage) % kHugePage;
  auto *read = readPlain;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    read = readWide;
#endif
  std::atomic<uint64_t> sink{0};
  double seconds = medianSeconds(threads, [&](unsigned thread) {
    size_t unit = 4096, from = kBytes / unit * thread / threads * unit,
           to = kBytes / unit * (thread + 1) / threads * unit;
    sink += read(begin + from, to - from);
  });
  return kBytes / seconds;
}

//===----------------------------------------------------------------------===//
// Dot products
//===----------------------------------------------------------------------===//

// Each does `rounds` times as many operations as the constant says, on independent accumulators that fill the pipeline.
// The instructions are written out, so that nothing is folded away.
static constexpr size_t kAccumulators = 12;
static constexpr size_t kUnit = kAccumulators * 128; // operations of a round: 12 x 64 multiply-accumulates

#if defined(__x86_64__)
#define SINTER_REPEAT_12(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

__attribute__((target("avx512f,avx512vnni"))) static void dotAvx512(size_t rounds) {
  __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(2), sum[kAccumulators] = {};
  while (rounds--) {
#define SINTER_DOT(I) asm volatile("vpdpbusd %1, %2, %0" : "+v"(sum[I]) : "v"(b), "v"(a));
    SINTER_REPEAT_12(SINTER_DOT)
#undef SINTER_DOT
  }
}

__attribute__((target("avx2"))) static void dotAvxVnni(size_t rounds) {
  __m256i a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(2), sum[kAccumulators] = {};
  for (rounds *= 2; rounds--;) {
#define SINTER_DOT(I) asm volatile("%{vex%} vpdpbusd %1, %2, %0" : "+x"(sum[I]) : "x"(b), "x"(a));
    SINTER_REPEAT_12(SINTER_DOT)
#undef SINTER_DOT
  }
}

__attribute__((target("avx2"))) static void dotAvx2(size_t rounds) {
  __m256i a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(2), one = _mm256_set1_epi16(1), sum[kAccumulators] = {};
  for (rounds *= 2; rounds--;) {
#define SINTER_DOT(I)                                                                                                  \
  {                                                                                                                    \
    __m256i product;                                                                                                   \
    asm volatile("vpmaddubsw %2, %3, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"                                   \
                 : "+x"(sum[I]), "=&x"(product)                                                                        \
                 : "x"(b), "x"(a), "x"(one));                                                                          \
  }
    SINTER_REPEAT_12(SINTER_DOT)
#undef SINTER_DOT
  }
}
#elif defined(__aarch64__)
__attribute__((target("dotprod"))) static void dotNeon(size_t rounds) {
  int8x16_t a = vdupq_n_s8(1), b = vdupq_n_s8(2);
  int32x4_t sum[kAccumulators] = {};
  for (rounds *= 4; rounds--;)
    for (int32x4_t &s : sum)
      asm volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(s) : "w"(a), "w"(b));
}
#endif

static void dotPlain(size_t rounds) {
  int8_t a[64], b[64];
  memset(a, 1, sizeof a), memset(b, 2, sizeof b);
  int32_t sum[16] = {};
  for (rounds *= kAccumulators; rounds--;) {
    for (size_t i = 0; i < 64; ++i)
      sum[i / 4] += int32_t(a[i]) * b[i];
    asm volatile("" : "+m"(a), "+m"(b), "+m"(sum));
  }
}

double sinter::tools::int8Peak(unsigned threads) {
  void (*dot)(size_t) = dotPlain;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni"))
    dot = dotAvx512;
  else if (__builtin_cpu_supports("avxvnni"))
    dot = dotAvxVnni;
  else if (__builtin_cpu_supports("avx2"))
    dot = dotAvx2;
#elif defined(__aarch64__)
  if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP)
    dot = dotNeon;
#endif
  // As many rounds as take about 30 ms.
  size_t rounds = 1000;
  while (true) {
    auto begin = std::chrono::steady_clock::now();
    dot(rounds);
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (seconds > 0.005) {
      rounds = size_t(rounds * 0.03 / seconds) + 1;
      break;
    }
    rounds *= 4;
  }
  return double(rounds) * kUnit * threads / medianSeconds(threads, [&](unsigned) { dot(rounds); });
}
