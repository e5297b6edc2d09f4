//===- limits.h - what this machine can do ----------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_BENCH_LIMITS_H
#define SINTER_BENCH_LIMITS_H

#include <cstddef>

namespace sinter::bench {

/// Gop/s of u8 x s8 dots on one core, in registers.
double dotPeak();
/// Gflop/s of f32 fma on one core, in registers.
double fmaPeak();
/// Reads memory aligned to 64 bytes, once.
void readAll(const char *bytes, size_t size);

} // namespace sinter::bench

#endif // SINTER_BENCH_LIMITS_H
