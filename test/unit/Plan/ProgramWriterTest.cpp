//===- ProgramWriterTest.cpp - what is written can be opened and run ------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/ProgramWriter.h"
#include "runtime/include/sinter.h"

#include "gtest/gtest.h"

using namespace sinter;
using namespace sinter::program;

extern "C" const sinter_api sinter_runtime_api;

namespace {

void addScalar(char *const *operands, const int64_t *scalars, int64_t begin, int64_t end, char *) {
  for (int64_t i = begin; i < end; ++i)
    reinterpret_cast<int64_t *>(operands[1])[i] = reinterpret_cast<int64_t *>(operands[0])[i] + scalars[0];
}

/// y[n] = x[n] + 7, as two rows through the arena.
struct Written {
  plan::ProgramWriter writer;
  std::vector<char> block;
  const Kernel kernels[1] = {addScalar};
  program::Model table = {};

  Written() {
    uint32_t n = writer.scalar(ScalarOp::Symbol), none = writer.string("");
    writer.symbols.push_back({writer.string("n"), SymbolKind::Input, 1, 8, kNone});
    Axis axis{n, writer.string("n"), AxisRole::Other};
    writer.inputs.push_back({writer.string("x"), DType::I64, writer.axes(axis), 64});
    writer.outputs.push_back({writer.string("y"), DType::I64, writer.axes(axis), 64});
    writer.functions.push_back(writer.string("add"));
    writer.header.arenaBytes = 128;
    writer.header.sequence = kNone;
    auto row = [&](Operand from, Operand to, int64_t add) {
      writer.rows.push_back({RowKind::Dispatch, DType::F32, 1, 0, none, n, 1, writer.operands({from, to}), writer.scalarList(writer.constant(add))});
    };
    row({Space::Input, 0, kNone, 0}, {Space::Arena, 0, kNone, 64}, 3);
    row({Space::Arena, 0, kNone, 64}, {Space::Output, 0, kNone, 0}, 4);
    writer.meta("source", "a.onnx");
    writer.meta("notes", "");
  }
  int open(sinter_model **model, char *why) {
    if (block.empty())
      block = writer.finish();
    table = {kMagic, kVersion, reinterpret_cast<const Header *>(block.data()), kernels, &sinter_runtime_api};
    return sinter_runtime_api.open(&table, nullptr, nullptr, model, why);
  }
};

TEST(ProgramWriter, OpensAndRuns) {
  Written written;
  char why[SINTER_MESSAGE_BYTES] = "";
  sinter_model *model = nullptr;
  ASSERT_EQ(written.open(&model, why), 0) << why;
  EXPECT_EQ(model->info->rows, 2u);
  EXPECT_STREQ(model->info->inputs[0].axes[0].label, "n");
  ASSERT_TRUE(sinter_find_meta(model, "notes"));
  EXPECT_EQ(sinter_find_meta(model, "notes")->bytes, 0u);
  sinter_session *session = nullptr;
  ASSERT_EQ(sinter_session_create(model, nullptr, &session, why), 0) << why;
  int64_t x[] = {1, 2, 3};
  sinter_tensor in = {"x", SINTER_I64, 1, {3}, x, sizeof x}, out = {};
  out.name = "y";
  EXPECT_EQ(sinter_run(session, &in, 1, &out, 1, 0), 0) << sinter_message(session);
  ASSERT_EQ(out.dims[0], 3);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(static_cast<const int64_t *>(out.data)[i], x[i] + 7);
  sinter_session_destroy(session);
  sinter_close(model);
}

// What it refers to is inside, whatever is cut off.
TEST(ProgramWriter, EveryRecordIsChecked) {
  Written whole;
  whole.block = whole.writer.finish();
  for (size_t bytes = sizeof(Header); bytes < whole.block.size(); bytes += 8) {
    Written cut;
    cut.block = whole.block;
    reinterpret_cast<Header *>(cut.block.data())->bytes = bytes;
    char why[SINTER_MESSAGE_BYTES] = "";
    sinter_model *model = nullptr;
    EXPECT_EQ(cut.open(&model, why), SINTER_ERROR_CORRUPT) << bytes << " of " << whole.block.size() << " bytes";
    sinter_close(model);
  }
}

TEST(ProgramWriter, EqualStringsAndScalarsAreOne) {
  plan::ProgramWriter writer;
  EXPECT_EQ(writer.string("a"), writer.string("a"));
  EXPECT_NE(writer.string("a"), writer.string("b"));
  EXPECT_EQ(writer.constant(3), writer.constant(3));
  EXPECT_NE(writer.constant(3), writer.constant(4));
  uint32_t three = writer.constant(3), four = writer.constant(4);
  EXPECT_EQ(writer.scalar(ScalarOp::Add, three, four), writer.scalar(ScalarOp::Add, three, four));
  EXPECT_NE(writer.scalar(ScalarOp::Add, three, four), writer.scalar(ScalarOp::Sub, three, four));
  // Each load gives a value of its own.
  EXPECT_NE(writer.scalar(ScalarOp::Loaded), writer.scalar(ScalarOp::Loaded));
}

TEST(ProgramWriter, ListsAreAligned) {
  plan::ProgramWriter writer;
  writer.header.sequence = kNone;
  writer.meta("a", "1"); // texts of odd lengths in between
  writer.string("abc");
  writer.symbols.push_back({writer.string("n"), SymbolKind::Input, 1, 8, kNone});
  std::vector<char> block = writer.finish();
  const auto *header = reinterpret_cast<const Header *>(block.data());
  EXPECT_EQ(header->bytes, block.size());
  for (Span span : {header->strings, header->symbols, header->scalars, header->inputs, header->outputs, header->states, header->rows,
                    header->functions, header->metas}) {
    EXPECT_EQ(span.offset % 8, 0u);
    EXPECT_LE(span.offset, block.size());
  }
  EXPECT_EQ(header->strings.count, 3u);
}

} // namespace
