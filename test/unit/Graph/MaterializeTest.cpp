//===- MaterializeTest.cpp - sizes as index arithmetic and back -----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "Evaluate.h"
#include "dialects/Graph/Graph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"

using namespace mlir;
using sinter::graph::Bounds;
using sinter::graph::SymExpr;

namespace {

struct MaterializeTest : ::testing::Test {
  MaterializeTest() : builder(&context) {
    context.loadDialect<sinter::graph::GraphDialect, arith::ArithDialect>();
    module = ModuleOp::create(loc);
    builder.setInsertionPointToEnd(module->getBody());
    for (auto [name, bounds] : std::map<std::string, Bounds>{{"past", {0, 6}}, {"sequence", {1, 5}}, {"a name + 1", {2, 30}}}) {
      sinter::graph::SymbolOp::create(builder, loc, name, sinter::graph::SymbolKind::Input, bounds.lo, bounds.hi);
      table.symbol(name, bounds);
    }
  }

  MLIRContext context;
  OpBuilder builder;
  Location loc = UnknownLoc::get(&context);
  OwningOpRef<ModuleOp> module;
  sinter::graph::SymbolTable table;
};

TEST_F(MaterializeTest, RoundTrip) {
  std::mt19937 random(3);
  std::vector<std::string> names{"past", "sequence", "a name + 1"};
  for (int round = 0; round < 300; ++round) {
    auto e = sinter::graph::randomExpr(table, names, random, 4);
    Value value = table.materialize(builder, loc, e.expr);
    EXPECT_EQ(table.fromValue(value), e.expr) << table.str(e.expr);
    // Another table reads the same function from it, with the bounds of the module's symbols.
    sinter::graph::SymbolTable other;
    SymExpr read = other.fromValue(value);
    for (int sample = 0; sample < 10; ++sample) {
      std::map<std::string, int64_t> values{{"past", random() % 7}, {"sequence", random() % 5 + 1}, {"a name + 1", random() % 29 + 2}};
      EXPECT_EQ(sinter::graph::evaluate(other, read, values), e.value(values)) << table.str(e.expr) << " was read as " << other.str(read);
    }
  }
  EXPECT_TRUE(succeeded(verify(*module)));
}

TEST_F(MaterializeTest, BoundsComeFromTheModule) {
  Value value = table.materialize(builder, loc, table.symbol("sequence") * 2);
  sinter::graph::SymbolTable other;
  Bounds bounds = other.bounds(other.fromValue(value));
  EXPECT_EQ(bounds.lo, 2);
  EXPECT_EQ(bounds.hi, 10);
}

TEST_F(MaterializeTest, SolvedSymbolsAreNotMade) {
  ASSERT_EQ(table.unify(table.symbol("a name + 1"), table.symbol("past") + table.symbol("sequence")), sinter::graph::SymbolTable::Unified::Yes);
  table.materialize(builder, loc, table.symbol("a name + 1"));
  module->walk([](sinter::graph::DimOp dim) { EXPECT_NE(dim.getSymbol(), "a name + 1"); });
}

TEST_F(MaterializeTest, OtherValuesAreAtoms) {
  Block block;
  Value argument = block.addArgument(builder.getIndexType(), loc);
  SymExpr e = table.fromValue(argument);
  EXPECT_EQ(table.fromValue(argument), e);
  EXPECT_EQ(table.materialize(builder, loc, e), argument);
  EXPECT_EQ(table.bounds(e).hi, Bounds::kUnbounded);
}

} // namespace
