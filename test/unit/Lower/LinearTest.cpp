//===- LinearTest.cpp - every format, activation and target of linears ----===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Kernels are compared bit for bit with the order of operations that kern.linear documents, written out here in scalar
// code on the format's own decode, and with a float64 product.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Lower/KernelJit.h"

#include "mlir/AsmParser/AsmParser.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;
using namespace sinter;
using namespace sinter::test;

namespace {

struct Case {
  const char *format;
  const char *activation; ///< null: f32
  int64_t n, k;
  bool extreme = false; ///< all weights and activations at the ends of their ranges
  bool two = false;     ///< times the product with a second weight, the same with its rows in reverse
};

std::string print(const Case &c) {
  return std::string(c.format) + " " + (c.activation ? c.activation : "f32") + " " + std::to_string(c.n) + "x" +
         std::to_string(c.k);
}

/// Activations as the kernels quantize them: value = (code - zero) * scale.
struct Quantized {
  std::vector<int> codes;
  std::vector<float> scales; ///< [rows][groups]
  int zero = 0;
};

Quantized quantize(const std::vector<float> &x, int64_t rows, int64_t k, int64_t group, qt::ActivationAttr act,
                   float staticScale, int staticZero) {
  Quantized q;
  int64_t groups = (k + group - 1) / group;
  q.codes.resize(rows * k);
  q.scales.resize(rows * groups);
  float low = 0, high = 0;
  for (float v : x) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  bool isTensor = act.getGranularity() == qt::Granularity::tensor, isStatic = act.getScale() == qt::ScaleSource::Static;
  float tensorScale = staticScale;
  if (isTensor && isStatic) {
    q.zero = act.getZp() ? (act.getType().isUnsigned() ? staticZero - 128 : staticZero) : 0;
  } else if (isTensor && act.getZp()) {
    tensorScale = (high - low) / 255;
    q.zero = static_cast<int>(std::min(255.0f, std::max(0.0f, std::nearbyint(-low / tensorScale)))) - 128;
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t g = 0; g < groups; ++g) {
      int64_t begin = g * group, end = std::min(begin + group, k);
      float largest = std::max(-low, high);
      if (!isTensor) {
        bool token = act.getGranularity() == qt::Granularity::token;
        largest = 0;
        for (int64_t i = token ? 0 : begin; i < (token ? k : end); ++i)
          largest = std::max(largest, std::fabs(x[row * k + i]));
      }
      bool divides = isStatic || act.getZp();
      float scale = divides ? tensorScale : largest / 127, inverse = largest == 0 ? 0 : 127 / largest;
      q.scales[row * groups + g] = scale;
      for (int64_t i = begin; i < end; ++i) {
        float v = std::nearbyint(divides ? x[row * k + i] / scale : x[row * k + i] * inverse) + q.zero;
        q.codes[row * k + i] = static_cast<int>(std::min(127.0f, std::max(divides ? -128.0f : -127.0f, v)));
      }
    }
  return q;
}

class LinearTest : public ::testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    context = makeContext();
    llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
    if (GetParam() == "x86-64-v4" && !host.lookup("avx512bw"))
      GTEST_SKIP() << "this machine has no AVX-512";
    if (GetParam() == "znver4" && !host.lookup("avx512vnni"))
      GTEST_SKIP() << "this machine has no AVX-512 VNNI";
  }

  void check(const Case &c);

  std::unique_ptr<MLIRContext> context;
};

void LinearTest::check(const Case &c) {
  SCOPED_TRACE(print(c));
  std::string typeText = "!qt.tensor<" + std::to_string(c.n) + "x" + std::to_string(c.k) + ", " + c.format + ">";
  auto type = cast<qt::QuantTensorType>(parseType(typeText, context.get()));
  qt::ActivationAttr act;
  if (c.activation)
    act = cast<qt::ActivationAttr>(parseAttribute(c.activation, context.get()));
  kern::PanelAttr panel = kern::choosePanel(type, act);
  ASSERT_TRUE(panel);
  kern::PanelLayout layout(panel, type);

  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.05f, 1.0f);
  std::vector<float> source(c.n * c.k), decoded(c.n * c.k);
  for (float &v : source)
    v = c.extreme ? (normal(random) < 1 ? 1.0f : -1.0f) : normal(random);
  qt::Rows all;
  type.getFormat().encode(source.data(), c.n, c.k, all);
  type.getFormat().decode(all, decoded.data());

  std::vector<float> reversed;
  for (int64_t channel = c.n - 1; channel >= 0; --channel)
    reversed.insert(reversed.end(), &source[channel * c.k], &source[channel * c.k] + c.k);
  Buffer weights(layout.panels * layout.panelBytes), others(layout.panels * layout.panelBytes);
  for (int64_t p = 0; p < layout.panels; ++p) {
    int64_t first = p * layout.channels, count = std::min(layout.channels, c.n - first);
    qt::Rows rows, other;
    type.getFormat().encode(&reversed[first * c.k], count, c.k, other);
    kern::packPanel(layout, other, others.bytes() + p * layout.panelBytes);
    type.getFormat().encode(&source[first * c.k], count, c.k, rows);
    kern::packPanel(layout, rows, weights.bytes() + p * layout.panelBytes);
    qt::Rows back;
    kern::unpackPanel(layout, weights.bytes() + p * layout.panelBytes, count, back);
    ASSERT_EQ(back.codes, rows.codes);
    ASSERT_EQ(back.scales, rows.scales);
    ASSERT_EQ(back.zeros, rows.zeros);
    ASSERT_EQ(back.values, rows.values);
  }

  // Small blocks of rows, so that a few rows are several.
  kern::LinearStrategyAttr chosen = kern::chooseStrategy(
      kern::TargetAttr::get(context.get(), "", GetParam() == "x86-64-v3" ? "" : "+avx512bw"), act);
  auto strategy =
      kern::LinearStrategyAttr::get(context.get(), chosen.getMr(), chosen.getNr(), chosen.getDecodeRows(),
                                    /*row_block=*/2 * chosen.getMr(), chosen.getSegment());
  std::string k = std::to_string(c.k), n = std::to_string(c.n), printed, tiling;
  llvm::raw_string_ostream os(printed);
  os << panel;
  llvm::raw_string_ostream(tiling) << strategy;
  std::string activation = act ? std::string(" activation ") + c.activation : "";
  bool isStatic = act && act.getScale() == qt::ScaleSource::Static,
       isTensor = act && act.getGranularity() == qt::Granularity::tensor;
  std::string zeroType = act && act.getType().isUnsigned() ? "ui8" : "i8";
  std::string module;
  if (act) {
    std::string view = "  %v = memref.reinterpret_cast %x to offset: [0], sizes: [%m, " + k + "], strides: [" + k +
                       ", 1] : memref<?xf32> to memref<?x" + k + "xf32>\n";
    std::string params;
    if (isStatic)
      params =
          act.getZp() ? " params(%p, %z : memref<?xf32>, memref<?x" + zeroType + ">)" : " params(%p : memref<?xf32>)";
    else if (isTensor)
      params = " params(%e : memref<?x2xf32>)";
    std::string extremes = "  %e = memref.reinterpret_cast %p to offset: [0], sizes: [%m, 2], strides: [2, 1] : "
                           "memref<?xf32> to memref<?x2xf32>\n";
    module += "func.func private @range(%x: memref<?xf32>, %p: memref<?xf32>, %m: index, %b: index, %end: index, %s: "
              "memref<?xi8>) attributes {kern.kernel} {\n" +
              view + extremes + "  kern.row_range range(%b to %end) rows(%m) ins(%v : memref<?x" + k +
              "xf32>) outs(%e : memref<?x2xf32>)\n  return\n}\n";
    module += "func.func private @quantize(%x: memref<?xf32>, %p: memref<?xf32>, %z: memref<?x" + zeroType +
              ">, %a: memref<?xi8>, %m: index, %b: index, %end: index, %s: memref<?xi8>) attributes {kern.kernel} {\n" +
              view + extremes + "  kern.quantize_rows range(%b to %end) rows(%m) ins(%v : memref<?x" + k + "xf32>)" +
              params + " outs(%a : memref<?xi8>) for " + typeText + activation + "\n  return\n}\n";
  }
  std::string inputType = act ? "i8" : "f32";
  module +=
      "func.func private @linear(%a: memref<?x" + inputType +
      "> {kern.readonly}, %w: memref<?xi8> {kern.readonly}, %w2: memref<?xi8> {kern.readonly}, %bias: memref<?xf32> {kern.readonly}, %o: memref<?xf32>, " +
      "%m: index, %b: index, %end: index, %s: memref<?xi8>) attributes {kern.kernel} {\n";
  if (!act)
    module += "  %v = memref.reinterpret_cast %a to offset: [0], sizes: [%m, " + k + "], strides: [" + k +
              ", 1] : memref<?xf32> to memref<?x" + k + "xf32>\n";
  module += "  %c = memref.reinterpret_cast %o to offset: [0], sizes: [%m, " + n + "], strides: [" + n +
            ", 1] : memref<?xf32> to memref<?x" + n + "xf32>\n" + "  kern.linear range(%b to %end) rows(%m) ins(" +
            (act ? "%a : memref<?xi8>" : "%v : memref<?x" + k + "xf32>") +
            ") weights(" + (c.two ? "%w, %w2 : memref<?xi8>, memref<?xi8>" : "%w : memref<?xi8>") + ") outs(%c : memref<?x" +
            n + "xf32>) scratch(%s : memref<?xi8>) as " + typeText + " panel " + printed + activation + " strategy " +
            tiling + " epilogue {\n  ^bb0(%acc: f32, " + (c.two ? "%second: f32, " : "") + "%row: index, %col: index):\n" +
            "    %y = memref.load %bias[%col] : memref<?xf32>\n" +
            (c.two ? "    %z = arith.mulf %acc, %second : f32\n    %sum = arith.addf %z, %y : f32\n"
                   : "    %sum = arith.addf %acc, %y : f32\n") +
            "    kern.yield %sum : f32\n  }\n  return\n}\n";
  std::unique_ptr<KernelJit> jit = KernelJit::compile(*context, module, GetParam());
  ASSERT_TRUE(jit);

  constexpr int64_t kMost = 17;
  std::vector<float> x(kMost * c.k);
  for (float &v : x)
    v = c.extreme ? (normal(random) < 1 ? -100.0f : 100.0f) : normal(random);
  Buffer input(kMost * c.k * 4), bias(c.n * 4), params(1024), zero(64);
  std::memcpy(input.bytes(), x.data(), x.size() * 4);
  for (int64_t i = 0; i < c.n; ++i)
    bias.floats()[i] = normal(random);
  std::vector<float> one;
  int64_t group = all.group, groups = all.groups();
  for (int64_t rows : {1, 2, 3, 5, 6, 7, 17}) {
    SCOPED_TRACE(std::to_string(rows) + " rows");
    Buffer output(rows * c.n * 4 + 64), packed(act ? kern::activationBytes(rows, type, act) : 64);
    std::memset(output.bytes(), 0x55, rows * c.n * 4 + 64);
    Quantized q;
    if (act) {
      float scale = 0.021f;
      int zeroPoint = act.getType().isUnsigned() ? 117 : -9;
      int64_t blocks = (rows + kern::kRangeRows - 1) / kern::kRangeRows;
      if (isStatic) {
        params.floats()[0] = scale;
        zero.bytes()[0] = static_cast<char>(zeroPoint);
      } else if (isTensor) {
        jit->run("range", {input.bytes(), params.bytes()}, {rows}, 0, blocks);
      }
      jit->run("quantize", {input.bytes(), params.bytes(), zero.bytes(), packed.bytes()}, {rows}, 0,
               (rows + strategy.getMr() - 1) / strategy.getMr());
      q = quantize(std::vector<float>(x.begin(), x.begin() + rows * c.k), rows, c.k, group, act, scale, zeroPoint);
    }
    int64_t items = layout.panels * ((rows + strategy.getRowBlock() - 1) / strategy.getRowBlock()), middle = items / 2;
    for (auto [begin, end] : {std::pair<int64_t, int64_t>{0, middle}, {middle, items}})
      jit->run("linear",
               {act ? packed.bytes() : input.bytes(), weights.bytes(), others.bytes(), bias.bytes(), output.bytes()},
               {rows}, begin, end);
    // What the order of operations gives, its value in float64, and how large the terms are.
    auto product = [&](int64_t row, int64_t channel, double &exact, double &magnitude) {
      float acc = 0;
      exact = magnitude = 0;
      for (int64_t g = 0; g < groups; ++g) {
        int64_t begin = g * group, end = std::min(begin + group, c.k), sum = 0, rowSum = 0;
        float floatSum = 0;
        for (int64_t i = begin; i < end; ++i) {
          float w = decoded[channel * c.k + i];
          double value =
              act ? double(q.codes[row * c.k + i] - q.zero) * q.scales[row * groups + g] : x[row * c.k + i];
          exact += value * w;
          magnitude += std::fabs(value * w);
          if (type.getFields().isFloat()) {
            acc = std::fma(x[row * c.k + i], w, acc);
            continue;
          }
          if (!act) {
            floatSum =
                std::fma(x[row * c.k + i], all.codes[channel * c.k + i] - all.zeros[channel * groups + g], floatSum);
            continue;
          }
          int code = all.codes[channel * c.k + i], point = static_cast<int>(all.zeros[channel * groups + g]);
          bool isFloatZero = type.getFields().floatZeros;
          sum += (q.codes[row * c.k + i] - q.zero) * (isFloatZero ? code : code - point);
          rowSum += q.codes[row * c.k + i];
        }
        if (type.getFields().isFloat())
          continue;
        if (!act) {
          acc = std::fma(floatSum, all.scales[channel * groups + g], acc);
          continue;
        }
        float term = static_cast<float>(sum);
        if (type.getFields().floatZeros)
          term = std::fma(-all.zeros[channel * groups + g], static_cast<float>(rowSum), term);
        if (act.getGranularity() == qt::Granularity::group)
          term *= q.scales[row * groups + g];
        acc = std::fma(term, all.scales[channel * groups + g], acc);
      }
      if (act && act.getGranularity() != qt::Granularity::group)
        acc *= q.scales[row * groups];
      return acc;
    };
    int errors = 0;
    for (int64_t row = 0; row < rows && errors < 3; ++row)
      for (int64_t channel = 0; channel < c.n && errors < 3; ++channel) {
        double exact, magnitude;
        float acc = product(row, channel, exact, magnitude);
        if (c.two) {
          double otherExact, otherMagnitude;
          acc *= product(row, c.n - 1 - channel, otherExact, otherMagnitude);
          exact *= otherExact;
          magnitude *= otherMagnitude;
        }
        exact += bias.floats()[channel];
        acc += bias.floats()[channel];
        float got = output.floats()[row * c.n + channel];
        if (std::memcmp(&got, &acc, 4) != 0) {
          ADD_FAILURE() << "row " << row << " channel " << channel << ": " << got << ", expected " << acc;
          ++errors;
        }
        EXPECT_NEAR(got, exact, 1e-5 * magnitude + 1e-6);
      }
    float after;
    std::memset(&after, 0x55, 4);
    EXPECT_EQ(std::memcmp(&output.floats()[rows * c.n], &after, 4), 0) << "wrote behind the output";
    if (rows == 1)
      one.assign(output.floats(), output.floats() + c.n);
    else if (!isTensor || isStatic)
      EXPECT_EQ(std::memcmp(one.data(), output.bytes(), c.n * 4), 0) << "the first row depends on the number of rows";
  }
}

constexpr const char *kToken = "#qt.act<type = i8, granularity = token>";
constexpr const char *kGroup = "#qt.act<type = i8, granularity = group>";
constexpr const char *kTensorDynamic = "#qt.act<type = ui8, granularity = tensor, zp = true>";
constexpr const char *kTensorStatic = "#qt.act<type = ui8, granularity = tensor, scale = static, zp = true>";
constexpr const char *kTensorSigned = "#qt.act<type = i8, granularity = tensor, scale = static, zp = true>";
constexpr const char *kTensorSymmetric = "#qt.act<type = i8, granularity = tensor, scale = static>";

TEST_P(LinearTest, Floats) {
  for (const char *format : {"#qt.float<f32>", "#qt.float<f16>", "#qt.float<bf16>"})
    for (auto [n, k] : {std::pair<int64_t, int64_t>{64, 64}, {100, 203}, {130, 1}, {1, 300}})
      check({format, nullptr, n, k});
}

constexpr const char *kFormats[] = {"#qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>",
                                    "#qt.int<4, axis = 1, group = 32, scale = f32, zp = int>",
                                    "#qt.int<4, axis = 1, group = 64, scale = bf16, zp = float>",
                                    "#qt.int<4, axis = 1, group = 0, scale = f32, zp = none>",
                                    "#qt.int<8, axis = 1, group = 0, scale = f32, zp = none>",
                                    "#qt.int<8, axis = 1, group = 32, scale = f16, zp = int>",
                                    "#qt.int<8, axis = 1, group = 512, scale = f32, zp = 100>"};

TEST_P(LinearTest, IntegersFloatActivations) {
  for (const char *format : kFormats)
    for (auto [n, k] : {std::pair<int64_t, int64_t>{64, 256}, {100, 205}, {65, 1100}})
      check({format, nullptr, n, k});
}

TEST_P(LinearTest, TwoWeights) {
  for (const char *format : {kFormats[0], kFormats[3], kFormats[5]})
    for (const char *activation : {static_cast<const char *>(nullptr), kToken, kGroup})
      check({format, activation, 100, 600, false, true});
  check({"#qt.float<bf16>", nullptr, 100, 203, false, true});
}

TEST_P(LinearTest, IntegersTokenActivations) {
  for (const char *format : kFormats)
    for (auto [n, k] : {std::pair<int64_t, int64_t>{64, 256}, {100, 205}, {65, 1100}})
      check({format, kToken, n, k});
}

TEST_P(LinearTest, IntegersGroupActivations) {
  for (const char *format : kFormats)
    check({format, kGroup, 100, 205});
  check({kFormats[0], kGroup, 64, 1024});
}

TEST_P(LinearTest, IntegersTensorActivations) {
  for (const char *activation : {kTensorDynamic, kTensorStatic, kTensorSigned, kTensorSymmetric})
    for (const char *format : {kFormats[0], kFormats[1], kFormats[4], kFormats[6]})
      check({format, activation, 100, 205});
  check({kFormats[4], kTensorDynamic, 64, 384});
}

TEST_P(LinearTest, ExtremesDoNotSaturate) {
  for (const char *activation : {kToken, kTensorStatic})
    for (const char *format : {kFormats[0], kFormats[4], kFormats[6]})
      check({format, activation, 64, 512, true});
}

TEST(ChoosePanel, RefusesWhatNoIntegerKernelTakes) {
  auto context = makeContext();
  auto choose = [&](const char *type, const char *activation) {
    return kern::choosePanel(cast<qt::QuantTensorType>(parseType(type, context.get())),
                             cast<qt::ActivationAttr>(parseAttribute(activation, context.get())));
  };
  const char *longRow = "!qt.tensor<64x140000, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>";
  const char *row = "!qt.tensor<64x28672, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>";
  const char *floatZero = "!qt.tensor<64x256, #qt.int<4, axis = 1, group = 32, scale = f32, zp = float>>";
  EXPECT_TRUE(choose(row, kToken));
  EXPECT_TRUE(choose(row, kTensorDynamic));
  EXPECT_FALSE(choose(longRow, kToken)) << "sums of a row may pass 32 bits";
  EXPECT_TRUE(choose(floatZero, kGroup));
  EXPECT_FALSE(choose(floatZero, kTensorDynamic));
  EXPECT_FALSE(choose("!qt.tensor<64x256, #qt.float<f32>>", kToken));
}

INSTANTIATE_TEST_SUITE_P(Targets, LinearTest, ::testing::Values("x86-64-v3", "x86-64-v4", "znver4"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace
