//===- FormatsTest.cpp - encoding, decoding and conversions ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/QT.h"

#include "mlir/AsmParser/AsmParser.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <random>

using namespace mlir;
using namespace sinter::qt;

namespace {

struct FormatsTest : ::testing::Test {
  FormatsTest() { context.loadDialect<QTDialect>(); }

  QuantFormat parse(const char *text) { return cast<QuantFormat>(parseAttribute(text, &context)); }

  MLIRContext context;
};

uint16_t expectedBits(const llvm::fltSemantics &semantics, float value) {
  llvm::APFloat number(value);
  bool loses;
  number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &loses);
  return static_cast<uint16_t>(number.bitcastToAPInt().getZExtValue());
}

TEST(Conversions, HalfAndBfloatRoundAsIEEESays) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    llvm::APFloat half(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits));
    if (half.isNaN())
      continue;
    ASSERT_EQ(halfToFloat(static_cast<uint16_t>(bits)), half.convertToFloat()) << bits;
    ASSERT_EQ(floatToHalf(halfToFloat(static_cast<uint16_t>(bits))), bits);
  }
  std::mt19937 random(3);
  for (int i = 0; i < 300000; ++i) {
    // Most in the range of half, ties among them; the rest anywhere.
    uint32_t bits = random();
    if (i % 4 != 0)
      bits = (bits & 0x80ffffff) | (0x33 + bits % 21) << 24;
    if (i % 3 == 0)
      bits = (bits & ~0x1fffu) | 0x1000;
    float value = std::bit_cast<float>(bits);
    if (std::isnan(value))
      continue;
    ASSERT_EQ(floatToHalf(value), expectedBits(llvm::APFloat::IEEEhalf(), value)) << value;
    ASSERT_EQ(floatToBfloat(value), expectedBits(llvm::APFloat::BFloat(), value)) << value;
  }
}

TEST_F(FormatsTest, CodesAreTheNearest) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.1f, 1.0f);
  std::vector<float> values(3 * 100), decoded(3 * 100);
  for (float &v : values)
    v = normal(random);
  for (const char *text : {"#qt.int<4, axis = 1, group = 32, scale = f16, zp = 8>",
                           "#qt.int<4, axis = 1, group = 0, scale = f32, zp = none>",
                           "#qt.int<4, axis = 1, group = 16, scale = bf16, zp = int>",
                           "#qt.int<8, axis = 1, group = 64, scale = f32, zp = float>",
                           "#qt.int<8, axis = 1, group = 0, scale = f32, zp = none>",
                           "#qt.int<8, axis = 1, group = 8, scale = f32, zp = 3>"}) {
    SCOPED_TRACE(text);
    QuantFormat format = parse(text);
    Rows rows;
    format.encode(values.data(), 3, 100, rows);
    format.decode(rows, decoded.data());
    int largest = (1 << format.getFields().bits) - 1;
    for (int64_t i = 0; i < 300; ++i) {
      int64_t group = i / 100 * rows.groups() + i % 100 / rows.group;
      ASSERT_LE(rows.codes[i], largest);
      float scale = rows.scales[group];
      EXPECT_EQ(scale, roundTo(format.getFields().scale, scale));
      // No other code is nearer.
      for (int other : {rows.codes[i] - 1, rows.codes[i] + 1})
        if (other >= 0 && other <= largest)
          EXPECT_LE(std::fabs(decoded[i] - values[i]),
                    std::fabs((other - rows.zeros[group]) * scale - values[i]) * 1.0001f);
    }
  }
}

TEST_F(FormatsTest, Int8PerRowIsSymmetric) {
  float values[4] = {-1.27f, 0.5f, 1.0f, 0};
  Rows rows;
  parse("#qt.int<8, axis = 1, group = 0, scale = f32, zp = none>").encode(values, 1, 4, rows);
  EXPECT_FLOAT_EQ(rows.scales[0], 0.01f);
  EXPECT_EQ(rows.codes, (std::vector<uint8_t>{1, 178, 228, 128}));
}

TEST_F(FormatsTest, ZerosStayZeros) {
  std::vector<float> values(16, 0.0f), decoded(16, 1.0f);
  for (const char *text : {"#qt.int<4, axis = 1, group = 8, scale = f16, zp = 8>",
                           "#qt.int<4, axis = 1, group = 8, scale = f16, zp = float>", "#qt.float<bf16>"}) {
    Rows rows;
    parse(text).encode(values.data(), 1, 16, rows);
    parse(text).decode(rows, decoded.data());
    EXPECT_EQ(decoded, values) << text;
  }
}

} // namespace
