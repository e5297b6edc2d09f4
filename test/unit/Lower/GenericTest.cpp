//===- GenericTest.cpp - reductions, rows, products and the ordered kernels ===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Lower/GenericFixture.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace sinter::test;

namespace {
class Generic : public testing::TestWithParam<std::string> {};
} // namespace

INSTANTIATE_TEST_SUITE_P(Targets, Generic, testing::ValuesIn(targets()),
                         [](const auto &info) { return info.param == "native" ? "native" : "avx2"; });

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
  auto jit = GridJit::compile(kernel("%a: memref<?xi32>, %p: memref<?xi64>, %q: memref<?xi64>, %r: memref<?xi64>, %s: "
                                     "memref<?xi64>, %m: index, %n: index",
                                     x + R"(
  kern.reduce range(%begin to %end) shape[%m] over[%n] kinds[argmax, argmax_last, argmin, argmin_last]
      outs(%p, %q, %r, %s : memref<?xi64>, memref<?xi64>, memref<?xi64>, memref<?xi64>) {)" +
                                         body),
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
                   view("x", "a", type, "%m, " + width, width + ", 1") +
                       view("z", "c", type, "%m, " + width, width + ", 1") +
                       view("s", "d", type, "%m, " + width, width + ", 1") + "  kern.norm " +
                       (layer ? "layer" : "rms") + " range(%begin to %end) shape[%m, " + width +
                       "] epsilon 1.0e-5 outs(%z, %s : " + type + ", " + type +
                       ") scratch(%scratch : memref<?xi8>) {\n  ^bb0(%i: index, %k: index):\n    %v = memref.load "
                       "%x[%i, %k] : " +
                       type +
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
            ASSERT_NEAR(c[i * n + k], (2.0 * a[i * n + k] - mean) / std::sqrt(square + 1e-5) * w[k], 2e-5)
                << n << " " << layer << constant;
            ASSERT_EQ(sum[i * n + k], 2 * a[i * n + k]);
          }
        }
      }
}

TEST_P(Generic, Softmax) {
  for (bool log : {false, true})
    for (std::string bound : {"", " bound 100"}) {
      const std::string type = "memref<?x?xf32, strided<[?, 1]>>";
      auto jit = GridJit::compile(
          kernel("%a: memref<?xf32>, %c: memref<?xf32>, %m: index, %n: index",
                 view("x", "a", type, "%m, %n", "%n, 1") + view("z", "c", type, "%m, %n", "%n, 1") + "  kern.softmax " +
                     (log ? "log " : "") + "range(%begin to %end) shape[%m, %n]" + bound + " outs(%z : " + type +
                     ") scratch(%scratch : memref<?xi8>) {\n  ^bb0(%i: index, %k: index):\n    %v = memref.load %x[%i, "
                     "%k] : " +
                     type +
                     "\n    kern.yield %v : f32\n  } apply {\n  ^bb0(%y: f32, %i: index, %k: index):\n    kern.yield "
                     "%y : f32\n  }"),
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
      auto jit = GridJit::compile(
          kernel("%a: memref<?xf32>, %b: memref<?xf32>, %c: memref<?xf32>, %h: index, %m: index, %n: index, %k: index",
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
  auto jit =
      GridJit::compile(kernel("%a: memref<?xi8>, %b: memref<?xi8>, %zero: memref<?xi8>, %c: memref<?xi32>, %m: index",
                              view("x", "a", "memref<?x24xi8>", "%m, 24", "24, 1", "i8") +
                                  view("y", "b", "memref<24x40xi8>", "24, 40", "40, 1", "i8") +
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
                                             "  kern.scan add range(%begin to %end) shape[%m, 6, 3] axis 1" +
                                             (exclusive ? " exclusive" : "") + (reverse ? " reverse" : "") +
                                             R"( outs(%z : memref<?x6x3xi64>) {
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
                                     view("z", "c", "memref<8x20xf32>", "8, 20", "20, 1") +
                                         view("x", "u", "memref<?x20xf32>", "%n, 20", "20, 1") + R"(
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
    auto jit = GridJit::compile(
        kernel("%a: memref<?xf32>, %v: memref<?xf32>, %p: memref<?xi64>, %m: index, %n: index, %k: index",
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
