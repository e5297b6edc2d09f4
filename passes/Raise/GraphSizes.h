//===- GraphSizes.h - sizes of inputs, and their bounds --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_GRAPHSIZES_H
#define SINTER_PASSES_RAISE_GRAPHSIZES_H

#include "passes/Raise/States.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace sinter::raise {

/// What flags say of sizes; numbers are tokens.
struct SizeOptions {
  llvm::ArrayRef<std::string> dims;     ///< bounds of named dims, each NAME=LO..HI or NAME=N
  llvm::ArrayRef<std::string> declared; ///< states, each IN=OUT
  int64_t maxSeq = 0;                   ///< capacity of caches; 0: not given
  int64_t context = 0;                  ///< that the model's configuration says it was made for; 0: unknown
  int64_t chunk = 512;                  ///< most new ones of a run
};

/// The sizes of a graph's inputs: symbols before shapes are inferred, and a bound for each afterwards. Between the two stand the states, which are paired
/// first and settled when shapes are known.
class GraphSizes {
public:
  GraphSizes(mlir::func::FuncOp func, Inference &infer, const SizeOptions &options) : func(func), infer(infer), options(options) {}

  /// Gives every input its sizes, and marks those that are state with `graph.state`.
  mlir::LogicalResult bindInputs();
  /// Settles the states, unifies what only the whole graph tells to be equal, and gives every symbol that is left an upper bound, or asks for one.
  mlir::LogicalResult settle();

  /// Whether a symbol is the length of a cache.
  bool isPast(unsigned symbol) const { return pastSymbols.contains(symbol); }

private:
  mlir::func::FuncOp func;
  Inference &infer;
  SizeOptions options;
  llvm::StringMap<graph::Bounds> given;
  llvm::SmallVector<StatePair> states;
  /// Sizes of inputs that `given` bounds, and by how much: a sum keeps none of its own.
  llvm::SmallVector<std::pair<SymExpr, int64_t>> boundedSizes;
  llvm::SmallSetVector<unsigned, 2> pastSymbols;

  mlir::LogicalResult parseDims();
  SymExpr namedSize(llvm::StringRef name, const llvm::StringSet<> &names, graph::Bounds bounds);
  mlir::LogicalResult bindStates();
  mlir::LogicalResult bound();
  int64_t boundOfTotal();
  SymExpr growth(const StatePair &pair);
  void unifyPasts();
  void unifyTotals();
  mlir::LogicalResult checkBounded();
};

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_GRAPHSIZES_H
