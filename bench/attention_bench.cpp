//===- attention_bench.cpp - attention kernels against the machine ----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Decode at a few context lengths, for 8 and 4 query heads a KV head, beside a plain read of the same bytes and the multiply peak; prefill beside the latter:
// attention_bench [THREADS [LAYOUT...]]. For x86 with AVX-512.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Attention/AttentionHarness.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <immintrin.h>
#include <random>
#include <string>
#include <sys/mman.h>
#include <thread>

using namespace sinter::test;

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

uint8_t *hugePages(size_t bytes) {
  bytes = (bytes + (2 << 20) - 1) & ~size_t((2 << 20) - 1);
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<uint8_t *>(memory);
}

/// Threads that run a step together and meet after it.
class Team {
public:
  explicit Team(int size) : size(size) {
    for (int i = 1; i < size; ++i)
      threads.emplace_back([this, i] {
        for (int seen = 0;;) {
          while (generation.load(std::memory_order_acquire) == seen)
            _mm_pause();
          ++seen;
          if (!work)
            return;
          work(i);
          left.fetch_sub(1, std::memory_order_acq_rel);
        }
      });
  }
  ~Team() {
    work = nullptr;
    generation.fetch_add(1, std::memory_order_release);
    for (std::thread &thread : threads)
      thread.join();
  }
  void run(const std::function<void(int)> &step) {
    work = step;
    left.store(size - 1, std::memory_order_relaxed);
    generation.fetch_add(1, std::memory_order_release);
    step(0);
    while (left.load(std::memory_order_acquire))
      _mm_pause();
  }
  const int size;

private:
  std::function<void(int)> work;
  std::atomic<int> generation = 0, left = 0;
  std::vector<std::thread> threads;
};

__attribute__((target("avx512f"), noinline)) uint64_t readBytes(const uint8_t *p, size_t bytes) {
  __m512i sums[8];
  for (__m512i &s : sums)
    s = _mm512_setzero_si512();
  for (size_t i = 0; i + 512 <= bytes; i += 512)
    for (int j = 0; j < 8; ++j)
      sums[j] = _mm512_xor_si512(sums[j], _mm512_load_si512(p + i + 64 * j));
  uint64_t sum = 0;
  for (__m512i s : sums)
    sum += _mm512_reduce_add_epi64(s);
  return sum;
}

/// Multiply-accumulates a second of one thread.
template <bool dot> __attribute__((target("avx512f,avx512bf16"), noinline)) double peak() {
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    __m512 a[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i)
      a[i] = _mm512_set1_ps(float(i));
    __m512 x = _mm512_set1_ps(1e-3f), y = _mm512_set1_ps(1.0f);
    constexpr int rounds = 400000;
    double start = now();
    for (int round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; ++i)
        a[i] = dot ? _mm512_dpbf16_ps(a[i], (__m512bh)_mm512_castps_si512(x), (__m512bh)_mm512_castps_si512(y))
                   : _mm512_fmadd_ps(a[i], y, x);
      asm volatile("" : "+v"(x), "+v"(y));
    }
    double seconds = now() - start;
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i)
      asm volatile("" ::"v"(a[i]));
    best = std::max(best, 16.0 * 16 * (dot ? 2 : 1) * rounds / seconds);
  }
  return best;
}

/// The best of several times: whatever else runs on the machine only adds.
double best(const std::vector<double> &x) { return *std::min_element(x.begin(), x.end()); }

std::vector<float> random(int64_t size) {
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  std::vector<float> x(size);
  for (float &y : x)
    y = normal(engine);
  return x;
}

AttentionSpec shape(const std::string &layout, int64_t capacity, int64_t heads = 32) {
  AttentionSpec spec;
  spec.heads = heads, spec.kvHeads = 4, spec.keyDim = spec.valueDim = 64, spec.capacity = capacity;
  spec.layout = layout, spec.causal = true, spec.scale = 0.125f;
  return spec;
}

/// Each thread's own scratch.
class Scratch {
public:
  Scratch(const Team &team, int64_t bytes) : stride((bytes + 4095) / 4096 * 4096), memory(stride * team.size) {}
  uint8_t *of(int thread) { return memory.data() + stride * thread; }

private:
  int64_t stride;
  Buffer memory;
};

volatile uint64_t sink;

void decode(Team &team, const std::string &layout, int64_t heads, int64_t context) {
  AttentionKernels kernels(shape(layout, context, heads));
  kernels.reserve(1);
  constexpr int64_t layers = 22;
  size_t bytes = kernels.cacheBytes(1);
  uint8_t *caches = hugePages(bytes * layers);
  std::vector<float> q = random(context * heads * 64), kv = random(context * 4 * 64), out(heads * 64);
  AttentionCall call;
  call.q = q.data(), call.k = call.v = kv.data(), call.length = context, call.out = out.data();
  for (int64_t layer = 0; layer < layers; ++layer) {
    call.cache = caches + bytes * layer, call.past = 0, call.tokens = context;
    kernels.append(call);
  }
  call.past = context - 1, call.tokens = 1, call.total = context;
  Scratch scratch(team, kernels.getScratchBytes());
  int64_t grid = kernels.attendGrid(call), merges = kernels.mergeGrid(call);
  std::vector<double> attention, read;
  for (int repeat = 0; repeat < 25; ++repeat) {
    double start = now();
    for (int64_t layer = 0; layer < layers; ++layer) {
      call.cache = caches + bytes * layer;
      team.run([&](int i) { kernels.attendRange(call, grid * i / team.size, grid * (i + 1) / team.size, scratch.of(i)); });
      team.run([&](int i) { kernels.mergeRange(call, merges * i / team.size, merges * (i + 1) / team.size); });
    }
    double middle = now();
    for (int64_t layer = 0; layer < layers; ++layer)
      team.run([&](int i) {
        size_t part = bytes / team.size / 512 * 512;
        sink = readBytes(caches + bytes * layer + part * i, part);
      });
    attention.push_back(middle - start);
    read.push_back(now() - middle);
  }
  double all = double(bytes) * layers, a = best(attention), r = best(read);
  // Eight f32 rows multiply as long as the bytes take: what is left to gain is the larger of both shares.
  double work = 2.0 * context * heads * 64 * layers, most = (layout == "bf16" ? peak<true>() : peak<false>()) * team.size;
  std::printf("decode  %-4s group %ld context %5ld: %4.0f MB, attention %6.2f ms (%5.1f GB/s), plain read %6.2f ms (%5.1f GB/s): %3.0f%%; "
              "%.0f%% of the multiply peak\n",
              layout.c_str(), long(heads / 4), long(context), all / 1e6, a * 1e3, all / a / 1e9, r * 1e3, all / r / 1e9, 100 * r / a,
              100 * work / a / most);
  munmap(caches, bytes * layers);
}

void prefill(Team &team, const std::string &layout, int64_t tokens, bool causal) {
  AttentionSpec spec = shape(layout, tokens);
  spec.causal = causal;
  AttentionKernels kernels(spec);
  kernels.reserve(1);
  Buffer cache(kernels.cacheBytes(1));
  std::vector<float> q = random(tokens * 32 * 64), kv = random(tokens * 4 * 64), out(tokens * 32 * 64);
  AttentionCall call;
  call.q = q.data(), call.k = call.v = kv.data(), call.length = call.tokens = call.total = tokens, call.out = out.data();
  call.cache = cache.data();
  kernels.append(call);
  Scratch scratch(team, kernels.getScratchBytes());
  int64_t grid = kernels.attendGrid(call);
  std::vector<double> times, appends;
  for (int repeat = 0; repeat < 25; ++repeat) {
    double start = now();
    team.run([&](int i) { kernels.attendRange(call, grid * i / team.size, grid * (i + 1) / team.size, scratch.of(i)); });
    double middle = now();
    kernels.append(call);
    times.push_back(middle - start);
    appends.push_back(now() - middle);
  }
  double seen = causal ? (tokens + 1) / 2.0 : double(tokens);
  double work = 2.0 * tokens * seen * 32 * 64, seconds = best(times);
  double most = (layout == "bf16" ? peak<true>() : peak<false>()) * team.size;
  std::printf("prefill %-4s %5ld tokens%s: %.2f ms, %.0f GMAC/s, %.0f%% of the multiply peak (visible pairs only); append %.3f ms\n",
              layout.c_str(), long(tokens), causal ? ", causal" : "", seconds * 1e3, work / seconds / 1e9,
              100 * work / seconds / most, best(appends) * 1e3);
}

} // namespace

int main(int argc, char **argv) {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bf16")) {
    std::printf("needs AVX-512 with bf16\n");
    return 0;
  }
  int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  if (threads < 1) {
    std::fprintf(stderr, "usage: attention_bench [THREADS [LAYOUT...]]\n");
    return 1;
  }
  std::vector<std::string> layouts(argv + std::min(argc, 2), argv + argc);
  if (layouts.empty())
    layouts = {"bf16", "f16", "f32"};
  Team team(threads);
  for (const std::string &layout : layouts) {
    for (int64_t heads : {32, 16})
      for (int64_t context : {2048, 8192})
        decode(team, layout, heads, context);
    for (bool causal : {true, false})
      prefill(team, layout, 512, causal);
  }
}
