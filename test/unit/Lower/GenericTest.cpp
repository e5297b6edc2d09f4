//===- GenericTest.cpp - generic kernels against plain loops --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Lower/GridJit.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace sinter::test;

namespace {
std::vector<float> random(size_t size, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float &value : values)
    value = normal(engine);
  return values;
}

/// Wraps the text of a kernel's body in the function form that plan writes.
std::string kernel(const std::string &arguments, const std::string &body) {
  return "func.func private @k(" + arguments + ", %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {\n" + body +
         "\n  return\n}\n";
}

std::string view(const std::string &name, const std::string &of, const std::string &type, const std::string &sizes, const std::string &strides,
                 const std::string &element = "f32") {
  return "  %" + name + " = memref.reinterpret_cast %" + of + " to offset: [0], sizes: [" + sizes + "], strides: [" + strides + "] : memref<?x" +
         element + "> to " + type + "\n";
}

class Generic : public testing::TestWithParam<std::string> {};

/// Runs a kernel in 1, 2 and 3 parts, each into a fresh output, and expects the same bits.
template <typename T>
std::vector<T> runParts(GridJit &jit, std::vector<void *> operands, const std::vector<int64_t> &scalars, size_t size, size_t which) {
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
} // namespace

INSTANTIATE_TEST_SUITE_P(Targets, Generic, testing::ValuesIn(targets()), [](const auto &info) { return info.param == "native" ? "native" : "avx2"; });

TEST_P(Generic, AddsWithTails) {
  auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %b: memref<?xf32>, %c: memref<?xf32>, %m: index, %n: index",
                                 view("x", "a", "memref<?x?xf32, strided<[?, 1]>>", "%m, %n", "%n, 1") +
                                     view("y", "b", "memref<?x?xf32, strided<[?, 1]>>", "%m, %n", "%n, 1") +
                                     view("z", "c", "memref<?x?xf32, strided<[?, 1]>>", "%m, %n", "%n, 1") + R"(
  kern.generate range(%begin to %end) shape[%m, %n] outs(%z : memref<?x?xf32, strided<[?, 1]>>) {
  ^bb0(%i: index, %j: index):
    %p = memref.load %x[%i, %j] : memref<?x?xf32, strided<[?, 1]>>
    %q = memref.load %y[%i, %j] : memref<?x?xf32, strided<[?, 1]>>
    %s = arith.addf %p, %q : f32
    kern.yield %s : f32
  })"),
                          GetParam());
  ASSERT_TRUE(jit);
  for (auto [m, n] : {std::pair(1, 1), {3, 16}, {5, 17}, {2, 1024}, {3, 2500}, {0, 5}, {5, 0}}) {
    std::vector<float> a = random(m * n, 1), b = random(m * n, 2);
    std::vector<float> c = runParts<float>(*jit, {a.data(), b.data(), nullptr}, {m, n}, m * n, 2);
    for (int i = 0; i < m * n; ++i)
      ASSERT_EQ(c[i], a[i] + b[i]) << i;
  }
}

TEST_P(Generic, RotatesHalves) {
  auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %c: memref<?xf32>, %n: index",
                                 view("x", "a", "memref<?x40xf32>", "%n, 40", "40, 1") + view("z", "c", "memref<?x40xf32>", "%n, 40", "40, 1") + R"(
  %c20 = arith.constant 20 : index
  kern.generate range(%begin to %end) shape[%n, 40] outs(%z : memref<?x40xf32>) {
  ^bb0(%i: index, %j: index):
    %lt = arith.cmpi ult, %j, %c20 : index
    %v = scf.if %lt -> (f32) {
      %p = arith.addi %j, %c20 : index
      %q = memref.load %x[%i, %p] : memref<?x40xf32>
      %r = arith.negf %q : f32
      scf.yield %r : f32
    } else {
      %p = affine.apply affine_map<(d0) -> (d0 - 20)>(%j)
      %q = memref.load %x[%i, %p] : memref<?x40xf32>
      scf.yield %q : f32
    }
    kern.yield %v : f32
  })"),
                          GetParam());
  ASSERT_TRUE(jit);
  int n = 3;
  std::vector<float> a = random(n * 40), c = runParts<float>(*jit, {a.data(), nullptr}, {n}, n * 40, 1);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < 40; ++j)
      ASSERT_EQ(c[i * 40 + j], j < 20 ? -a[i * 40 + j + 20] : a[i * 40 + j - 20]);
}

TEST_P(Generic, InterleavesConcatenatesAndGathers) {
  // Concatenation at a run-time size, an interleaved rotation and a gather in one: every kind of index.
  auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %idx: memref<?xi64>, %c: memref<?xf32>, %n: index, %m: index, %s: index",
                                 view("x", "a", "memref<?x?xf32, strided<[?, 1]>>", "%n, %m", "%m, 1") +
                                     view("z", "c", "memref<?x?xf32, strided<[?, 1]>>", "%n, %m", "%m, 1") + R"(
  %c2 = arith.constant 2 : index
  %c7 = arith.constant 7 : index
  %c1 = arith.constant 1 : index
  kern.generate range(%begin to %end) shape[%n, %m] outs(%z : memref<?x?xf32, strided<[?, 1]>>) {
  ^bb0(%i: index, %j: index):
    %lt = arith.cmpi slt, %j, %s : index
    %v = scf.if %lt -> (f32) {
      %r = memref.load %idx[%j] : memref<?xi64>
      %p = arith.index_cast %r : i64 to index
      %q = memref.load %x[%i, %p] : memref<?x?xf32, strided<[?, 1]>>
      scf.yield %q : f32
    } else {
      %h = arith.divui %j, %c7 : index
      %d = arith.remui %j, %c2 : index
      %e = arith.floordivsi %j, %c2 : index
      %f = arith.muli %e, %c2 : index
      %g = arith.subi %c1, %d : index
      %p0 = arith.addi %f, %g : index
      %u = affine.apply affine_map<(d0)[s0] -> (d0 mod 5 + s0 floordiv 3)>(%j)[%h]
      %last = arith.subi %m, %c1 : index
      %p = arith.minsi %p0, %last : index
      %q = memref.load %x[%i, %p] : memref<?x?xf32, strided<[?, 1]>>
      %ui = arith.index_cast %u : index to i32
      %uf = arith.sitofp %ui : i32 to f32
      %w = arith.addf %q, %uf : f32
      scf.yield %w : f32
    }
    kern.yield %v : f32
  })"),
                          GetParam());
  ASSERT_TRUE(jit);
  for (auto [n, m, s] : {std::tuple(2, 37, 20), {3, 64, 16}, {1, 50, 0}, {2, 33, 33}}) {
    std::vector<float> a = random(n * m);
    std::vector<int64_t> idx(m);
    for (int i = 0; i < m; ++i)
      idx[i] = (i * 7) % m;
    std::vector<float> c = runParts<float>(*jit, {a.data(), idx.data(), nullptr}, {n, m, s}, n * m, 2);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < m; ++j) {
        int p = std::min(j / 2 * 2 + 1 - j % 2, m - 1);
        float expected = j < s ? a[i * m + idx[j]] : a[i * m + p] + float(j % 5 + j / 7 / 3);
        ASSERT_EQ(c[i * m + j], expected) << i << " " << j << " of " << n << " " << m << " " << s;
      }
  }
}

TEST_P(Generic, Transposes) {
  auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %c: memref<?xf32>, %b: index, %s: index",
                                 view("x", "a", "memref<?x?x4x24xf32, strided<[?, 96, 24, 1]>>", "%b, %s, 4, 24", "%bs, 96, 24, 1").insert(0, R"(
  %c96 = arith.constant 96 : index
  %bs = arith.muli %s, %c96 : index
)") + view("z", "c", "memref<?x4x?x24xf32, strided<[?, ?, 24, 1]>>", "%b, 4, %s, 24", "%bs, %hs, 24, 1").insert(0, R"(
  %c24 = arith.constant 24 : index
  %hs = arith.muli %s, %c24 : index
)") + R"(
  kern.generate range(%begin to %end) shape[%b, 4, %s, 24] outs(%z : memref<?x4x?x24xf32, strided<[?, ?, 24, 1]>>) {
  ^bb0(%i: index, %h: index, %t: index, %d: index):
    %v = memref.load %x[%i, %t, %h, %d] : memref<?x?x4x24xf32, strided<[?, 96, 24, 1]>>
    kern.yield %v : f32
  })"),
                          GetParam());
  ASSERT_TRUE(jit);
  int b = 2, s = 5;
  std::vector<float> a = random(b * s * 96), c = runParts<float>(*jit, {a.data(), nullptr}, {b, s}, b * s * 96, 1);
  for (int i = 0; i < b; ++i)
    for (int h = 0; h < 4; ++h)
      for (int t = 0; t < s; ++t)
        for (int d = 0; d < 24; ++d)
          ASSERT_EQ(c[((i * 4 + h) * s + t) * 24 + d], a[((i * s + t) * 4 + h) * 24 + d]);
}

TEST_P(Generic, BooleansAreBytes) {
  auto jit = GridJit::compile(kernel("%a: memref<?xi1>, %b: memref<?xi64>, %c: memref<?xi1>, %n: index", R"(
  kern.generate range(%begin to %end) shape[%n] outs(%c : memref<?xi1>) {
  ^bb0(%i: index):
    %p = memref.load %a[%i] : memref<?xi1>
    %x = memref.load %b[%i] : memref<?xi64>
    %zero = arith.constant 0 : i64
    %q = arith.cmpi sgt, %x, %zero : i64
    %r = arith.xori %p, %q : i1
    kern.yield %r : i1
  })"),
                          GetParam());
  ASSERT_TRUE(jit);
  for (int n : {1, 15, 16, 37}) {
    std::vector<uint8_t> a(n);
    std::vector<int64_t> b(n);
    for (int i = 0; i < n; ++i) {
      a[i] = i % 3 == 0;
      b[i] = i % 5 - 2;
    }
    std::vector<uint8_t> c = runParts<uint8_t>(*jit, {a.data(), b.data(), nullptr}, {n}, n, 2);
    for (int i = 0; i < n; ++i)
      ASSERT_EQ(c[i], uint8_t(a[i] != (b[i] > 0))) << i;
  }
}

TEST_P(Generic, NarrowTypesAndScalars) {
  auto jit = GridJit::compile(kernel("%a: memref<?xi8>, %h: memref<?xbf16>, %c: memref<?xf16>, %s: memref<?xi32>, %n: index", R"(
  kern.generate range(%begin to %end) shape[%n] outs(%c : memref<?xf16>) {
  ^bb0(%i: index):
    %p = memref.load %a[%i] : memref<?xi8>
    %x = memref.load %h[%i] : memref<?xbf16>
    %pf = arith.uitofp %p : i8 to f32
    %xf = arith.extf %x : bf16 to f32
    %sf = arith.addf %pf, %xf : f32
    %r = arith.truncf %sf : f32 to f16
    kern.yield %r : f16
  }
)") + R"(
func.func private @scalar(%s: memref<?xi32>, %x: index, %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {
  %z = memref.reinterpret_cast %s to offset: [0], sizes: [], strides: [] : memref<?xi32> to memref<i32>
  kern.generate range(%begin to %end) shape[] outs(%z : memref<i32>) {
    %y = arith.index_cast %x : index to i32
    kern.yield %y : i32
  }
  return
})",
                          GetParam());
  ASSERT_TRUE(jit);
  int n = 35;
  std::vector<uint8_t> a(n);
  std::vector<uint16_t> h(n);
  for (int i = 0; i < n; ++i) {
    a[i] = i * 7;
    float value = float(i) * 0.5f;
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    h[i] = bits >> 16;
  }
  std::vector<uint16_t> c = runParts<uint16_t>(*jit, {a.data(), h.data(), nullptr, nullptr}, {n}, n, 2);
  for (int i = 0; i < n; ++i) {
    _Float16 value;
    std::memcpy(&value, &c[i], 2);
    ASSERT_EQ(float(value), float(_Float16(float(a[i]) + float(i) * 0.5f))) << i;
  }
  int32_t scalar = 0;
  jit->run("scalar", {&scalar}, {42});
  EXPECT_EQ(scalar, 42);
}

TEST_P(Generic, SixteenBitFloatsRoundEachOperation) {
  for (bool brain : {false, true}) {
    std::string type = brain ? "bf16" : "f16";
    auto jit = GridJit::compile(kernel("%a: memref<?x" + type + ">, %b: memref<?x" + type + ">, %idx: memref<?xi64>, %c: memref<?x" + type + ">, %n: index",
                                       "  kern.generate range(%begin to %end) shape[%n] outs(%c : memref<?x" + type +
                                           ">) {\n  ^bb0(%i: index):\n    %r = memref.load %idx[%i] : memref<?xi64>\n"
                                           "    %p = arith.index_cast %r : i64 to index\n    %x = memref.load %a[%i] : memref<?x" + type +
                                           ">\n    %y = memref.load %b[%p] : memref<?x" + type + ">\n    %m = arith.mulf %x, %y : " + type +
                                           "\n    %s = arith.addf %m, %x : " + type + "\n    kern.yield %s : " + type + "\n  }"),
                                GetParam());
    ASSERT_TRUE(jit);
    auto bits = [&](float value) {
      uint16_t result;
      if (brain) {
        uint32_t word;
        std::memcpy(&word, &value, 4);
        word += 0x7fff + ((word >> 16) & 1); // to nearest, ties to even
        return uint16_t(word >> 16);
      }
      _Float16 half = _Float16(value);
      std::memcpy(&result, &half, 2);
      return result;
    };
    auto real = [&](uint16_t value) {
      if (brain) {
        uint32_t word = uint32_t(value) << 16;
        float result;
        std::memcpy(&result, &word, 4);
        return result;
      }
      _Float16 half;
      std::memcpy(&half, &value, 2);
      return float(half);
    };
    int n = 45;
    std::vector<float> x = random(n, 1), y = random(n, 2);
    std::vector<uint16_t> a(n), b(n);
    std::vector<int64_t> idx(n);
    for (int i = 0; i < n; ++i) {
      a[i] = bits(x[i]);
      b[i] = bits(y[i]);
      idx[i] = (i * 11) % n;
    }
    std::vector<uint16_t> c = runParts<uint16_t>(*jit, {a.data(), b.data(), idx.data(), nullptr}, {n}, n, 3);
    for (int i = 0; i < n; ++i)
      ASSERT_EQ(c[i], bits(real(bits(real(a[i]) * real(b[idx[i]]))) + real(a[i]))) << type << " " << i;
  }
}

TEST_P(Generic, SkipsWorkUnderMasks) {
  // What is guarded by a lane's own condition must not be read or divided by.
  auto jit = GridJit::compile(kernel("%a: memref<?xi32>, %far: memref<?xf32>, %c: memref<?xf32>, %n: index", R"(
  %zero = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  kern.generate range(%begin to %end) shape[%n] outs(%c : memref<?xf32>) {
  ^bb0(%i: index):
    %d = memref.load %a[%i] : memref<?xi32>
    %ok = arith.cmpi ne, %d, %zero : i32
    %v = scf.if %ok -> (f32) {
      %h = arith.constant 100 : i32
      %q = arith.divsi %h, %d : i32
      %u = memref.load %far[%c0] : memref<?xf32>
      %qf = arith.sitofp %q : i32 to f32
      %w = arith.mulf %qf, %u : f32
      scf.yield %w : f32
    } else {
      %m = arith.constant -1.0 : f32
      scf.yield %m : f32
    }
    kern.yield %v : f32
  })"),
                          GetParam());
  ASSERT_TRUE(jit);
  int n = 29;
  std::vector<int32_t> a(n, 0);
  std::vector<float> c = runParts<float>(*jit, {a.data(), nullptr, nullptr}, {n}, n, 2);
  for (int i = 0; i < n; ++i)
    ASSERT_EQ(c[i], -1.0f);
  float two = 2;
  for (int i = 0; i < n; ++i)
    a[i] = i % 4;
  c = runParts<float>(*jit, {a.data(), &two, nullptr}, {n}, n, 2);
  for (int i = 0; i < n; ++i)
    ASSERT_EQ(c[i], a[i] ? float(100 / a[i]) * 2 : -1.0f);
}

TEST_P(Generic, ReducesRowsAndColumns) {
  const std::string x = view("x", "a", "memref<?x?xf32, strided<[?, 1]>>", "%m, %n", "%n, 1");
  const std::string type = "memref<?x?xf32, strided<[?, 1]>>";
  auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %c: memref<?xf32>, %m: index, %n: index", x + R"(
  kern.reduce range(%begin to %end) shape[%m] over[%n] kinds[add] outs(%c : memref<?xf32>) {
  ^bb0(%i: index, %k: index):
    %v = memref.load %x[%i, %k] : )" + type + R"(
    kern.yield %v : f32
  } finish {
  ^bb0(%s: f32, %i: index):
    %two = arith.constant 2.0 : f32
    %r = arith.mulf %s, %two : f32
    kern.yield %r : f32
  })"),
                          GetParam());
  auto columns = GridJit::compile(kernel("%a: memref<?xf32>, %c: memref<?xf32>, %m: index, %n: index", x + R"(
  kern.reduce range(%begin to %end) shape[%n] over[%m] kinds[max] outs(%c : memref<?xf32>) {
  ^bb0(%i: index, %k: index):
    %v = memref.load %x[%k, %i] : )" + type + R"(
    kern.yield %v : f32
  })"),
                              GetParam());
  ASSERT_TRUE(jit && columns);
  for (auto [m, n] : {std::pair(1, 1), {3, 15}, {4, 16}, {5, 33}, {2, 1000}, {3, 0}}) {
    std::vector<float> a = random(m * n);
    std::vector<float> sums = runParts<float>(*jit, {a.data(), nullptr}, {m, n}, m, 1);
    for (int i = 0; i < m; ++i) {
      float lanes[16] = {};
      for (int k = 0; k < n; ++k)
        lanes[k % 16] += a[i * n + k];
      for (int half = 8; half; half /= 2)
        for (int lane = 0; lane < half; ++lane)
          lanes[lane] += lanes[lane + half];
      ASSERT_EQ(sums[i], lanes[0] * 2) << "the order of a sum is fixed";
    }
    std::vector<float> maxima = runParts<float>(*columns, {a.data(), nullptr}, {m, n}, n, 1);
    for (int j = 0; j < n; ++j) {
      float expected = -std::numeric_limits<float>::infinity();
      for (int i = 0; i < m; ++i)
        expected = std::max(expected, a[i * n + j]);
      ASSERT_EQ(maxima[j], expected);
    }
  }
}

TEST_P(Generic, ArgMaxTies) {
  const std::string body = R"(
  ^bb0(%i: index, %k: index):
    %v = memref.load %x[%i, %k] : memref<?x?xi32, strided<[?, 1]>>
    kern.yield %v, %v, %v, %v : i32, i32, i32, i32
  })";
  const std::string x = view("x", "a", "memref<?x?xi32, strided<[?, 1]>>", "%m, %n", "%n, 1", "i32");
  auto jit = GridJit::compile(kernel("%a: memref<?xi32>, %p: memref<?xi64>, %q: memref<?xi64>, %r: memref<?xi64>, %s: memref<?xi64>, %m: index, %n: index",
                                 x + R"(
  kern.reduce range(%begin to %end) shape[%m] over[%n] kinds[argmax, argmax_last, argmin, argmin_last]
      outs(%p, %q, %r, %s : memref<?xi64>, memref<?xi64>, memref<?xi64>, memref<?xi64>) {)" + body),
                          GetParam());
  ASSERT_TRUE(jit);
  for (auto [m, n] : {std::pair(2, 1), {3, 40}, {2, 7}}) {
    std::vector<int32_t> a(m * n);
    std::mt19937 engine(3);
    for (int32_t &value : a)
      value = int(engine() % 4);
    a[0] = std::numeric_limits<int32_t>::min();
    std::vector<int64_t> out[4];
    for (auto &o : out)
      o.resize(m);
    for (int parts : {1, 2}) {
      jit->run("k", {a.data(), out[0].data(), out[1].data(), out[2].data(), out[3].data()}, {m, n}, parts);
      for (int i = 0; i < m; ++i) {
        const int32_t *row = a.data() + i * n;
        ASSERT_EQ(out[0][i], std::max_element(row, row + n) - row);
        ASSERT_EQ(out[2][i], std::min_element(row, row + n) - row);
        int64_t lastMax = 0, lastMin = 0;
        for (int k = 0; k < n; ++k) {
          lastMax = row[k] >= row[lastMax] ? k : lastMax;
          lastMin = row[k] <= row[lastMin] ? k : lastMin;
        }
        ASSERT_EQ(out[1][i], lastMax);
        ASSERT_EQ(out[3][i], lastMin);
      }
    }
  }
}

/// Norms with a constant width (kept in scratch) and a run-time one (evaluated again) agree with a double.
TEST_P(Generic, Norms) {
  for (bool layer : {false, true})
    for (bool constant : {false, true})
      for (int n : {1, 15, 48, 100}) {
        std::string width = constant ? std::to_string(n) : "%n";
        std::string type = constant ? "memref<?x" + width + "xf32>" : "memref<?x?xf32, strided<[?, 1]>>";
        auto jit = GridJit::compile(
            kernel("%a: memref<?xf32>, %w: memref<?xf32>, %c: memref<?xf32>, %d: memref<?xf32>, %m: index, %n: index",
                   view("x", "a", type, "%m, " + width, width + ", 1") + view("z", "c", type, "%m, " + width, width + ", 1") +
                       view("s", "d", type, "%m, " + width, width + ", 1") + "  kern.norm " + (layer ? "layer" : "rms") +
                       " range(%begin to %end) shape[%m, " + width + "] epsilon 1.0e-5 outs(%z, %s : " + type + ", " + type +
                       ") scratch(%scratch : memref<?xi8>) {\n  ^bb0(%i: index, %k: index):\n    %v = memref.load %x[%i, %k] : " + type +
                       "\n    %t = arith.addf %v, %v : f32\n    kern.yield %t : f32\n  } apply {\n"
                       "  ^bb0(%y: f32, %t: f32, %i: index, %k: index):\n    %g = memref.load %w[%k] : memref<?xf32>\n"
                       "    %r = arith.mulf %y, %g : f32\n    kern.yield %r, %t : f32, f32\n  }"),
            GetParam());
        ASSERT_TRUE(jit);
        int m = 5;
        std::vector<float> a = random(m * n), w = random(n, 2), sum(m * n);
        std::vector<float> c = runParts<float>(*jit, {a.data(), w.data(), nullptr, sum.data()}, {m, n}, m * n, 2);
        for (int i = 0; i < m; ++i) {
          double mean = 0, square = 0;
          for (int k = 0; k < n && layer; ++k)
            mean += 2.0 * a[i * n + k] / n;
          for (int k = 0; k < n; ++k)
            square += std::pow(2.0 * a[i * n + k] - mean, 2) / n;
          for (int k = 0; k < n; ++k) {
            ASSERT_NEAR(c[i * n + k], (2.0 * a[i * n + k] - mean) / std::sqrt(square + 1e-5) * w[k], 2e-5) << n << " " << layer << constant;
            ASSERT_EQ(sum[i * n + k], 2 * a[i * n + k]);
          }
        }
      }
}

TEST_P(Generic, Softmax) {
  for (bool log : {false, true})
    for (std::string bound : {"", " bound 100"}) {
      const std::string type = "memref<?x?xf32, strided<[?, 1]>>";
      auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %c: memref<?xf32>, %m: index, %n: index",
                                     view("x", "a", type, "%m, %n", "%n, 1") + view("z", "c", type, "%m, %n", "%n, 1") + "  kern.softmax " +
                                         (log ? "log " : "") + "range(%begin to %end) shape[%m, %n]" + bound + " outs(%z : " + type +
                                         ") scratch(%scratch : memref<?xi8>) {\n  ^bb0(%i: index, %k: index):\n    %v = memref.load %x[%i, %k] : " +
                                         type + "\n    kern.yield %v : f32\n  } apply {\n  ^bb0(%y: f32, %i: index, %k: index):\n    kern.yield %y : f32\n  }"),
                              GetParam());
      ASSERT_TRUE(jit);
      for (int n : {1, 16, 31, 100}) {
        int m = 3;
        std::vector<float> a = random(m * n);
        if (n > 1)
          a[1] = -std::numeric_limits<float>::infinity();
        std::vector<float> c = runParts<float>(*jit, {a.data(), nullptr}, {m, n}, m * n, 1);
        for (int i = 0; i < m; ++i) {
          double largest = -1e30, sum = 0;
          for (int k = 0; k < n; ++k)
            largest = std::max<double>(largest, a[i * n + k]);
          for (int k = 0; k < n; ++k)
            sum += std::exp(a[i * n + k] - largest);
          for (int k = 0; k < n; ++k) {
            double expected = log ? a[i * n + k] - largest - std::log(sum) : std::exp(a[i * n + k] - largest) / sum;
            if (std::isinf(expected))
              ASSERT_EQ(c[i * n + k], expected);
            else
              ASSERT_NEAR(c[i * n + k], expected, log ? 1e-5 : 1e-6);
          }
        }
      }
    }
}

TEST_P(Generic, MatMulF32) {
  // Static depth (packed) and dynamic (direct); b transposed; k in order with fused multiply-add.
  for (bool constant : {false, true})
    for (auto [m, n, k] : {std::tuple(1, 1, 1), {7, 20, 33}, {13, 64, 5}, {300, 130, 40}, {6, 65, 0}}) {
      std::string depth = constant ? std::to_string(k) : "%k";
      auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %b: memref<?xf32>, %c: memref<?xf32>, %h: index, %m: index, %n: index, %k: index",
                                     R"(
  %mk = arith.muli %m, %k : index
  %nk = arith.muli %n, %k : index
  %mn = arith.muli %m, %n : index
)" + view("x", "a", "memref<?x?x?xf32, strided<[?, ?, 1]>>", "%h, %m, %k", "%mk, %k, 1") +
                                         view("y", "b", "memref<?x?x?xf32, strided<[?, ?, 1]>>", "%h, %n, %k", "%nk, %k, 1") +
                                         view("z", "c", "memref<?x?x?xf32, strided<[?, ?, 1]>>", "%h, %m, %n", "%mn, %n, 1") +
                                         "  kern.matmul range(%begin to %end) shape[%h, %m, %n] depth[" + depth + R"(]
      outs(%z : memref<?x?x?xf32, strided<[?, ?, 1]>>) scratch(%scratch : memref<?xi8>) lhs {
  ^bb0(%g: index, %i: index, %l: index):
    %v = memref.load %x[%g, %i, %l] : memref<?x?x?xf32, strided<[?, ?, 1]>>
    kern.yield %v : f32
  } rhs {
  ^bb0(%g: index, %l: index, %j: index):
    %v = memref.load %y[%g, %j, %l] : memref<?x?x?xf32, strided<[?, ?, 1]>>
    kern.yield %v : f32
  } apply {
  ^bb0(%s: f32, %g: index, %i: index, %j: index):
    %r = arith.addf %s, %s : f32
    kern.yield %r : f32
  })"),
                              GetParam());
      ASSERT_TRUE(jit);
      int h = 2;
      std::vector<float> a = random(h * m * k), b = random(h * n * k, 2);
      std::vector<float> c = runParts<float>(*jit, {a.data(), b.data(), nullptr}, {h, m, n, k}, h * m * n, 2);
      for (int g = 0; g < h; ++g)
        for (int i = 0; i < m; ++i)
          for (int j = 0; j < n; ++j) {
            float sum = 0;
            for (int l = 0; l < k; ++l)
              sum = std::fma(a[(g * m + i) * k + l], b[(g * n + j) * k + l], sum);
            ASSERT_EQ(c[(g * m + i) * n + j], 2 * sum) << m << " " << n << " " << k << " at " << i << " " << j;
          }
    }
}

TEST_P(Generic, MatMulIntegers) {
  auto jit = GridJit::compile(kernel("%a: memref<?xi8>, %b: memref<?xi8>, %zero: memref<?xi8>, %c: memref<?xi32>, %m: index",
                                 view("x", "a", "memref<?x24xi8>", "%m, 24", "24, 1", "i8") + view("y", "b", "memref<24x40xi8>", "24, 40", "40, 1", "i8") +
                                     view("z", "c", "memref<?x40xi32>", "%m, 40", "40, 1", "i32") + R"(
  kern.matmul range(%begin to %end) shape[%m, 40] depth[24] outs(%z : memref<?x40xi32>) scratch(%scratch : memref<?xi8>) lhs {
  ^bb0(%i: index, %l: index):
    %v = memref.load %x[%i, %l] : memref<?x24xi8>
    %w = arith.extui %v : i8 to i32
    %o = arith.constant 0 : index
    %p = memref.load %zero[%o] : memref<?xi8>
    %q = arith.extui %p : i8 to i32
    %r = arith.subi %w, %q : i32
    kern.yield %r : i32
  } rhs {
  ^bb0(%l: index, %j: index):
    %v = memref.load %y[%l, %j] : memref<24x40xi8>
    %w = arith.extsi %v : i8 to i32
    kern.yield %w : i32
  } apply {
  ^bb0(%s: i32, %i: index, %j: index):
    kern.yield %s : i32
  })"),
                          GetParam());
  ASSERT_TRUE(jit);
  int m = 11;
  std::vector<uint8_t> a(m * 24);
  std::vector<int8_t> b(24 * 40);
  std::mt19937 engine(5);
  for (uint8_t &value : a)
    value = uint8_t(engine());
  for (int8_t &value : b)
    value = int8_t(engine());
  uint8_t zero = 128;
  std::vector<int32_t> c = runParts<int32_t>(*jit, {a.data(), b.data(), &zero, nullptr}, {m}, m * 40, 3);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < 40; ++j) {
      int32_t sum = 0;
      for (int l = 0; l < 24; ++l)
        sum += (a[i * 24 + l] - 128) * b[l * 40 + j];
      ASSERT_EQ(c[i * 40 + j], sum);
    }
}

TEST_P(Generic, Scans) {
  for (bool exclusive : {false, true})
    for (bool reverse : {false, true}) {
      auto jit = GridJit::compile(kernel("%a: memref<?xi64>, %c: memref<?xi64>, %m: index",
                                     view("x", "a", "memref<?x6x3xi64>", "%m, 6, 3", "18, 3, 1", "i64") +
                                         view("z", "c", "memref<?x6x3xi64>", "%m, 6, 3", "18, 3, 1", "i64") +
                                         "  kern.scan add range(%begin to %end) shape[%m, 6, 3] axis 1" + (exclusive ? " exclusive" : "") +
                                         (reverse ? " reverse" : "") + R"( outs(%z : memref<?x6x3xi64>) {
  ^bb0(%i: index, %j: index, %k: index):
    %v = memref.load %x[%i, %j, %k] : memref<?x6x3xi64>
    kern.yield %v : i64
  })"),
                              GetParam());
      ASSERT_TRUE(jit);
      int m = 4;
      std::vector<int64_t> a(m * 18);
      for (size_t i = 0; i < a.size(); ++i)
        a[i] = int64_t(i * i % 11);
      std::vector<int64_t> c = runParts<int64_t>(*jit, {a.data(), nullptr}, {m}, m * 18, 1);
      for (int i = 0; i < m; ++i)
        for (int k = 0; k < 3; ++k)
          for (int j = 0; j < 6; ++j) {
            int64_t sum = 0;
            for (int l = 0; l < 6; ++l)
              if (reverse ? (exclusive ? l > j : l >= j) : (exclusive ? l < j : l <= j))
                sum += a[(i * 6 + l) * 3 + k];
            ASSERT_EQ(c[(i * 6 + j) * 3 + k], sum);
          }
    }
}

TEST_P(Generic, Scatters) {
  // Whole rows, later ones over earlier ones; and single elements added up.
  auto jit = GridJit::compile(kernel("%u: memref<?xf32>, %idx: memref<?xi64>, %c: memref<?xf32>, %n: index",
                                     view("z", "c", "memref<8x20xf32>", "8, 20", "20, 1") + view("x", "u", "memref<?x20xf32>", "%n, 20", "20, 1") + R"(
  kern.scatter range(%begin to %end) shape[%n, 20] outs(%z : memref<8x20xf32>) {
  ^bb0(%i: index, %j: index):
    %r = memref.load %idx[%i] : memref<?xi64>
    %p = arith.index_cast %r : i64 to index
    %v = memref.load %x[%i, %j] : memref<?x20xf32>
    kern.yield %p, %j, %v : index, index, f32
  })"),
                              GetParam());
  auto sums = GridJit::compile(kernel("%u: memref<?xf32>, %idx: memref<?xi64>, %c: memref<?xf32>, %n: index", R"(
  kern.scatter combine add range(%begin to %end) shape[%n] outs(%c : memref<?xf32>) {
  ^bb0(%i: index):
    %r = memref.load %idx[%i] : memref<?xi64>
    %p = arith.index_cast %r : i64 to index
    %v = memref.load %u[%i] : memref<?xf32>
    kern.yield %p, %v : index, f32
  })"),
                               GetParam());
  ASSERT_TRUE(jit && sums);
  std::vector<int64_t> idx = {3, 0, 3, 7, 0};
  std::vector<float> u = random(5 * 20), c(8 * 20, 9), expected = c;
  jit->run("k", {u.data(), idx.data(), c.data()}, {5}, 2);
  for (int i = 0; i < 5; ++i)
    std::copy_n(u.begin() + i * 20, 20, expected.begin() + idx[i] * 20);
  EXPECT_EQ(c, expected);
  std::vector<float> d(8, 1), sum = d;
  sums->run("k", {u.data(), idx.data(), d.data()}, {5});
  for (int i = 0; i < 5; ++i)
    sum[idx[i]] += u[i];
  EXPECT_EQ(d, sum);
}

TEST_P(Generic, TopK) {
  for (bool largest : {false, true}) {
    auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %v: memref<?xf32>, %p: memref<?xi64>, %m: index, %n: index, %k: index",
                                       view("x", "a", "memref<?x?xf32, strided<[?, 1]>>", "%m, %n", "%n, 1") +
                                           view("y", "v", "memref<?x?xf32, strided<[?, 1]>>", "%m, %k", "%k, 1") +
                                           view("z", "p", "memref<?x?xi64, strided<[?, 1]>>", "%m, %k", "%k, 1", "i64") + "  kern.topk " +
                                           (largest ? "largest " : "") + R"(range(%begin to %end) shape[%m, %n] k[%k]
      outs(%y, %z : memref<?x?xf32, strided<[?, 1]>>, memref<?x?xi64, strided<[?, 1]>>) {
  ^bb0(%i: index, %j: index):
    %w = memref.load %x[%i, %j] : memref<?x?xf32, strided<[?, 1]>>
    kern.yield %w : f32
  })"),
                                GetParam());
    ASSERT_TRUE(jit);
    for (auto [m, n, k] : {std::tuple(2, 40, 5), {3, 7, 7}, {1, 1, 1}}) {
      std::vector<float> a(m * n), values(m * k);
      std::vector<int64_t> indices(m * k);
      std::mt19937 engine(4);
      for (float &value : a)
        value = float(engine() % 6);
      a[0] = std::numeric_limits<float>::infinity();
      a[m * n - 1] = -std::numeric_limits<float>::infinity();
      jit->run("k", {a.data(), values.data(), indices.data()}, {m, n, k}, 2);
      for (int i = 0; i < m; ++i) {
        std::vector<int64_t> order(n);
        for (int j = 0; j < n; ++j)
          order[j] = j;
        const float *row = a.data() + i * n;
        std::sort(order.begin(), order.end(), [&](int64_t x, int64_t y) {
          return row[x] == row[y] ? x < y : largest ? row[x] > row[y] : row[x] < row[y];
        });
        for (int j = 0; j < k; ++j) {
          ASSERT_EQ(indices[i * k + j], order[j]) << i << " " << j;
          ASSERT_EQ(values[i * k + j], row[order[j]]);
        }
      }
    }
  }
}
