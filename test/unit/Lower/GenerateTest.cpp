//===- GenerateTest.cpp - kern.generate against plain loops -------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Lower/GenericFixture.h"

#include <algorithm>
#include <functional>
#include <tuple>

using namespace sinter::test;

namespace {
class Generate : public testing::TestWithParam<std::string> {};

/// Random index arithmetic, as IR and as what it means.
class IndexProgram {
public:
  explicit IndexProgram(unsigned seed) : engine(seed) {
    values = {{"%i", [](int64_t i, int64_t) { return i; }}, {"%j", [](int64_t, int64_t j) { return j; }}};
    for (int step = 0; step < 12; ++step)
      add();
  }

  std::string text;
  std::string result() const { return values.back().first; }
  int64_t evaluate(int64_t i, int64_t j) const { return values.back().second(i, j); }

private:
  using Meaning = std::function<int64_t(int64_t, int64_t)>;

  int64_t pick(std::initializer_list<int64_t> choices) { return *(choices.begin() + engine() % choices.size()); }
  /// Recent values more often than old ones.
  size_t operand() { return values.size() - 1 - engine() % std::min<size_t>(values.size(), 4); }

  std::string constant(int64_t value) {
    std::string name = "%c" + std::to_string(count++);
    text += "    " + name + " = arith.constant " + std::to_string(value) + " : index\n";
    return name;
  }

  void emit(const std::string &op, Meaning meaning) {
    std::string name = "%v" + std::to_string(count++);
    text += "    " + name + " = " + op + "\n";
    values.push_back({name, std::move(meaning)});
  }

  /// `values[at]` brought into [0, 2000].
  size_t inRange(size_t at) {
    auto [name, f] = values[at];
    emit("arith.maxsi " + name + ", " + constant(0) + " : index",
         [f](int64_t i, int64_t j) { return std::max<int64_t>(f(i, j), 0); });
    auto [low, g] = values.back();
    emit("arith.minsi " + low + ", " + constant(2000) + " : index",
         [g](int64_t i, int64_t j) { return std::min<int64_t>(g(i, j), 2000); });
    return values.size() - 1;
  }

  void add() {
    auto [x, f] = values[operand()];
    auto [y, g] = values[operand()];
    int64_t divisor = pick({1, 2, 3, 7, 15, 16, 17, 32, 48, 64});
    switch (engine() % 10) {
    case 0:
      return emit("arith.addi " + x + ", " + y + " : index", [=](int64_t i, int64_t j) { return f(i, j) + g(i, j); });
    case 1:
      return emit("arith.subi " + x + ", " + y + " : index", [=](int64_t i, int64_t j) { return f(i, j) - g(i, j); });
    case 2: {
      size_t at = inRange(operand());
      auto [name, h] = values[at];
      int64_t factor = pick({0, 1, 2, 5, 16, 64});
      return emit("arith.muli " + name + ", " + constant(factor) + " : index",
                  [=](int64_t i, int64_t j) { return h(i, j) * factor; });
    }
    case 3:
    case 4: {
      // The lane's index itself more often than not: that is where the shortcuts are.
      size_t at = engine() % 2 ? 1 : inRange(operand());
      auto [name, h] = values[at];
      if (engine() % 2)
        return emit("arith.divui " + name + ", " + constant(divisor) + " : index",
                    [=](int64_t i, int64_t j) { return h(i, j) / divisor; });
      return emit("arith.remui " + name + ", " + constant(divisor) + " : index",
                  [=](int64_t i, int64_t j) { return h(i, j) % divisor; });
    }
    case 5:
      return emit("arith.floordivsi " + x + ", " + constant(divisor) + " : index", [=](int64_t i, int64_t j) {
        int64_t value = f(i, j);
        return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
      });
    case 6:
      return emit("affine.apply affine_map<(d0, d1) -> ((d0 + 3) mod " + std::to_string(divisor) +
                      " + d1 floordiv 3)>(" + x + ", " + y + ")",
                  [=](int64_t i, int64_t j) {
                    auto floor = [](int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
                    int64_t a = f(i, j) + 3;
                    return a - floor(a, divisor) * divisor + floor(g(i, j), 3);
                  });
    case 7:
      return emit("arith.divsi " + x + ", " + constant(divisor) + " : index",
                  [=](int64_t i, int64_t j) { return f(i, j) / divisor; });
    default: {
      int64_t bound = pick({0, 5, 16, 20, 32, 50});
      std::string condition = "%b" + std::to_string(count++), predicate = pick({0, 1}) ? "slt" : "sge";
      text += "    " + condition + " = arith.cmpi " + predicate + ", " + (engine() % 2 ? "%j" : x) + ", " +
              constant(bound) + " : index\n";
      auto h = text.find(condition + " = arith.cmpi " + predicate + ", %j") != std::string::npos ? values[1].second : f;
      bool below = predicate == "slt";
      auto meaning = [=](int64_t i, int64_t j) { return (h(i, j) < bound) == below ? f(i, j) : g(i, j); };
      if (engine() % 2)
        return emit("arith.select " + condition + ", " + x + ", " + y + " : index", meaning);
      return emit("scf.if " + condition + " -> (index) {\n      scf.yield " + x +
                      " : index\n    } else {\n      scf.yield " + y + " : index\n    }",
                  meaning);
    }
    }
  }

  std::mt19937 engine;
  int count = 0;
  std::vector<std::pair<std::string, Meaning>> values;
};
} // namespace

INSTANTIATE_TEST_SUITE_P(Targets, Generate, testing::ValuesIn(targets()),
                         [](const auto &info) { return info.param == "native" ? "native" : "avx2"; });

TEST_P(Generate, AddsWithTails) {
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

TEST_P(Generate, RotatesHalves) {
  auto jit = GridJit::compile(kernel("%a: memref<?xf32>, %c: memref<?xf32>, %n: index",
                                     view("x", "a", "memref<?x40xf32>", "%n, 40", "40, 1") +
                                         view("z", "c", "memref<?x40xf32>", "%n, 40", "40, 1") + R"(
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

TEST_P(Generate, InterleavesConcatenatesAndGathers) {
  // Concatenation at a run-time size, an interleaved rotation and a gather in one: every kind of index.
  auto jit = GridJit::compile(
      kernel("%a: memref<?xf32>, %idx: memref<?xi64>, %c: memref<?xf32>, %n: index, %m: index, %s: index",
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

TEST_P(Generate, Transposes) {
  auto jit = GridJit::compile(
      kernel("%a: memref<?xf32>, %c: memref<?xf32>, %b: index, %s: index",
             view("x", "a", "memref<?x?x4x24xf32, strided<[?, 96, 24, 1]>>", "%b, %s, 4, 24", "%bs, 96, 24, 1")
                     .insert(0, R"(
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

TEST_P(Generate, BooleansAreBytes) {
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

TEST_P(Generate, NarrowTypesAndScalars) {
  auto jit = GridJit::compile(
      kernel("%a: memref<?xi8>, %h: memref<?xbf16>, %c: memref<?xf16>, %s: memref<?xi32>, %n: index", R"(
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

TEST_P(Generate, SixteenBitFloatsRoundEachOperation) {
  for (bool brain : {false, true}) {
    std::string type = brain ? "bf16" : "f16";
    auto jit = GridJit::compile(
        kernel("%a: memref<?x" + type + ">, %b: memref<?x" + type + ">, %idx: memref<?xi64>, %c: memref<?x" + type +
                   ">, %n: index",
               "  kern.generate range(%begin to %end) shape[%n] outs(%c : memref<?x" + type +
                   ">) {\n  ^bb0(%i: index):\n    %r = memref.load %idx[%i] : memref<?xi64>\n"
                   "    %p = arith.index_cast %r : i64 to index\n    %x = memref.load %a[%i] : memref<?x" +
                   type + ">\n    %y = memref.load %b[%p] : memref<?x" + type + ">\n    %m = arith.mulf %x, %y : " +
                   type + "\n    %s = arith.addf %m, %x : " + type + "\n    kern.yield %s : " + type + "\n  }"),
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

TEST_P(Generate, SkipsWorkUnderMasks) {
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

TEST_P(Generate, AnyIndexArithmetic) {
  // Many functions in one module: a constant row and one whose length is known at run time.
  const int programs = 16, m = 3, n = 75;
  std::string text;
  std::vector<IndexProgram> all;
  for (int seed = 0; seed < programs; ++seed) {
    all.emplace_back(seed);
    for (bool constant : {false, true}) {
      std::string width = constant ? std::to_string(n) : "%n", type = constant ? "memref<?x75xi64>" : "memref<?x?xi64>";
      std::string one =
          kernel("%c: memref<?xi64>, %m: index, %n: index",
                 view("z", "c", type, "%m, " + width, width + ", 1", "i64") +
                     "  kern.generate range(%begin to %end) shape[%m, " + width + "] outs(%z : " + type +
                     ") {\n  ^bb0(%i: index, %j: index):\n" + all.back().text + "    %r = arith.index_cast " +
                     all.back().result() + " : index to i64\n    kern.yield %r : i64\n  }");
      text += one.replace(one.find("@k("), 3, "@k" + std::to_string(seed) + (constant ? "s(" : "d("));
    }
  }
  auto jit = GridJit::compile(text, GetParam());
  ASSERT_TRUE(jit);
  for (int seed = 0; seed < programs; ++seed)
    for (std::string suffix : {"d", "s"}) {
      std::vector<int64_t> c(m * n);
      jit->run("k" + std::to_string(seed) + suffix, {c.data()}, {m, n});
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j)
          ASSERT_EQ(c[i * n + j], all[seed].evaluate(i, j)) << seed << suffix << " at " << i << ", " << j << " of\n"
                                                            << all[seed].text;
    }
}
