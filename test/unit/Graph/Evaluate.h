//===- Evaluate.h - the value of a size ------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_GRAPH_EVALUATE_H
#define SINTER_TEST_UNIT_GRAPH_EVALUATE_H

#include "dialects/Graph/Symbols.h"

#include "llvm/Support/MathExtras.h"
#include <map>
#include <random>
#include <string>

namespace sinter::graph {

/// The expression's value where symbols have these, by name.
inline int64_t evaluate(const SymbolTable &table, const SymExpr &e, const std::map<std::string, int64_t> &values) {
  int64_t sum = 0;
  for (auto &[monomial, coefficient] : e.terms) {
    int64_t product = coefficient;
    for (unsigned number : monomial) {
      const SymbolTable::Atom &atom = table.atom(number);
      if (atom.kind == SymbolTable::Atom::Symbol) {
        product *= values.at(atom.name);
        continue;
      }
      int64_t a = evaluate(table, atom.a, values), b = evaluate(table, atom.b, values);
      switch (atom.kind) {
      case SymbolTable::Atom::Floor: product *= llvm::divideFloorSigned(a, b); break;
      case SymbolTable::Atom::Ceil: product *= llvm::divideCeilSigned(a, b); break;
      case SymbolTable::Atom::Mod: product *= llvm::mod(a, b); break;
      case SymbolTable::Atom::Min: product *= std::min(a, b); break;
      default: product *= std::max(a, b); break;
      }
    }
    sum += product;
  }
  return sum;
}

/// Random expressions, each with the function of the symbols' values that it must be.
struct RandomExpr {
  SymExpr expr;
  std::function<int64_t(const std::map<std::string, int64_t> &)> value;
};
inline RandomExpr randomExpr(SymbolTable &table, const std::vector<std::string> &names, std::mt19937 &random, unsigned depth) {
  auto pick = [&](int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(random); };
  if (depth == 0 || pick(0, 4) == 0) {
    if (pick(0, 1)) {
      std::string name = names[pick(0, names.size() - 1)];
      return {table.symbol(name), [name](const auto &values) { return values.at(name); }};
    }
    int64_t constant = pick(-4, 9);
    return {constant, [constant](const auto &) { return constant; }};
  }
  RandomExpr a = randomExpr(table, names, random, depth - 1), b = randomExpr(table, names, random, depth - 1);
  int64_t divisor = pick(1, 5);
  switch (pick(0, 7)) {
  case 0: return {a.expr - b.expr, [=](const auto &v) { return a.value(v) - b.value(v); }};
  case 1: return {a.expr * b.expr, [=](const auto &v) { return a.value(v) * b.value(v); }};
  case 2: return {table.floorDiv(a.expr, divisor), [=](const auto &v) { return llvm::divideFloorSigned(a.value(v), divisor); }};
  case 3: return {table.ceilDiv(a.expr, divisor), [=](const auto &v) { return llvm::divideCeilSigned(a.value(v), divisor); }};
  case 4: return {table.mod(a.expr, divisor), [=](const auto &v) { return llvm::mod(a.value(v), divisor); }};
  case 5: return {table.min(a.expr, b.expr), [=](const auto &v) { return std::min(a.value(v), b.value(v)); }};
  case 6: return {table.max(a.expr, b.expr), [=](const auto &v) { return std::max(a.value(v), b.value(v)); }};
  default: return {a.expr + b.expr, [=](const auto &v) { return a.value(v) + b.value(v); }};
  }
}

} // namespace sinter::graph

#endif // SINTER_TEST_UNIT_GRAPH_EVALUATE_H
