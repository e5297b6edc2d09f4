//===- Symbols.h - sizes as polynomials over symbols -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_GRAPH_SYMBOLS_H
#define SINTER_DIALECTS_GRAPH_SYMBOLS_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace sinter::graph {

/// An integer polynomial in normal form: two equal ones compare equal. Its variables ("atoms") are symbols and functions that are
/// no polynomials (quotients, remainders, minima, maxima), numbered by a SymbolTable. A value; needs its table to print or to divide.
class SymExpr {
public:
  SymExpr(int64_t constant = 0) {
    if (constant)
      terms[{}] = constant;
  }
  /// The value, where it is a constant.
  std::optional<int64_t> constant() const {
    if (terms.empty())
      return 0;
    if (terms.size() == 1 && terms.begin()->first.empty())
      return terms.begin()->second;
    return std::nullopt;
  }
  bool is(int64_t value) const { return constant() == value; }
  /// The atom's number, where the expression is one atom and nothing else.
  std::optional<unsigned> atom() const;

  friend bool operator==(const SymExpr &a, const SymExpr &b) { return a.terms == b.terms; }
  friend bool operator<(const SymExpr &a, const SymExpr &b) { return a.terms < b.terms; }
  friend SymExpr operator+(const SymExpr &a, const SymExpr &b);
  friend SymExpr operator-(const SymExpr &a, const SymExpr &b);
  friend SymExpr operator*(const SymExpr &a, const SymExpr &b);

  /// Products of atoms (sorted numbers) -> coefficient, never zero.
  using Monomial = llvm::SmallVector<unsigned, 2>;
  struct Less {
    bool operator()(const Monomial &a, const Monomial &b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };
  std::map<Monomial, int64_t, Less> terms;
};

/// An inclusive range; `hi` may be kUnbounded.
struct Bounds {
  static constexpr int64_t kUnbounded = int64_t(1) << 56;
  int64_t lo = 0, hi = kUnbounded;
};

/// The symbols of one module, with bounds and equations.
class SymbolTable {
public:
  /// The symbol with this name, made on first use.
  SymExpr symbol(llvm::StringRef name, Bounds bounds = {});
  /// A symbol without a name of the file's: "%0", "%1", ...
  SymExpr fresh(Bounds bounds);

  SymExpr floorDiv(const SymExpr &a, const SymExpr &b);
  SymExpr ceilDiv(const SymExpr &a, const SymExpr &b);
  SymExpr mod(const SymExpr &a, const SymExpr &b);
  SymExpr min(const SymExpr &a, const SymExpr &b);
  SymExpr max(const SymExpr &a, const SymExpr &b);
  /// a / b where that is a polynomial.
  std::optional<SymExpr> divideExact(const SymExpr &a, const SymExpr &b);

  /// Makes the two equal by eliminating a symbol. Fails where they can never be equal, or no symbol can be solved for.
  enum class Unified { Yes, Never, Unknown };
  Unified unify(const SymExpr &a, const SymExpr &b);
  /// Applies what unify has learned.
  SymExpr resolve(const SymExpr &e);
  bool equal(const SymExpr &a, const SymExpr &b) { return resolve(a) == resolve(b); }

  Bounds bounds(const SymExpr &e);
  /// Whether a <= b for all values of the symbols; nullopt where that depends on them.
  std::optional<bool> lessEqual(const SymExpr &a, const SymExpr &b);

  std::string str(const SymExpr &e);

  /// Index arithmetic for the expression, on graph.dim ops.
  mlir::Value materialize(mlir::OpBuilder &builder, mlir::Location loc, const SymExpr &e);
  /// The expression that index arithmetic computes: the inverse of materialize; a value that is no arithmetic becomes an atom of its own.
  SymExpr fromValue(mlir::Value value);

  struct Atom {
    enum Kind { Symbol, Floor, Ceil, Mod, Min, Max, Opaque } kind;
    std::string name; ///< Symbol
    SymExpr a, b;     ///< the others
    Bounds range;     ///< Symbol
    mlir::Value value; ///< Opaque
  };
  const Atom &atom(unsigned number) const { return atoms[number]; }
  unsigned size() const { return atoms.size(); }
  void setBounds(unsigned number, Bounds range) { atoms[number].range = range; }

private:
  SymExpr withoutClamps(const SymExpr &zero);
  SymExpr function(Atom::Kind kind, const SymExpr &a, const SymExpr &b);
  std::deque<Atom> atoms; // new ones do not move others, whose operands are being read
  llvm::StringMap<unsigned> byName;
  std::map<std::tuple<int, SymExpr, SymExpr>, unsigned> byFunction;
  llvm::DenseMap<mlir::Value, unsigned> byValue;
  std::map<unsigned, SymExpr> solved;
  unsigned unnamed = 0;
};

} // namespace sinter::graph

#endif // SINTER_DIALECTS_GRAPH_SYMBOLS_H
