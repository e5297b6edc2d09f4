//===- MarkWholeRuns.cpp - the mark-whole-runs pass ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "dialects/Graph/Shapes.h"
#include "passes/KVLayout/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <set>

using namespace mlir;

namespace sinter::kvlayout {
#define GEN_PASS_DEF_MARKWHOLERUNS
#include "passes/KVLayout/Passes.h.inc"

namespace {

/// Knows which sizes are a run's number of tokens.
class Tokens {
public:
  Tokens(ModuleOp module, func::FuncOp func) {
    for (auto symbol : module.getOps<graph::SymbolOp>())
      if (symbol.getKind() == graph::SymbolKind::Past)
        pasts.insert(symbol.getSymName().str());
    // The tokens of a run: what it appends to a cache.
    func.walk([&](graph::AppendOp append) {
      if (isa<BlockArgument>(append.getPast()))
        for (const std::string &name : namesIn(shapes.of(append.getUpdate())[append.getAxis()]))
          if (!pasts.contains(name))
            sequences.insert(name);
    });
  }

  /// How an op makes a token's result depend on others of its run, other than attention to cached keys does; empty where it does not.
  StringRef mixing(Operation *op) {
    if (sequences.empty())
      return "";
    if (auto linear = dyn_cast<graph::LinearOp>(op)) {
      auto activation = linear.getActivation();
      bool whole = activation && activation->getGranularity() == qt::Granularity::tensor && activation->getScale() == qt::ScaleSource::Dynamic;
      return whole ? "a scale of the whole input of a linear" : "";
    }
    if (auto norm = dyn_cast<graph::NormOp>(op))
      return lastOfTokens(norm.getInput()) ? "a normalisation over the sequence" : "";
    if (auto softmax = dyn_cast<graph::SoftmaxOp>(op))
      return lastOfTokens(softmax.getInput()) ? "a softmax over the sequence" : "";
    if (auto product = dyn_cast<graph::MatMulOp>(op))
      return lastOfTokens(product.getA()) ? "a product that sums over the sequence" : "";
    if (auto scan = dyn_cast<graph::ScanOp>(op))
      return ofTokens(scan.getInput(), scan.getAxis()) ? "a running sum over the sequence" : "";
    if (auto topk = dyn_cast<graph::TopKOp>(op))
      return lastOfTokens(topk.getInput()) ? "a choice of the largest over the sequence" : "";
    if (auto attention = dyn_cast<graph::AttentionOp>(op))
      return ofTokens(attention.getKey(), 2) ? "attention to the run's own tokens, which no cache keeps" : "";
    if (auto reduce = dyn_cast<graph::ReduceOp>(op))
      return llvm::any_of(reduce.getAxes(), [&](int64_t axis) { return ofTokens(reduce.getInput(), axis); }) ? "a reduction over the sequence" : "";
    return "";
  }

private:
  graph::SymbolTable symbols;
  graph::Shapes shapes{symbols};
  std::set<std::string> pasts, sequences;

  /// The symbols that a size depends on.
  std::set<std::string> namesIn(const graph::SymExpr &size) {
    std::set<std::string> names;
    for (auto &[monomial, factor] : symbols.resolve(size).terms)
      for (unsigned number : monomial) {
        const graph::SymbolTable::Atom &atom = symbols.atom(number);
        if (atom.kind == graph::SymbolTable::Atom::Symbol) {
          names.insert(atom.name);
        } else if (atom.kind != graph::SymbolTable::Atom::Opaque) {
          names.merge(namesIn(atom.a));
          names.merge(namesIn(atom.b));
        }
      }
    return names;
  }

  /// Whether an axis is that of a run's own tokens. One of all tokens so far is complete in a piece of a prompt, too.
  bool ofTokens(Value tensor, int64_t axis) {
    std::set<std::string> names = namesIn(shapes.of(tensor)[axis]);
    auto among = [&](const std::set<std::string> &these) { return llvm::any_of(these, [&](auto &name) { return names.count(name) != 0; }); };
    return among(sequences) && !among(pasts);
  }
  bool lastOfTokens(Value tensor) { return ofTokens(tensor, cast<ShapedType>(tensor.getType()).getRank() - 1); }
};

struct MarkWholeRunsPass : impl::MarkWholeRunsBase<MarkWholeRunsPass> {
  using Base::Base;
  void runOnOperation() override {
    auto func = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!func)
      return;
    Tokens tokens(getOperation(), func);
    func.walk([&](Operation *op) {
      StringRef how = tokens.mixing(op);
      if (how.empty())
        return;
      graph::addNote(op, "a prompt is run as one piece, because its tokens are mixed by " + how);
      getOperation()->setAttr("graph.whole_runs", UnitAttr::get(&getContext()));
    });
  }
};

} // namespace
} // namespace sinter::kvlayout
