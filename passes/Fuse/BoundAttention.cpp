//===- BoundAttention.cpp - the bound-attention pass --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "passes/Fuse/Passes.h"
#include "passes/Fuse/SimpleMask.h"

#include <set>

using namespace mlir;

namespace sinter::fuse {
#define GEN_PASS_DEF_BOUNDATTENTION
#include "passes/Fuse/Passes.h.inc"

namespace {

using graph::SymExpr;

/// A finite mask is as good as -inf beside any score of less than half its size; no attention computes scores of 16384.
constexpr double kLargestOutside = -32768;

class Bounder {
public:
  Bounder(graph::AttentionOp op, graph::Shapes &shapes, DiagonalReader &diagonals) : op(op), shapes(shapes), symbols(shapes.symbols), diagonals(diagonals) {
    ArrayRef<SymExpr> query = shapes.of(op.getQuery());
    tokens = symbols.resolve(query[2]);
    total = symbols.resolve(shapes.of(op.getKey())[2]);
    for (const SymExpr &size : {query[0], query[1], tokens, total})
      index.push_back(symbols.fresh({0, std::max<int64_t>(0, symbols.bounds(size).hi - 1)}));
    // A tensor's axis of size 1 is read at 0, whatever the element.
    for (auto [d, size] : llvm::enumerate(shapes.of(op.getMask())))
      if (symbols.resolve(size).is(1))
        at.push_back(0);
      else
        at.push_back(index[d]);
    distance = total - tokens + index[2] - index[3];
  }

  /// Sets the bounds that the mask proves. What the first proof stopped at, where the mask depends on the query and proves nothing; "" otherwise.
  std::string run() {
    std::string reason;
    MaskEvaluator everywhere = evaluator();
    const MaskValue *whole = evaluate(everywhere);
    if (whole->onQuery && !op.getCausal() && !op.getWindow()) {
      MaskEvaluator after = evaluator();
      after.assume(SymExpr(0) - distance - 1);
      const MaskValue *hidden = evaluate(after);
      op.setCausal(isHidden(hidden));
      findWindow(everywhere);
      if (!op.getCausal() && !op.getWindow())
        reason = hidden->unknown.empty() ? "does not hide those after it" : "depends on " + hidden->unknown;
      else if (outside != -std::numeric_limits<double>::infinity())
        op.setOutsideAttr(FloatAttr::get(Float32Type::get(op.getContext()), outside));
    }
    simplify();
    return reason;
  }

private:
  MaskEvaluator evaluator() {
    MaskEvaluator e(op.getContext(), shapes, diagonals);
    e.setQuery(index[2]);
    e.assume(total - index[3] - 1);
    e.assume(tokens - index[2] - 1);
    return e;
  }
  const MaskValue *evaluate(MaskEvaluator &e) {
    SmallVector<const MaskValue *> indices;
    for (const SymExpr &i : at)
      indices.push_back(e.index(i));
    return e.element(op.getMask(), indices);
  }

  /// Whether such an element hides its key, at least beside others; keeps the largest bias in `outside`.
  bool isHidden(const MaskValue *v) {
    if (!v->isFloat())
      return v->constant() == 0;
    if (v->nan || v->hi > kLargestOutside)
      return false;
    outside = std::max(outside, v->hi);
    return true;
  }

  /// The smallest window among the distances at which something that the mask compares changes.
  void findWindow(MaskEvaluator &everywhere) {
    std::set<int64_t> candidates;
    for (const SymExpr &difference : everywhere.open())
      for (const SymExpr &moved : {difference - distance, difference + distance})
        if (auto c = moved.constant())
          for (int64_t window = std::abs(*c) - 1; window <= std::abs(*c) + 1; ++window)
            if (window > 0)
              candidates.insert(window);
    for (int64_t window : candidates) {
      MaskEvaluator before = evaluator();
      before.assume(distance - window);
      if (symbols.bounds(distance).hi >= window && isHidden(evaluate(before))) {
        op.setWindow(window);
        return;
      }
    }
  }

  /// Replaces the mask by what is left of it.
  void simplify() {
    auto mask = op.getMask().getDefiningOp<tensor::GenerateOp>();
    if (!mask)
      return;
    MaskEvaluator inside = evaluator();
    if (op.getCausal())
      inside.assume(distance);
    if (op.getWindow())
      inside.assume(SymExpr(op.getWindow()) - 1 - distance);
    const MaskValue *left = evaluate(inside);
    if (left->number() == 0.0 || left->constant() == 1) {
      // A row has its own key at least, so what hides the others is as good as -inf.
      op.getMaskMutable().clear();
      op.removeOutsideAttr();
      return;
    }
    MaskEvaluator everywhere = evaluator();
    // Outside keys have a part in rows without others: with `outside` the mask says all.
    if (op.getOutside())
      left = evaluate(everywhere);
    OpBuilder builder(mask);
    if (Value simple = buildSimpleMask(builder, mask, left, index, symbols))
      op.getMaskMutable().assign(simple);
  }

  graph::AttentionOp op;
  graph::Shapes &shapes;
  graph::SymbolTable &symbols;
  DiagonalReader &diagonals;
  SymExpr tokens, total;
  SymExpr distance;          ///< how far the key is before the query's own position
  SmallVector<SymExpr> index; ///< of the element: sequence, head, query, key
  SmallVector<SymExpr> at;
  double outside = -std::numeric_limits<double>::infinity();
};

struct BoundAttentionPass : impl::BoundAttentionBase<BoundAttentionPass> {
  using Base::Base;
  void runOnOperation() override {
    auto func = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!func)
      return signalPassFailure();
    graph::SymbolTable symbols;
    graph::Shapes shapes(symbols);
    DiagonalReader diagonals;
    // Fresh symbols must not have the name of one that is met later.
    for (auto symbol : getOperation().getOps<graph::SymbolOp>())
      symbols.symbol(symbol.getSymName(), {int64_t(symbol.getLo()), int64_t(symbol.getHi())});
    for (auto op : func.getOps<graph::AttentionOp>())
      if (op.getMask())
        if (std::string reason = Bounder(op, shapes, diagonals).run(); !reason.empty())
          graph::addNote(op, "every key is read for every query, because the mask " + reason);
    // What made the masks has no readers now.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
      if (isa<tensor::TensorDialect>(op.getDialect()) && isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
} // namespace sinter::fuse
