//===- PlanTest.cpp - dispatches as a schedule ----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Plan.h"
#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace sinter;
using namespace sinter::program;

namespace {

/// The program of an IR text, or the first error.
struct Planned {
  explicit Planned(const std::string &text) {
    context.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect, onnx::OnnxDialect, graph::GraphDialect, qt::QTDialect, kv::KVDialect,
                        kern::KernDialect>();
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
      if (error.empty())
        error = diagnostic.str();
    });
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (module && mlir::succeeded(plan::planProgram(*module, program)))
      block = program.writer.finish();
  }

  const Header &header() const { return *reinterpret_cast<const Header *>(block.data()); }
  template <typename T> llvm::ArrayRef<T> list(Span span) const { return {reinterpret_cast<const T *>(block.data() + span.offset), span.count}; }
  std::string string(uint32_t number) const {
    Span span = list<Span>(header().strings)[number];
    return std::string(block.data() + span.offset, span.count);
  }
  llvm::ArrayRef<Row> rows() const { return list<Row>(header().rows); }
  llvm::ArrayRef<Operand> operands(unsigned row) const { return list<Operand>(rows()[row].operands); }
  std::string barriers() const {
    std::string out;
    for (const Row &row : rows())
      out += row.barrier ? '|' : '.';
    return out;
  }
  std::vector<AxisRole> roles(const Tensor &tensor) const {
    std::vector<AxisRole> out;
    for (const Axis &axis : list<Axis>(tensor.axes))
      out.push_back(axis.role);
    return out;
  }

  mlir::MLIRContext context;
  std::string error;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  plan::Program program;
  std::vector<char> block;
};

/// A graph from x [n, 4] to y [n, 4] on buffers a, b, c, d and two weights.
std::string graph(const std::string &dispatches) {
  return R"(
    graph.symbol @n input 1 to 8
    func.func @main(%x: tensor<?x4xf32> {onnx.name = "x", onnx.dims = ["n", 4]}) {
      %n = graph.dim @n
      %c4 = arith.constant 4 : index
      graph.bind %x[%n, %c4] : tensor<?x4xf32>
      %v = onnx.initializer <"m.onnx", 0, 12> {name = "v"} : tensor<3xf32>
      %w = onnx.initializer <"m.onnx", 12, 400> {name = "w"} : tensor<100xf32>
      %e = arith.muli %n, %c4 : index
      %a = kern.buffer[%e] bound 32 : memref<?xf32>
      %b = kern.buffer[%e] bound 32 : memref<?xf32>
      %c = kern.buffer[%e] bound 32 : memref<?xf32>
      %y = kern.buffer[%e] bound 32 output 0 : memref<?xf32>
)" + dispatches +
         R"(
      kern.output 0 %y[%n, %c4] {onnx.name = "y"} : memref<?xf32>
      return
    }
    func.func private @k() attributes {kern.kernel, kern.scratch = 128 : i64}
    func.func private @l() attributes {kern.kernel, kern.scratch = 64 : i64}
)";
}

std::string dispatch(const std::string &from, const std::string &to, const std::string &kernel = "k") {
  auto type = [](const std::string &value) {
    return value == "x" ? "tensor<?x4xf32>" : value == "v" ? "tensor<3xf32>" : value == "w" ? "tensor<100xf32>" : "memref<?xf32>";
  };
  return "kern.dispatch @" + kernel + " grid(%n) buffers(%" + to + ", %" + from + " : " + type(to) + ", " + type(from) + ") scalars(%n) writes [0]\n";
}

TEST(Plan, RowsWaitForWhatTheyRead) {
  // Two rows that read one input do not wait for each other, what reads them does.
  Planned planned(graph(dispatch("x", "a") + dispatch("x", "b") + dispatch("a", "c") + dispatch("b", "y")));
  ASSERT_EQ(planned.error, "");
  EXPECT_EQ(planned.barriers(), "..|.");
  EXPECT_EQ(planned.header().arenaBytes, 3 * 128u);
}

TEST(Plan, RowsWaitBeforeTheyWriteWhatWasRead) {
  // c has the memory of a, which the row before it reads.
  Planned planned(graph(dispatch("x", "a") + dispatch("a", "b") + dispatch("x", "c") + dispatch("b", "y") + dispatch("c", "y")));
  ASSERT_EQ(planned.error, "");
  EXPECT_EQ(planned.header().arenaBytes, 2 * 128u);
  EXPECT_EQ(planned.operands(2)[0].offset, planned.operands(0)[0].offset);
  EXPECT_EQ(planned.barriers(), ".||.|");
}

TEST(Plan, TwoWritesWait) {
  Planned planned(graph(dispatch("x", "y") + dispatch("x", "y")));
  EXPECT_EQ(planned.barriers(), ".|");
}

TEST(Plan, KernelsAndScratch) {
  Planned planned(graph(dispatch("x", "a", "l") + dispatch("a", "b") + dispatch("b", "y", "l")));
  ASSERT_EQ(planned.error, "");
  EXPECT_EQ(planned.program.kernels, (std::vector<std::string>{"l", "k"}));
  EXPECT_EQ(planned.rows()[2].function, planned.rows()[0].function);
  EXPECT_EQ(planned.header().scratchBytes, 128u);
}

TEST(Plan, WeightsStandInTheOrderOfTheirFirstUse) {
  Planned planned(graph(dispatch("v", "a") + dispatch("w", "b") + dispatch("v", "y")));
  ASSERT_EQ(planned.error, "");
  ASSERT_EQ(planned.program.weights.size(), 2u);
  EXPECT_EQ(planned.operands(0)[1].space, Space::Weights);
  EXPECT_EQ(planned.operands(0)[1].offset, 0u);
  EXPECT_EQ(planned.operands(1)[1].offset, 64u);
  EXPECT_EQ(planned.operands(2)[1].offset, 0u);
  EXPECT_EQ(planned.header().weightBytes, 464u);
}

TEST(Plan, ABufferWithoutABoundIsAnError) {
  std::string text = graph(dispatch("x", "a") + dispatch("a", "y"));
  text.replace(text.find("bound 32"), 8, "bound 72057594037927936");
  EXPECT_EQ(Planned(text).error, "a tensor has no bound: bound the model's dims with --dim NAME=LO..HI");
}

/// A decoder of one layer. The logits have sizes `rows`; `present` is the length of the presents.
std::string decoder(const std::string &rows, const std::string &present) {
  std::string cache = "kv.cache = !kv.cache<heads = 2, key = 16, value = 16, capacity = 40, #kv.blocked<f16>>";
  auto past = [&](const std::string &part, int number) {
    return "tensor<1x2x?x16xf16> {onnx.name = \"past." + part + "\", graph.state = " + std::to_string(number + 1) + ", kv.state = " + std::to_string(number) + ", " + cache +
           ", kv.part = #kv.part<" + part + ">}";
  };
  return "graph.symbol @past past 0 to 31\ngraph.symbol @s input 1 to 8\ngraph.symbol @first first 0 to 8\n"
         "func.func @main(%k: " + past("key", 0) + ", %v: " + past("value", 1) + ", %ids: tensor<1x?xi64> {onnx.name = \"ids\"}, %mask: tensor<1x?xi64> {onnx.name = \"mask\"}) {" + R"(
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c5 = arith.constant 5 : index
      %c16 = arith.constant 16 : index
      %past = graph.dim @past
      %s = graph.dim @s
      %first = graph.dim @first
      %wanted = arith.subi %s, %first : index
      %square = arith.muli %s, %s : index
      %total = arith.addi %past, %s : index
      graph.bind %k[%c1, %c2, %past, %c16] : tensor<1x2x?x16xf16>
      graph.bind %v[%c1, %c2, %past, %c16] : tensor<1x2x?x16xf16>
      graph.bind %ids[%c1, %s] : tensor<1x?xi64>
      graph.bind %mask[%c1, %total] : tensor<1x?xi64>
      %cache = kern.state 0 : memref<?xi8>
      %y = kern.buffer[%s] bound 320 output 0 : memref<?xf32>
      kern.dispatch @k grid(%s) buffers(%cache, %ids, %mask : memref<?xi8>, tensor<1x?xi64>, tensor<1x?xi64>) writes [0]
      kern.dispatch @k grid(%s) buffers(%y, %cache : memref<?xf32>, memref<?xi8>) writes [0]
      kern.output 0 %y[)" + rows + R"(, %c5] {onnx.name = "logits"} : memref<?xf32>
      kern.output 1 %cache[%c1, %c2, )" + present + R"(, %c16] {onnx.name = "present.key", graph.element = f16} : memref<?xi8>
      kern.output 2 %cache[%c1, %c2, )" + present + R"(, %c16] {onnx.name = "present.value", graph.element = f16} : memref<?xi8>
      return
    }
    func.func private @k() attributes {kern.kernel, kern.scratch = 0 : i64}
)";
}

TEST(Plan, TheInterfaceOfADecoder) {
  Planned planned(decoder("%wanted", "%total"));
  ASSERT_EQ(planned.error, "");
  const Header &header = planned.header();
  auto symbols = planned.list<Symbol>(header.symbols);
  EXPECT_EQ(planned.string(symbols[header.sequence].name), "s");
  EXPECT_EQ(header.chunk, 8u);
  EXPECT_EQ(header.chunkable, 1);
  EXPECT_EQ(symbols[0].kind, SymbolKind::Past);
  EXPECT_EQ(symbols[0].hi, 40) << "the cache's capacity";
  auto scalars = planned.list<Scalar>(header.scalars);
  EXPECT_EQ(scalars[symbols[0].after].op, ScalarOp::Add);
  EXPECT_EQ(symbols[2].kind, SymbolKind::First);

  auto inputs = planned.list<Tensor>(header.inputs), outputs = planned.list<Tensor>(header.outputs);
  ASSERT_EQ(inputs.size(), 2u);
  ASSERT_EQ(outputs.size(), 1u);
  using Roles = std::vector<AxisRole>;
  EXPECT_EQ(planned.roles(inputs[0]), (Roles{AxisRole::Other, AxisRole::Sequence}));
  EXPECT_EQ(planned.roles(inputs[1]), (Roles{AxisRole::Other, AxisRole::Total}));
  EXPECT_EQ(planned.roles(outputs[0]), (Roles{AxisRole::Sequence, AxisRole::Other}));
  EXPECT_EQ(inputs[0].bound, 64u);
  EXPECT_EQ(inputs[1].bound, 39 * 8u);

  auto states = planned.list<State>(header.states);
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(planned.string(states[1].in.name), "past.value");
  EXPECT_EQ(planned.string(states[1].out.name), "present.value");
  EXPECT_EQ(planned.roles(states[0].in), (Roles{AxisRole::Other, AxisRole::Other, AxisRole::Past, AxisRole::Other}));
  EXPECT_GE(states[0].bytes, 2 * 2 * 40 * 16 * 2u) << "keys and values of both heads";
  EXPECT_EQ(states[0].bytesPerToken, 2 * 2 * 16 * 2u);
  EXPECT_EQ(states[1].bytes, 0u) << "the key half owns the memory of both";
  EXPECT_EQ(planned.barriers(), ".|");
}

TEST(Plan, AnOutputThatPiecesCannotBePutTogetherTo) {
  Planned planned(decoder("%square", "%total"));
  ASSERT_EQ(planned.error, "");
  EXPECT_EQ(planned.header().chunkable, 0);
  EXPECT_EQ(graph::notes(*planned.module),
            std::vector<std::string>{"a prompt is run as one piece: output 'logits' cannot be put together from those of chunks"});
}

TEST(Plan, ACacheNeedsItsPresent) {
  EXPECT_EQ(Planned(decoder("%s", "%past")).error, "no output is as long as cache 'past.key' and its new tokens are: keep its present as an output");
}

} // namespace
