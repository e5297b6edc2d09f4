//===- WeightReaderTest.cpp - rows of a qt.constant -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/WeightReader.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

#include <random>
#include <thread>

using namespace mlir;
using namespace sinter::qt;

namespace {

struct WeightReaderTest : ::testing::Test {
  WeightReaderTest() { context.loadDialect<QTDialect, func::FuncDialect>(); }
  ~WeightReaderTest() override {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }

  void writeFile(const std::vector<char> &bytes) {
    int file;
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("weights", "bin", file, path));
    llvm::raw_fd_ostream(file, /*shouldClose=*/true).write(bytes.data(), bytes.size());
  }

  std::string data(int64_t offset, int64_t size, const std::string &type) {
    return "#onnx.tensor<#onnx.data<\"" + std::string(path) + "\", " + std::to_string(offset) + ", " +
           std::to_string(size) + ">, tensor<" + type + ">>";
  }

  /// A reader of the constant with these sources and type.
  FailureOr<WeightReader> open(const std::string &sources, const std::string &type) {
    module = parseSourceString<ModuleOp>(
        "func.func @f() {\n %0 = qt.constant [" + sources + "] : !qt.tensor<" + type + ">\n return\n}\n", &context);
    if (!module)
      return failure();
    FailureOr<WeightReader> reader = failure();
    module->walk([&](ConstantOp op) { reader = WeightReader::open(op); });
    return reader;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  SmallString<128> path;
};

std::vector<char> randomBytes(size_t count) {
  std::mt19937 random(5);
  std::vector<char> bytes(count);
  for (char &byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

std::vector<char> bytesOf(const std::vector<float> &values) {
  return std::vector<char>(reinterpret_cast<const char *>(values.data()),
                           reinterpret_cast<const char *>(values.data() + values.size()));
}

TEST_F(WeightReaderTest, DenseIsReadAndTransposed) {
  std::vector<float> values(3 * 5);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i * 0.25f;
  writeFile(bytesOf(values));
  auto plain = open("#qt.source<form = dense, rows = 3, columns = 5, payload = " + data(0, 60, "3x5xf32") + ">",
                    "3x5, #qt.float<f32>");
  ASSERT_TRUE(succeeded(plain));
  Rows rows;
  plain->read(1, 3, rows);
  EXPECT_EQ(rows.values, std::vector<float>(values.begin() + 5, values.end()));
  auto transposed = open(
      "#qt.source<form = dense, rows = 5, columns = 3, transposed = true, payload = " + data(0, 60, "3x5xf32") + ">",
      "5x3, #qt.float<bf16>");
  ASSERT_TRUE(succeeded(transposed));
  transposed->read(4, 5, rows);
  EXPECT_EQ(rows.values, (std::vector<float>{values[4], values[9], values[14]}));
  transposed->release();
  transposed->read(4, 5, rows);
  EXPECT_EQ(rows.values, (std::vector<float>{values[4], values[9], values[14]}));
}

TEST_F(WeightReaderTest, MatMulNBitsIsKeptBitForBit) {
  // 3 rows of 40 columns in groups of 16: 3 groups of 8 bytes; 2 bytes of packed zero points a row.
  std::vector<char> bytes = randomBytes(3 * 3 * 8 + 3 * 2);
  writeFile(bytes);
  auto reader = open("#qt.source<form = matmul_nbits, rows = 3, columns = 40, bits = 4, group = 16, payload = " +
                         data(0, 72, "3x3x8xui8") +
                         ", scales = dense<[0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]> : tensor<9xf32>, zeros = " +
                         data(72, 6, "6xui8") + ">",
                     "3x40, #qt.int<4, axis = 1, group = 16, scale = f32, zp = int>");
  ASSERT_TRUE(succeeded(reader));
  Rows rows;
  reader->read(0, 3, rows);
  for (int64_t row = 0; row < 3; ++row)
    for (int64_t k = 0; k < 40; ++k) {
      auto byte = static_cast<uint8_t>(bytes[row * 24 + k / 2]);
      EXPECT_EQ(rows.codes[row * 40 + k], k % 2 ? byte >> 4 : byte & 15);
    }
  EXPECT_EQ(rows.scales, (std::vector<float>{0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}));
  for (int64_t row = 0; row < 3; ++row) {
    auto low = static_cast<uint8_t>(bytes[72 + row * 2]), high = static_cast<uint8_t>(bytes[72 + row * 2 + 1]);
    EXPECT_EQ(rows.zeros[row * 3], low & 15);
    EXPECT_EQ(rows.zeros[row * 3 + 1], low >> 4);
    EXPECT_EQ(rows.zeros[row * 3 + 2], high & 15);
  }
}

TEST_F(WeightReaderTest, AffineOfEveryShape) {
  std::vector<char> bytes = randomBytes(4 * 6);
  writeFile(bytes);
  Rows rows;
  // Signed, [K,N], one scale, a zero point: codes and zero point move up by 128.
  auto tensor =
      open("#qt.source<form = affine, rows = 6, columns = 4, transposed = true, payload = " + data(0, 24, "4x6xi8") +
               ", scales = dense<0.5> : tensor<f32>, zeros = dense<-3> : tensor<i8>>",
           "6x4, #qt.int<8, axis = 1, group = 0, scale = f32, zp = int>");
  ASSERT_TRUE(succeeded(tensor));
  tensor->read(2, 4, rows);
  for (int64_t row = 0; row < 2; ++row)
    for (int64_t k = 0; k < 4; ++k)
      EXPECT_EQ(rows.codes[row * 4 + k], bytes[k * 6 + row + 2] + 128);
  EXPECT_EQ(rows.zeros, (std::vector<float>{125, 125}));
  EXPECT_EQ(rows.scales, (std::vector<float>{0.5, 0.5}));
  // Four bits, signed, [K,N] of 16 x 3, scales a block of 8 rows: a row of the file starts in the middle of a byte.
  auto blocked =
      open("#qt.source<form = affine, rows = 3, columns = 16, transposed = true, group = 8, payload = " +
               data(0, 24, "16x3xi4") + ", scales = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>>",
           "3x16, #qt.int<4, axis = 1, group = 8, scale = f32, zp = none>");
  ASSERT_TRUE(succeeded(blocked));
  blocked->read(0, 3, rows);
  for (int64_t row = 0; row < 3; ++row)
    for (int64_t k = 0; k < 16; ++k) {
      int64_t index = k * 3 + row;
      int code = static_cast<uint8_t>(bytes[index / 2]) >> (index % 2 * 4) & 15;
      EXPECT_EQ(rows.codes[row * 16 + k], (code >= 8 ? code - 16 : code) + 8);
    }
  EXPECT_EQ(rows.scales, (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(rows.zeros, std::vector<float>(6, 8.0f));
}

TEST_F(WeightReaderTest, FloatsAreEncodedTheSameFromEveryThread) {
  std::mt19937 random(2);
  std::vector<float> values(130 * 72);
  for (float &v : values)
    v = std::normal_distribution<float>()(random);
  writeFile(bytesOf(values));
  // Two sources below each other; the second is the file's lower part.
  auto reader =
      open("#qt.source<form = dense, rows = 30, columns = 72, payload = " + data(0, 30 * 72 * 4, "30x72xf32") +
               ">, #qt.source<form = dense, rows = 100, columns = 72, payload = " +
               data(30 * 72 * 4, 100 * 72 * 4, "100x72xf32") + ">",
           "130x72, #qt.int<4, axis = 1, group = 32, scale = f16, zp = 8>");
  ASSERT_TRUE(succeeded(reader));
  Rows expected;
  reader->getType().getFormat().encode(values.data(), 130, 72, expected);
  std::vector<std::thread> threads;
  std::vector<Rows> results(4);
  for (Rows &result : results)
    threads.emplace_back([&] { reader->read(10, 90, result); });
  for (std::thread &thread : threads)
    thread.join();
  for (Rows &result : results) {
    EXPECT_EQ(result.rows, 80);
    EXPECT_EQ(result.codes, std::vector<uint8_t>(expected.codes.begin() + 10 * 72, expected.codes.begin() + 90 * 72));
    EXPECT_EQ(result.scales, std::vector<float>(expected.scales.begin() + 10 * 3, expected.scales.begin() + 90 * 3));
  }
}

TEST_F(WeightReaderTest, QuantizedFilesCanBecomeFloats) {
  std::vector<char> bytes = randomBytes(2 * 32);
  writeFile(bytes);
  auto reader = open("#qt.source<form = affine, rows = 2, columns = 32, payload = " + data(0, 64, "2x32xui8") +
                         ", scales = dense<[0.5, 0.25]> : tensor<2xf32>, zeros = dense<[7, 200]> : tensor<2xui8>>",
                     "2x32, #qt.float<f32>");
  ASSERT_TRUE(succeeded(reader));
  Rows rows;
  reader->read(0, 2, rows);
  for (int64_t i = 0; i < 64; ++i)
    EXPECT_EQ(rows.values[i], (static_cast<uint8_t>(bytes[i]) - (i < 32 ? 7 : 200)) * (i < 32 ? 0.5f : 0.25f));
}

TEST_F(WeightReaderTest, FilesThatAreTooShortAreErrors) {
  writeFile(randomBytes(40));
  context.getDiagEngine().registerHandler([](Diagnostic &) { return success(); });
  EXPECT_TRUE(failed(open("#qt.source<form = dense, rows = 3, columns = 5, payload = " + data(0, 60, "3x5xf32") + ">",
                          "3x5, #qt.float<f32>")));
  EXPECT_TRUE(failed(open("#qt.source<form = dense, rows = 3, columns = 5, payload = " + data(0, 40, "3x5xf32") + ">",
                          "3x5, #qt.float<f32>")));
}

} // namespace
