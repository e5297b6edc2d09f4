//===- Sizes.cpp - symbols from the sizes of arguments --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Symbols.h"
#include "passes/Lower/Reference/Patterns.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;

namespace sinter::reference {

using graph::SymExpr;

namespace {

/// Solves the sizes of a function's arguments for the symbols in them.
struct Solver {
  explicit Solver(func::FuncOp func)
      : func(func), module(func->getParentOfType<ModuleOp>()),
        b(func.getLoc(), OpBuilder::atBlockBegin(&func.front())) {}

  LogicalResult run() {
    for (auto symbol : module.getOps<graph::SymbolOp>())
      if (symbol.getKind() == graph::SymbolKind::First)
        values[symbol.getSymName()] = b.index(0);
    // A size may need another that is only solved later.
    for (bool more = true; more;) {
      more = false;
      for (auto bind : func.getOps<graph::BindOp>())
        if (isa<BlockArgument>(bind.getTensor()))
          for (auto [axis, size] : llvm::enumerate(bind.getSizes()))
            more |= solve(bind.getTensor(), axis, symbols.fromValue(size));
    }
    for (auto bind : llvm::make_early_inc_range(func.getOps<graph::BindOp>()))
      check(bind);
    WalkResult result = func.walk([&](graph::DimOp dim) {
      Value value = values.lookup(dim.getSymbol());
      if (!value) {
        dim.emitOpError("has no value: no size of an argument says what '") << dim.getSymbol() << "' is";
        return WalkResult::interrupt();
      }
      dim.replaceAllUsesWith(value);
      dim.erase();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

private:
  /// The symbols in `e` without a value yet.
  void collectUnknown(const SymExpr &e, llvm::SmallSetVector<unsigned, 4> &unknown) {
    for (const auto &[product, coefficient] : e.terms)
      for (unsigned number : product) {
        const auto &atom = symbols.atom(number);
        if (atom.kind == graph::SymbolTable::Atom::Symbol) {
          if (!values.contains(atom.name))
            unknown.insert(number);
        } else {
          collectUnknown(atom.a, unknown);
          collectUnknown(atom.b, unknown);
        }
      }
  }

  /// Where the size is coefficient * symbol + known: the symbol is (size - known) / coefficient.
  bool solve(Value tensor, int64_t axis, const SymExpr &size) {
    llvm::SmallSetVector<unsigned, 4> unknown;
    collectUnknown(size, unknown);
    if (unknown.size() != 1)
      return false;
    SymExpr::Monomial alone{unknown[0]};
    auto term = size.terms.find(alone);
    if (term == size.terms.end())
      return false;
    SymExpr known = size;
    known.terms.erase(alone);
    llvm::SmallSetVector<unsigned, 4> rest;
    collectUnknown(known, rest);
    if (!rest.empty())
      return false;
    Value value = tensor::DimOp::create(b, tensor, axis);
    value = arith::SubIOp::create(b, value, symbols.materialize(b, b.getLoc(), known));
    values[symbols.atom(unknown[0]).name] = arith::DivSIOp::create(b, value, b.index(term->second));
    return true;
  }

  void check(graph::BindOp bind) {
    TensorBuilder here(bind.getLoc(), bind);
    for (auto [axis, size] : llvm::enumerate(bind.getSizes())) {
      Value same = here.equal(tensor::DimOp::create(here, bind.getTensor(), axis), size);
      cf::AssertOp::create(
          here, same, ("axis " + Twine(axis) + " of an input or output has another size than the graph says").str());
    }
    bind.erase();
  }

  func::FuncOp func;
  ModuleOp module;
  TensorBuilder b;
  graph::SymbolTable symbols;
  llvm::StringMap<Value> values;
};

} // namespace

LogicalResult defineSizes(func::FuncOp func) { return func.isDeclaration() ? success() : Solver(func).run(); }

} // namespace sinter::reference
