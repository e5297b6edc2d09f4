//===- GatherRowsTest.cpp - rows of packed weights ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Lower/KernelJit.h"

#include "mlir/AsmParser/AsmParser.h"
#include "gtest/gtest.h"

#include <cstring>
#include <random>

using namespace mlir;
using namespace sinter;
using namespace sinter::test;

namespace {

void check(MLIRContext &context, const std::string &format, const std::string &idType, int64_t n, int64_t k) {
  SCOPED_TRACE(format + " " + std::to_string(n) + "x" + std::to_string(k));
  std::string typeText = "!qt.tensor<" + std::to_string(n) + "x" + std::to_string(k) + ", " + format + ">",
              ks = std::to_string(k), printed;
  auto type = cast<qt::QuantTensorType>(parseType(typeText, &context));
  kern::PanelAttr panel = kern::choosePanel(type, {});
  kern::PanelLayout layout(panel, type);
  llvm::raw_string_ostream(printed) << panel;
  std::mt19937 random(7);
  std::vector<float> source(n * k), decoded(n * k);
  for (float &v : source)
    v = std::normal_distribution<float>()(random);
  Buffer weights(layout.panels * layout.panelBytes);
  for (int64_t p = 0; p < layout.panels; ++p) {
    int64_t first = p * layout.channels, count = std::min(layout.channels, n - first);
    qt::Rows rows;
    type.getFormat().encode(&source[first * k], count, k, rows);
    type.getFormat().decode(rows, &decoded[first * k]);
    kern::packPanel(layout, rows, weights.bytes() + p * layout.panelBytes);
  }
  auto jit = KernelJit::compile(
      context,
      "func.func private @gather(%i: memref<?x" + idType +
          ">, %w: memref<?xi8>, %o: memref<?xf32>, %m: index, %b: index, %e: index, %s: memref<?xi8>) "
          "attributes {kern.kernel} {\n  %c = memref.reinterpret_cast %o to offset: [0], sizes: [%m, " +
          ks + "], strides: [" + ks + ", 1] : memref<?xf32> to memref<?x" + ks +
          "xf32>\n  kern.gather_rows range(%b to %e) rows(%m) ids(%i : memref<?x" + idType +
          ">) weights(%w : memref<?xi8>) outs(%c : memref<?x" + ks + "xf32>) as " + typeText + " panel " + printed +
          "\n  return\n}\n",
      "x86-64-v3");
  ASSERT_TRUE(jit);
  std::vector<int64_t> ids = {0, n - 1, n / 2, -1, -n, n, n + 1000, -n - 1, 1},
                       rows = {0, n - 1, n / 2, n - 1, 0, n - 1, n - 1, 0, 1};
  std::vector<int32_t> narrow(ids.begin(), ids.end());
  int64_t count = ids.size();
  Buffer output(count * k * 4 + 64);
  std::memset(output.bytes(), 0x55, count * k * 4 + 64);
  void *operand = idType == "i64" ? static_cast<void *>(ids.data()) : narrow.data();
  jit->run("gather", {operand, weights.bytes(), output.bytes()}, {count}, 0, count);
  for (int64_t i = 0; i < count; ++i)
    EXPECT_EQ(std::memcmp(&output.floats()[i * k], &decoded[rows[i] * k], k * 4), 0) << "id " << ids[i];
  EXPECT_EQ(output.bytes()[count * k * 4], 0x55) << "wrote behind the output";
}

TEST(GatherRows, GivesTheRowsOfEveryFormat) {
  auto context = makeContext();
  for (const char *format :
       {"#qt.float<f32>", "#qt.float<f16>", "#qt.float<bf16>", "#qt.int<4, axis = 1, group = 32, scale = f16, zp = 8>",
        "#qt.int<4, axis = 1, group = 32, scale = bf16, zp = int>",
        "#qt.int<8, axis = 1, group = 0, scale = f32, zp = none>",
        "#qt.int<8, axis = 1, group = 16, scale = f16, zp = float>"}) {
    check(*context, format, "i64", 130, 101);
    check(*context, format, "i32", 64, 64);
  }
}

} // namespace
