//===- SymbolsTest.cpp - sizes as polynomials -----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "Evaluate.h"

#include "gtest/gtest.h"

using namespace sinter::graph;
using Unified = SymbolTable::Unified;

namespace {

struct SymbolsTest : ::testing::Test {
  SymbolTable table;
  SymExpr past = table.symbol("past", {0, 100}), sequence = table.symbol("sequence", {1, 50}), total = table.symbol("total", {1, 120});
};

TEST_F(SymbolsTest, OneNormalForm) {
  EXPECT_EQ((past + sequence) * (past - sequence), past * past - sequence * sequence);
  EXPECT_EQ(past * sequence * total, total * (sequence * past));
  EXPECT_TRUE((past - past).is(0));
  EXPECT_TRUE(SymExpr(0).terms.empty());
  EXPECT_EQ((past * 2 + 4 - past * 2).constant(), 4);
  EXPECT_EQ((past + 0).atom(), past.atom());
  EXPECT_FALSE((past * 2).atom());
  EXPECT_FALSE((past + 1).atom());
  EXPECT_EQ(table.symbol("past"), past);
}

TEST_F(SymbolsTest, FunctionsOfEqualOperandsAreOne) {
  EXPECT_EQ(table.floorDiv(past + 1, 2), table.floorDiv(1 + past, 2));
  EXPECT_EQ(table.min(past, sequence), table.min(sequence, past));
  EXPECT_FALSE(table.floorDiv(past + 1, 2) == table.ceilDiv(past + 1, 2));
}

TEST_F(SymbolsTest, FunctionsFold) {
  EXPECT_TRUE(table.floorDiv(-7, 2).is(-4));
  EXPECT_TRUE(table.ceilDiv(-7, 2).is(-3));
  EXPECT_TRUE(table.mod(-7, 4).is(1));
  EXPECT_EQ(table.floorDiv(past * 6, 3), past * 2);
  EXPECT_TRUE(table.mod(past * 6, 3).is(0));
  // Bounds decide: sequence is at least 1, past + sequence at least as large as past.
  EXPECT_TRUE(table.min(sequence, 1).is(1));
  EXPECT_EQ(table.max(past, past + sequence), past + sequence);
  EXPECT_FALSE(table.floorDiv(past, 0).constant());
}

TEST_F(SymbolsTest, UnifyRulesOutAnOperandOfAClamp) {
  // What total[past:] has, where it is as long as a sequence of at least 1.
  SymExpr sliced = table.max(total - table.min(past, total), 0);
  EXPECT_EQ(table.unify(sliced, sequence), Unified::Yes);
  EXPECT_TRUE(table.equal(total, past + sequence));
  EXPECT_EQ(table.resolve(sliced), sequence);
}

TEST_F(SymbolsTest, UnifyKeepsAClampThatMayBeEither) {
  SymExpr other = table.symbol("other", {0, 50});
  SymExpr sliced = table.max(total - past, 0);
  EXPECT_EQ(table.unify(sliced, other), Unified::Yes);
  EXPECT_EQ(table.resolve(other), sliced);
  EXPECT_FALSE(table.equal(total, past + other));
}

TEST_F(SymbolsTest, DivideExact) {
  EXPECT_EQ(table.divideExact(past * sequence * 12, sequence * 4), past * 3);
  EXPECT_EQ(table.divideExact((past + sequence) * (past + 3), past + sequence), past + 3);
  EXPECT_EQ(table.divideExact(0, past), SymExpr(0));
  EXPECT_FALSE(table.divideExact(past + 1, 2));
  EXPECT_FALSE(table.divideExact(past * 3, 2));
  EXPECT_FALSE(table.divideExact(past, past + sequence));
  EXPECT_FALSE(table.divideExact(past, 0));
}

TEST_F(SymbolsTest, UnifyPrefersSums) {
  EXPECT_EQ(table.unify(past, total - sequence), Unified::Yes);
  EXPECT_EQ(table.resolve(total), past + sequence);
  EXPECT_EQ(table.resolve(past), past);
  EXPECT_EQ(table.resolve(sequence), sequence);
  EXPECT_TRUE(table.equal(total * 2, past * 2 + sequence + sequence));
}

TEST_F(SymbolsTest, UnifyNarrows) {
  SymExpr other = table.symbol("other", {3, 500});
  EXPECT_EQ(table.unify(other, past), Unified::Yes);
  EXPECT_TRUE(table.equal(other, past));
  EXPECT_EQ(table.bounds(other).lo, 3);
  EXPECT_EQ(table.bounds(past).hi, 100);
}

TEST_F(SymbolsTest, UnifySolvesInsideFunctions) {
  SymExpr half = table.floorDiv(total + 1, 2);
  EXPECT_EQ(table.unify(total, 9), Unified::Yes);
  EXPECT_TRUE(table.resolve(half).is(5));
}

TEST_F(SymbolsTest, UnifyRefuses) {
  EXPECT_EQ(table.unify(past + 1, past + 2), Unified::Never);
  EXPECT_EQ(table.unify(3, 4), Unified::Never);
  EXPECT_EQ(table.unify(past + 2, 2 + past), Unified::Yes);
  // past * past = sequence * past has no symbol to solve for; past = floordiv(past, 2) + ... has past on both sides.
  EXPECT_EQ(table.unify(past * past, sequence * past), Unified::Unknown);
  EXPECT_EQ(table.unify(past, table.floorDiv(past, 2)), Unified::Unknown);
  EXPECT_EQ(table.resolve(past), past);
}

TEST_F(SymbolsTest, UnifyKeepsBounds) {
  EXPECT_EQ(table.unify(sequence, 51), Unified::Never);
  EXPECT_EQ(table.unify(0, sequence), Unified::Never);
  EXPECT_EQ(table.resolve(sequence), sequence);
  EXPECT_EQ(table.unify(sequence, 50), Unified::Yes);
}

TEST_F(SymbolsTest, BoundsSaturate) {
  SymExpr open = table.symbol("open", {1, Bounds::kUnbounded});
  Bounds product = table.bounds(open * open * open + 5);
  EXPECT_EQ(product.hi, Bounds::kUnbounded);
  EXPECT_EQ(product.lo, 6);
  EXPECT_EQ(table.bounds(0 - open * open).lo, -Bounds::kUnbounded);
  EXPECT_EQ(table.bounds(table.min(open, 7)).hi, 7);
  EXPECT_GE(table.bounds(table.mod(past, open)).hi, 100);
}

TEST_F(SymbolsTest, LessEqual) {
  EXPECT_EQ(table.lessEqual(past, past + sequence), true);
  EXPECT_EQ(table.lessEqual(past + 51, sequence), false);
  EXPECT_FALSE(table.lessEqual(past, sequence));
}

TEST_F(SymbolsTest, FreshSymbolsHaveNamesOfTheirOwn) {
  table.symbol("d0");
  SymExpr a = table.fresh({1, 2}), b = table.fresh({1, 2});
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(a == table.symbol("d0"));
}

TEST_F(SymbolsTest, Prints) {
  EXPECT_EQ(table.str(0), "0");
  EXPECT_EQ(table.str(past * 2 + 3), "2*past + 3");
  EXPECT_EQ(table.str(0 - past), "-past");
  EXPECT_EQ(table.str(table.floorDiv(past + 1, 2)), "floordiv(past + 1, 2)");
}

// Whatever is built: the value is that of the operations, it lies within the bounds, and what unify learned changes none.
TEST(SymbolsProperty, ValuesAndBounds) {
  std::mt19937 random(1);
  std::vector<std::string> names{"a", "b", "c"};
  for (int round = 0; round < 2000; ++round) {
    SymbolTable table;
    table.symbol("a", {0, 6});
    table.symbol("b", {1, 5});
    table.symbol("c", {2, 30});
    RandomExpr e = randomExpr(table, names, random, 4);
    Bounds bounds = table.bounds(e.expr);
    bool related = round % 2 && table.unify(table.symbol("c"), table.symbol("a") + table.symbol("b") * 3) == Unified::Yes;
    Bounds narrowed = table.bounds(e.expr);
    SymExpr resolved = table.resolve(e.expr);
    for (int sample = 0; sample < 20; ++sample) {
      std::map<std::string, int64_t> values{{"a", random() % 7}, {"b", random() % 5 + 1}, {"c", random() % 29 + 2}};
      if (related)
        values["c"] = values["a"] + values["b"] * 3;
      int64_t expected = e.value(values);
      ASSERT_EQ(evaluate(table, e.expr, values), expected) << table.str(e.expr);
      ASSERT_EQ(evaluate(table, resolved, values), expected) << table.str(e.expr) << " became " << table.str(resolved);
      for (Bounds b : {bounds, narrowed}) {
        ASSERT_LE(b.lo, expected) << table.str(e.expr);
        ASSERT_GE(b.hi, expected) << table.str(e.expr);
      }
    }
  }
}

TEST(SymbolsProperty, DivideExactIsExact) {
  std::mt19937 random(2);
  SymbolTable table;
  std::vector<SymExpr> symbols{table.symbol("a"), table.symbol("b"), table.symbol("c")};
  auto polynomial = [&](unsigned terms) {
    SymExpr sum;
    for (unsigned i = 0; i < terms; ++i)
      sum = sum + symbols[random() % 3] * (random() % 2 ? symbols[random() % 3] : SymExpr(1)) * int64_t(random() % 7 + 1);
    return sum;
  };
  for (int round = 0; round < 500; ++round) {
    SymExpr a = polynomial(3), monomial = polynomial(1), any = polynomial(2);
    EXPECT_EQ(table.divideExact(a * monomial, monomial), a);
    // A quotient may be missed, but never wrong.
    if (auto quotient = table.divideExact(a, any))
      EXPECT_EQ(*quotient * any, a);
  }
}

} // namespace
