//===- MathTest.cpp - how near the math functions are ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Codegen/TestLibrary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <random>

using namespace sinter;

namespace {

/// One function and what is asked of it. An error is in order if it is at most `ulps` units in the last place of the
/// result or `absolute`.
struct Case {
  const char *op;
  long double (*exact)(long double);
  double lo, hi; ///< random arguments are drawn from here
  double ulps, absolute, ulps64, absolute64;
};

long double rsqrtExact(long double x) { return 1 / sqrtl(x); }
long double exp2Exact(long double x) { return exp2l(x); }

constexpr double kTiny = 0;
const Case kCases[] = {
    {"math.exp", expl, -110, 95, 2, 1e-45, 4, 1e-320},
    {"math.exp", expl, -2, 2, 2, kTiny, 4, kTiny},
    {"math.exp2", exp2Exact, -155, 130, 2, 1e-45, 4, 1e-320},
    {"math.expm1", expm1l, -40, 90, 3, kTiny, 4, kTiny},
    {"math.expm1", expm1l, -1e-2, 1e-2, 3, kTiny, 4, kTiny},
    {"math.log", logl, 1e-44, 10, 2, kTiny, 4, kTiny},
    {"math.log", logl, 0.9, 1.1, 2, kTiny, 4, kTiny},
    {"math.log2", log2l, 1e-44, 1e6, 2, kTiny, 4, kTiny},
    {"math.log10", log10l, 1e-44, 1e6, 3, kTiny, 4, kTiny},
    {"math.log1p", log1pl, -1, 10, 3, kTiny, 6, kTiny},
    {"math.log1p", log1pl, -1e-3, 1e-3, 3, kTiny, 6, kTiny},
    {"math.tanh", tanhl, -12, 12, 4, kTiny, 6, kTiny},
    {"math.tanh", tanhl, -1e-2, 1e-2, 4, kTiny, 6, kTiny},
    {"math.erf", erfl, -7, 7, 0, 1e-7, 0, 1e-13},
    {"math.erf", erfl, -1e-2, 1e-2, 3, kTiny, 4, kTiny},
    {"math.erfc", erfcl, -7, 10, 1, 1e-44, 0, 1e-13},
    {"math.sin", sinl, -7, 7, 0, 1e-7, 0, 1e-15},
    {"math.cos", cosl, -7, 7, 0, 1e-7, 0, 1e-15},
    {"math.sin", sinl, -1e5, 1e5, 0, 1e-7, 0, 1e-15},
    {"math.cos", cosl, -1e5, 1e5, 0, 1e-7, 0, 1e-15},
    {"math.sin", sinl, -1e9, 1e9, 0, 1e-7, 0, 1e-15},
    {"math.tan", tanl, -1.5, 1.5, 4, kTiny, 6, kTiny},
    {"math.atan", atanl, -20, 20, 3, kTiny, 4, kTiny},
    {"math.asin", asinl, -1, 1, 4, kTiny, 6, kTiny},
    {"math.acos", acosl, -1, 1, 4, kTiny, 6, kTiny},
    {"math.sinh", sinhl, -90, 90, 4, kTiny, 6, kTiny},
    {"math.cosh", coshl, -90, 90, 4, kTiny, 6, kTiny},
    {"math.asinh", asinhl, -1e5, 1e5, 4, kTiny, 6, kTiny},
    {"math.acosh", acoshl, 1, 1e5, 4, kTiny, 6, kTiny},
    {"math.atanh", atanhl, -1, 1, 4, kTiny, 6, kTiny},
    {"math.rsqrt", rsqrtExact, 0, 1e6, 1.5, kTiny, 1.5, kTiny},
    {"math.sqrt", sqrtl, 0, 1e6, 0.5, kTiny, 0.5, kTiny},
    {"math.cbrt", cbrtl, -1e6, 1e6, 3, kTiny, 4, kTiny},
    {"math.floor", floorl, -1e6, 1e6, 0, kTiny, 0, kTiny},
    {"math.ceil", ceill, -1e6, 1e6, 0, kTiny, 0, kTiny},
    {"math.trunc", truncl, -1e6, 1e6, 0, kTiny, 0, kTiny},
    {"math.round", roundl, -1e3, 1e3, 0, kTiny, 0, kTiny},
    {"math.roundeven", roundevenl, -1e3, 1e3, 0, kTiny, 0, kTiny},
};

constexpr const char *kKernel = R"(
func.func private @{0}(%x: memref<?x{1}> {{kern.readonly}, %y: memref<?x{1}> {{kern.readonly}, %z: memref<?x{1}>,
                       %begin: index, %end: index, %scratch: memref<?xi8>) attributes {{kern.kernel} {{
  %step = arith.constant {2} : index
  scf.for %i = %begin to %end step %step {{
    %a = {3}.load %x[%i] : memref<?x{1}>{4}
    %b = {3}.load %y[%i] : memref<?x{1}>{4}
    %r = {5} {6} : {7}
    {3}.store %r, %z[%i] : memref<?x{1}>{4}
  }
  return
}
)";

std::string nameOf(llvm::StringRef op, llvm::StringRef type, bool vector) {
  std::string name = (op + "_" + type + (vector ? "_v" : "_s")).str();
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::string kernelText(llvm::StringRef op, bool binary, llvm::StringRef type, bool vector) {
  std::string v = llvm::formatv("vector<16x{0}>", type);
  return llvm::formatv(kKernel, nameOf(op, type, vector), type, vector ? 16 : 1, vector ? "vector" : "memref",
                       vector ? ", " + v : "", op, binary ? "%a, %b" : "%a", vector ? v : type.str());
}

class MathTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    std::string text;
    llvm::StringSet<> seen;
    auto add = [&](llvm::StringRef op, bool binary) {
      if (!seen.insert(op).second)
        return;
      for (const char *type : {"f32", "f64", "f16", "bf16"})
        for (bool vector : {false, true})
          text += kernelText(op, binary, type, vector);
    };
    for (const Case &c : kCases)
      add(c.op, false);
    for (const char *op : {"math.powf", "math.atan2", "arith.remf", "arith.maximumf"})
      add(op, true);
    load(text, "native", loaded);
    load(text, "x86-64-v3", loadedForAVX2);
  }
  static void TearDownTestSuite() {
    delete loaded;
    delete loadedForAVX2;
  }
  static void load(llvm::StringRef text, llvm::StringRef mcpu, test::Loaded *&result) {
    llvm::Expected<test::Compiled> compiled = test::compile(text, 2, mcpu);
    ASSERT_TRUE(bool(compiled)) << toString(compiled.takeError());
    names = compiled->kernels;
    std::unique_ptr<llvm::MemoryBuffer> runtime = test::fakeRuntime();
    std::string program = test::emptyProgram(0);
    test::Folder folder;
    llvm::Error error = linkLibrary(test::makeInput(*compiled, *runtime, program), folder.file("math.so"));
    ASSERT_FALSE(bool(error)) << toString(std::move(error));
    result = new test::Loaded(folder.file("math.so"));
    ASSERT_NE(result->model, nullptr) << dlerror();
  }

  template <typename T>
  std::vector<T> run(llvm::StringRef op, llvm::StringRef type, bool vector, const std::vector<T> &x,
                     const std::vector<T> &y, const test::Loaded &library = *loaded) {
    std::vector<T> z(x.size());
    const char *operands[] = {reinterpret_cast<const char *>(x.data()), reinterpret_cast<const char *>(y.data()),
                              reinterpret_cast<char *>(z.data())};
    size_t i = llvm::find(names, nameOf(op, type, vector)) - names.begin();
    library.model->kernels[i](const_cast<char *const *>(operands), nullptr, 0, int64_t(x.size()), nullptr);
    return z;
  }
  template <typename T> void check(const Case &c, llvm::StringRef type, double ulps, double absolute);

  static inline std::vector<std::string> names;
  static inline test::Loaded *loaded = nullptr, *loadedForAVX2 = nullptr;
};

constexpr double kInf = INFINITY;

template <typename T> std::vector<T> arguments(double lo, double hi) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(lo, hi);
  std::vector<T> x(20000);
  for (T &v : x)
    v = T(uniform(random));
  // Magnitudes of all sizes, and what has rules of its own.
  std::uniform_real_distribution<double> exponent(-40, std::log2(std::max(std::abs(lo), std::abs(hi))));
  for (size_t i = 0; i < x.size(); i += 4) {
    T v = T(std::exp2(exponent(random)));
    v = lo < 0 && i % 8 ? -v : v;
    x[i] = v >= lo && v <= hi ? v : x[i];
  }
  const T special[] = {T(0), T(-0.0), T(1), T(-1), T(kInf), T(-kInf), T(NAN), T(0.5), T(-0.5), T(1.5), T(2.5)};
  std::copy(std::begin(special), std::end(special), x.begin());
  return x;
}

template <typename T> double ulpOf(long double exact) {
  T rounded = T(std::fabs(exact));
  return double(std::nextafter(rounded, T(kInf)) - rounded);
}

template <typename T> void MathTest::check(const Case &c, llvm::StringRef type, double ulps, double absolute) {
  std::vector<T> x = arguments<T>(c.lo, c.hi), scalar = run(c.op, type, false, x, x),
                 vector = run(c.op, type, true, x, x);
  double worstUlps = 0, worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    long double exact = c.exact(x[i]);
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(scalar[i])) << c.op << "(" << x[i] << ") = " << scalar[i];
      EXPECT_TRUE(std::isnan(vector[i])) << c.op << "(" << x[i] << ") = " << vector[i];
      continue;
    }
    EXPECT_EQ(memcmp(&scalar[i], &vector[i], sizeof(T)), 0)
        << c.op << "(" << x[i] << "): " << scalar[i] << " and " << vector[i];
    T rounded = T(exact);
    if (std::isinf(rounded) || rounded == scalar[i]) {
      EXPECT_EQ(rounded, scalar[i]) << c.op << "(" << x[i] << ")";
      continue;
    }
    double error = std::abs(double(scalar[i] - exact)), inUlps = error / ulpOf<T>(exact);
    EXPECT_TRUE(inUlps <= ulps || error <= absolute)
        << c.op << "(" << x[i] << ") = " << scalar[i] << ", not " << double(exact) << ": " << inUlps << " ulps";
    worstUlps = std::max(worstUlps, inUlps);
    worst = std::max(worst, error);
  }
  printf("%-14s %s [%g, %g]: %.2f ulps, %.2g absolute\n", c.op, type.str().c_str(), c.lo, c.hi, worstUlps, worst);
}

TEST_F(MathTest, F32) {
  for (const Case &c : kCases)
    check<float>(c, "f32", c.ulps, c.absolute);
}

TEST_F(MathTest, F64) {
  for (const Case &c : kCases)
    check<double>(c, "f64", c.ulps64, c.absolute64);
}

TEST_F(MathTest, NarrowIsRoundedF32) {
  for (const Case &c : kCases) {
    std::vector<float> wide;
    std::vector<_Float16> x;
    std::vector<uint16_t> b;
    for (float v : arguments<float>(std::max(c.lo, -100.0), std::min(c.hi, 100.0))) {
      x.push_back(_Float16(v));
      uint32_t bits;
      memcpy(&bits, &v, 4);
      b.push_back(uint16_t(bits >> 16));
    }
    for (_Float16 v : x)
      wide.push_back(float(v));
    for (bool vector : {false, true}) {
      std::vector<_Float16> narrow = run(c.op, "f16", vector, x, x);
      std::vector<float> full = run(c.op, "f32", vector, wide, wide);
      for (size_t i = 0; i < x.size(); ++i)
        EXPECT_TRUE(narrow[i] == _Float16(full[i]) || std::isnan(full[i])) << c.op << "(" << float(x[i]) << ")";
    }
    std::vector<uint16_t> narrow = run(c.op, "bf16", true, b, b);
    for (size_t i = 0; i < b.size(); ++i)
      wide[i] = std::bit_cast<float>(uint32_t(b[i]) << 16);
    std::vector<float> full = run(c.op, "f32", true, wide, wide);
    for (size_t i = 0; i < b.size(); ++i) {
      float back = std::bit_cast<float>(uint32_t(narrow[i]) << 16);
      EXPECT_TRUE(std::isnan(full[i]) ? std::isnan(back)
                                      : back == full[i] || std::abs(back - full[i]) <= std::abs(full[i]) / 256 + 1e-40)
          << c.op << "(" << wide[i] << ") = " << back << ", not " << full[i];
    }
  }
}

TEST_F(MathTest, SameBitsOnAVX2) {
  for (const Case &c : kCases) {
    std::vector<float> x = arguments<float>(c.lo, c.hi), y = run(c.op, "f32", true, x, x),
                       z = run(c.op, "f32", true, x, x, *loadedForAVX2);
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_TRUE(memcmp(&y[i], &z[i], sizeof y[i]) == 0 || std::isnan(y[i]))
          << c.op << "(" << x[i] << ") = " << y[i] << ", " << z[i];
  }
}

template <typename T>
void checkPow(const std::vector<T> &x, const std::vector<T> &y, const std::vector<T> &z, double relative) {
  for (size_t i = 0; i < x.size(); ++i) {
    long double exact = powl(x[i], y[i]);
    T rounded = T(exact);
    if (std::isnan(exact))
      EXPECT_TRUE(std::isnan(z[i])) << x[i] << " ^ " << y[i] << " = " << z[i];
    else if (!(rounded == z[i]))
      EXPECT_LE(std::abs(double((z[i] - exact) / exact)), relative) << x[i] << " ^ " << y[i] << " = " << z[i];
  }
}

TEST_F(MathTest, Pow) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> base(-10, 10), exponent(-20, 20);
  std::vector<float> x, y;
  for (int i = 0; i < 16000; ++i) {
    x.push_back(float(i % 2 ? base(random) : std::abs(base(random))));
    y.push_back(float(i % 3 ? exponent(random) : std::round(exponent(random))));
  }
  for (float a : {0.f, -0.f, 1.f, -1.f, 2.f, -2.f, INFINITY, -INFINITY, NAN, 0.5f})
    for (float b : {0.f, -0.f, 1.f, -1.f, 2.f, 3.f, -3.f, 0.5f, INFINITY, -INFINITY, NAN, 1e30f}) {
      x.push_back(a);
      y.push_back(b);
    }
  while (x.size() % 16) {
    x.push_back(3);
    y.push_back(2);
  }
  checkPow(x, y, run("math.powf", "f32", true, x, y), 6.1e-8);
  std::vector<double> xd(x.begin(), x.end()), yd(y.begin(), y.end());
  checkPow(xd, yd, run("math.powf", "f64", true, xd, yd), 1e-12);
  std::vector<float> three(16, 3), two(16, 2);
  EXPECT_EQ(run("math.powf", "f32", false, three, two)[0], 9);
}

TEST_F(MathTest, Rem) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> exponent(-60, 60);
  std::vector<float> x, y;
  for (int i = 0; i < 4000; ++i) {
    x.push_back(float(std::exp2(exponent(random)) * (i % 2 ? -1 : 1)));
    y.push_back(float(std::exp2(exponent(random)) * (i % 3 ? -1 : 1)));
  }
  for (float a : {0.f, 5.f, -5.f, INFINITY, NAN, 1e38f, 1e-44f})
    for (float b : {0.f, 3.f, -3.f, INFINITY, NAN, 1e-44f, 5.f}) {
      x.push_back(a);
      y.push_back(b);
    }
  while (x.size() % 16) {
    x.push_back(7);
    y.push_back(2);
  }
  std::vector<double> xd(x.begin(), x.end()), yd(y.begin(), y.end());
  for (bool vector : {false, true}) {
    std::vector<float> z = run("arith.remf", "f32", vector, x, y);
    std::vector<double> zd = run("arith.remf", "f64", vector, xd, yd);
    for (size_t i = 0; i < x.size(); ++i) {
      float exact = std::fmod(x[i], y[i]);
      EXPECT_TRUE(z[i] == exact || (std::isnan(z[i]) && std::isnan(exact))) << x[i] << " mod " << y[i] << " = " << z[i];
      double exact64 = std::fmod(xd[i], yd[i]);
      EXPECT_TRUE(zd[i] == exact64 || (std::isnan(zd[i]) && std::isnan(exact64)))
          << xd[i] << " mod " << yd[i] << " = " << zd[i];
    }
  }
}

TEST_F(MathTest, Atan2) {
  std::vector<float> x, y;
  for (float a : {0.f, -0.f, 1.f, -1.f, INFINITY, -INFINITY, 3.f, 1e-30f, 1e30f, NAN, -7.f})
    for (float b : {0.f, -0.f, 1.f, -1.f, INFINITY, -INFINITY, 0.3f, 1e-30f, -1e30f, NAN, 7.f}) {
      y.push_back(a);
      x.push_back(b);
    }
  while (x.size() % 16) {
    x.push_back(7);
    y.push_back(2);
  }
  std::vector<float> z = run("math.atan2", "f32", true, y, x);
  for (size_t i = 0; i < x.size(); ++i) {
    float exact = std::atan2(y[i], x[i]);
    if (std::isnan(exact))
      EXPECT_TRUE(std::isnan(z[i]));
    else
      EXPECT_NEAR(z[i], exact, 4e-7 * std::max(1.f, std::abs(exact))) << "atan2(" << y[i] << ", " << x[i] << ")";
  }
}

} // namespace
