//===- MaskValues.h - what is known of a mask's elements -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_MASKVALUES_H
#define SINTER_PASSES_FUSE_MASKVALUES_H

#include "dialects/Graph/Shapes.h"
#include "passes/Fuse/Diagonals.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <deque>
#include <limits>
#include <map>
#include <string>

namespace sinter::fuse {

/// What is known of one scalar that a tensor's element is computed from, and how it is computed.
struct MaskValue {
  mlir::Type type;

  /// An integer, index or i1 (0 or 1): its value, perhaps an atom of its own.
  graph::SymExpr exact;
  /// A float: lo <= value <= hi, unless it is NaN.
  double lo = -std::numeric_limits<double>::infinity(), hi = std::numeric_limits<double>::infinity();
  bool nan = true;

  /// Whether it depends on the query's position.
  bool onQuery = false;
  /// A name of the first value that nothing is known of, "" where there is none. Those that depend on the query come first.
  std::string unknown;
  bool unknownOnQuery = false;

  /// How: an op on `operands`; an element of `tensor` at `operands`; an scf.if with the condition and both values as operands. Neither where the
  /// value is an expression of symbols and of the element's index.
  mlir::Operation *op = nullptr;
  mlir::Value tensor;
  llvm::SmallVector<const MaskValue *, 4> operands;

  bool isFloat() const { return llvm::isa<mlir::FloatType>(type); }
  /// The integer, where it is one number.
  std::optional<int64_t> constant() const { return isFloat() ? std::nullopt : exact.constant(); }
  /// The float, where it is one number.
  std::optional<double> number() const { return isFloat() && !nan && lo == hi ? std::optional(lo) : std::nullopt; }
};

/// Evaluates elements of tensors at symbolic indices, under inequalities that hold there. Integers are exact as long as they are polynomials over
/// sizes and the index; everything else is an interval. Values of inputs are never assumed.
class MaskEvaluator {
public:
  MaskEvaluator(mlir::MLIRContext *context, graph::Shapes &shapes, DiagonalReader &diagonals)
      : context(context), shapes(shapes), symbols(shapes.symbols), diagonals(diagonals) {}

  /// A number of the element's index.
  const MaskValue *index(const graph::SymExpr &e);
  /// From now on `e` is at least 0. Forgets what was evaluated before.
  void assume(const graph::SymExpr &e);
  /// What depends on this atom depends on the query.
  void setQuery(const graph::SymExpr &atom) { query = atom.atom(); }

  const MaskValue *element(mlir::Value tensor, llvm::ArrayRef<const MaskValue *> index);

  /// Whether e >= 0 follows.
  bool isNonNegative(const graph::SymExpr &e);
  /// a <= b, nullopt where that is open.
  std::optional<bool> lessEqual(const graph::SymExpr &a, const graph::SymExpr &b);
  /// Differences of integers that were compared, without an answer.
  llvm::ArrayRef<graph::SymExpr> open() const { return openComparisons; }

  graph::SymbolTable &getSymbols() { return symbols; }

private:
  using Environment = llvm::DenseMap<mlir::Value, const MaskValue *>;

  const MaskValue *value(mlir::Value v, Environment &environment);
  const MaskValue *compute(mlir::Value v, Environment &environment);
  const MaskValue *arithmetic(mlir::Operation *op, llvm::ArrayRef<const MaskValue *> operands);
  void integer(mlir::Operation *op, MaskValue &result);
  void real(mlir::Operation *op, MaskValue &result);
  void compare(mlir::Operation *op, MaskValue &result);
  const MaskValue *choose(mlir::Operation *op, const MaskValue *condition, const MaskValue *a, const MaskValue *b);
  const MaskValue *leaf(mlir::Value tensor, llvm::ArrayRef<const MaskValue *> index);
  /// Narrows an element of a triangle or band to what its distance from the diagonal leaves.
  const MaskValue *diagonal(const Diagonals &diagonals, MaskValue v);
  llvm::SmallVector<const MaskValue *> reindex(mlir::Value from, mlir::Value to, llvm::ArrayRef<const MaskValue *> index);
  /// a / b and a % b for positive b.
  std::optional<std::pair<graph::SymExpr, graph::SymExpr>> divide(const graph::SymExpr &a, const graph::SymExpr &b);

  /// A value of `type` that nothing is known of yet.
  MaskValue make(mlir::Type type, mlir::Operation *op, llvm::ArrayRef<const MaskValue *> operands);
  /// The exact value, unless the type may be too small for it.
  void set(MaskValue &v, const graph::SymExpr &e);
  const MaskValue *keep(MaskValue v);
  const MaskValue *constantValue(mlir::Type type, mlir::Attribute attribute);
  std::string nameOf(mlir::Value v);

  mlir::MLIRContext *context;
  graph::Shapes &shapes;
  graph::SymbolTable &symbols;
  DiagonalReader &diagonals;
  std::deque<MaskValue> values;
  std::map<std::pair<void *, std::vector<graph::SymExpr>>, const MaskValue *> elements;
  llvm::SmallVector<graph::SymExpr> facts, openComparisons;
  std::optional<unsigned> query;
  unsigned depth = 0;
};

} // namespace sinter::fuse

#endif // SINTER_PASSES_FUSE_MASKVALUES_H
