//===- GenericFixture.h - what tests of generic kernels share ---*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_LOWER_GENERICFIXTURE_H
#define SINTER_TEST_UNIT_LOWER_GENERICFIXTURE_H

#include "test/unit/Lower/GridJit.h"

#include "gtest/gtest.h"

#include <cstring>
#include <random>

namespace sinter::test {
inline std::vector<float> random(size_t size, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float &value : values)
    value = normal(engine);
  return values;
}

/// Wraps the text of a kernel's body in the function form that plan writes.
inline std::string kernel(const std::string &arguments, const std::string &body) {
  return "func.func private @k(" + arguments +
         ", %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {\n" + body +
         "\n  return\n}\n";
}

inline std::string view(const std::string &name, const std::string &of, const std::string &type,
                        const std::string &sizes, const std::string &strides, const std::string &element = "f32") {
  return "  %" + name + " = memref.reinterpret_cast %" + of + " to offset: [0], sizes: [" + sizes + "], strides: [" +
         strides + "] : memref<?x" + element + "> to " + type + "\n";
}

/// Runs a kernel in 1, 2 and 3 parts, each into a fresh output, and expects the same bits.
template <typename T>
std::vector<T> runParts(GridJit &jit, std::vector<void *> operands, const std::vector<int64_t> &scalars, size_t size,
                        size_t which) {
  std::vector<T> first;
  for (int parts : {1, 2, 3}) {
    // A guard on both sides: no element outside may be written.
    std::vector<T> out(size + 32, T(77));
    operands[which] = out.data() + 16;
    jit.run("k", operands, scalars, parts);
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(out[i], T(77));
      EXPECT_EQ(out[16 + size + i], T(77));
    }
    std::vector<T> inner(out.begin() + 16, out.end() - 16);
    if (parts == 1)
      first = inner;
    else
      EXPECT_EQ(std::memcmp(first.data(), inner.data(), size * sizeof(T)), 0) << parts << " parts";
  }
  return first;
}

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_LOWER_GENERICFIXTURE_H
