//===- GraphSizes.cpp - sizes of inputs, and their bounds ------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/GraphSizes.h"
#include "dialects/Graph/Notes.h"
#include "passes/Raise/Positions.h"

using namespace mlir;

namespace sinter::raise {
namespace {

/// Tokens of a cache where neither flags nor the model say fewer.
constexpr int64_t kUsualContext = 4096;

/// Whether the file lets a cache slide: it has the length of its attention's window, and old tokens make room for new ones (`sliding_window_cache` of
/// com.microsoft GroupQueryAttention). The session's cache keeps every token instead, and the window reads the same ones.
bool isSlidingCache(BlockArgument argument) {
  return llvm::any_of(argument.getUses(), [](OpOperand &use) {
    auto node = dyn_cast<onnx::NodeOp>(use.getOwner());
    return node && node.isOp("com.microsoft", "GroupQueryAttention") && node.getInt("sliding_window_cache", 0) && node.getInt("local_window_size", -1) > 0 &&
           (use.getOperandNumber() == 3 || use.getOperandNumber() == 4);
  });
}

bool mentions(const SymExpr &e, unsigned number) {
  return llvm::any_of(e.terms, [&](const auto &term) { return llvm::is_contained(term.first, number); });
}

SymExpr lengthOf(const TensorInfo &cache) { return cache.shape[cache.rank() - 2]; }

} // namespace

LogicalResult GraphSizes::parseDims() {
  for (StringRef dim : options.dims) {
    auto [name, range] = dim.rsplit('=');
    auto [lo, hi] = range.split("..");
    graph::Bounds bounds;
    if (name.empty() || lo.getAsInteger(10, bounds.lo) || (!hi.empty() && hi.getAsInteger(10, bounds.hi)) || bounds.lo < 0)
      return func.emitError("expected NAME=N or NAME=LO..HI for a dim, but got '") << dim << "'";
    if (hi.empty())
      bounds.hi = bounds.lo;
    if (bounds.hi < bounds.lo)
      return func.emitError("dim '") << name << "' has bounds " << bounds.lo << ".." << bounds.hi << " that hold no size";
    given[name] = bounds;
  }
  return success();
}

/// A dim_param as an expression: a sum of other dims' names, else a symbol. One with a number in it is a symbol as well: exporters write "past + 1" for the
/// mask of a decoder that takes any number of tokens, and where it is true the equations of the graph say so.
SymExpr GraphSizes::namedSize(StringRef name, const llvm::StringSet<> &names, graph::Bounds bounds) {
  if (auto it = given.find(name); it != given.end()) {
    bounds = it->second;
    if (bounds.lo == bounds.hi)
      return bounds.lo;
  }
  if (name.contains('+')) {
    SmallVector<StringRef> parts;
    name.split(parts, '+');
    if (llvm::all_of(parts, [&](StringRef part) { return names.contains(part.trim()); })) {
      SymExpr sum;
      for (StringRef part : parts)
        sum = sum + namedSize(part.trim(), names, {});
      return sum;
    }
  }
  return infer.symbols.symbol(name, bounds);
}

LogicalResult GraphSizes::bindInputs() {
  if (failed(parseDims()))
    return failure();
  auto found = findStates(func, options.declared);
  if (failed(found))
    return failure();
  states = *found;
  llvm::SmallDenseSet<unsigned> pastArguments;
  for (const StatePair &pair : states) {
    func.setArgAttr(pair.past.getArgNumber(), "graph.state", Builder(func.getContext()).getI64IntegerAttr(pair.result));
    if (pair.grows)
      pastArguments.insert(pair.past.getArgNumber());
  }
  llvm::StringSet<> names;
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (auto dimsAttr = func.getArgAttrOfType<ArrayAttr>(i, "onnx.dims"))
      for (Attribute dim : dimsAttr)
        if (auto s = dyn_cast<StringAttr>(dim); s && !s.getValue().contains('+'))
          names.insert(s.getValue());
  // Pasts first: their names have other bounds than sequences.
  SmallVector<BlockArgument> order;
  for (BlockArgument argument : func.getArguments())
    if (pastArguments.contains(argument.getArgNumber()))
      order.push_back(argument);
  for (BlockArgument argument : func.getArguments())
    if (!pastArguments.contains(argument.getArgNumber()))
      order.push_back(argument);
  for (BlockArgument argument : order) {
    unsigned i = argument.getArgNumber();
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    auto name = func.getArgAttrOfType<StringAttr>(i, "onnx.name");
    if (!type)
      return func.emitError("input '") << (name ? name.getValue() : "") << "' is no tensor";
    bool past = pastArguments.contains(i);
    auto dimsAttr = func.getArgAttrOfType<ArrayAttr>(i, "onnx.dims");
    TensorInfo info{type.getElementType(), {}, {}};
    for (int64_t d = 0; d < type.getRank(); ++d) {
      if (past && d == type.getRank() - 2 && isSlidingCache(argument)) {
        info.shape.push_back(infer.symbols.fresh({0, graph::Bounds::kUnbounded}));
        continue;
      }
      if (!type.isDynamicDim(d)) {
        info.shape.push_back(type.getDimSize(d));
        continue;
      }
      auto label = dimsAttr && d < int64_t(dimsAttr.size()) ? dyn_cast<StringAttr>(dimsAttr[d]) : StringAttr();
      bool length = past && (type.getRank() == 4 || type.getRank() == 5) && d == type.getRank() - 2;
      graph::Bounds bounds{length ? 0 : 1, graph::Bounds::kUnbounded};
      SymExpr size = label && !label.empty() ? namedSize(label, names, bounds) : infer.symbols.fresh(bounds);
      if (auto it = label ? given.find(label.getValue()) : given.end(); it != given.end())
        boundedSizes.emplace_back(size, it->second.hi);
      info.shape.push_back(size);
    }
    infer.set(argument, info);
  }
  return bindStates();
}

/// A graph with state runs one sequence, or as many as --dim says where all of its state is caches: then they have equal lengths (SEMANTICS 18). The batch is the
/// first axis of a cache, and elsewhere what leads another input.
LogicalResult GraphSizes::bindStates() {
  auto &symbols = infer.symbols;
  for (const StatePair &pair : states) {
    const TensorInfo info = infer[pair.past];
    if (pair.grows && isCache(info))
      if (auto atom = info.shape[info.rank() - 2].atom())
        pastSymbols.insert(*atom);
  }
  for (const StatePair &pair : states) {
    const TensorInfo info = infer[pair.past];
    for (auto [d, size] : llvm::enumerate(info.shape)) {
      SymExpr e = symbols.resolve(size);
      auto leads = [&](BlockArgument argument) { return infer[argument].rank() > 1 && symbols.equal(infer[argument].shape[0], e); };
      if (pair.grows && symbols.bounds(e).hi < graph::Bounds::kUnbounded)
        continue;
      bool batch = pair.grows ? isCache(info) && int64_t(d) == info.rank() - 4 : d == 0 || llvm::any_of(func.getArguments(), leads);
      if (e.atom() && !pastSymbols.contains(*e.atom()) && batch && symbols.unify(e, 1) == graph::SymbolTable::Unified::Never)
        return func.emitError("a graph with state is compiled for batch 1");
    }
  }
  return success();
}

LogicalResult GraphSizes::settle() {
  if (failed(settleStates(func, infer, states)))
    return failure();
  // The lengths of what is left.
  llvm::SmallSetVector<unsigned, 2> lengths;
  for (const StatePair &pair : states)
    if (pair.grows)
      for (unsigned number : pastSymbols)
        if (mentions(infer[pair.past].shape[infer[pair.past].rank() - 2], number))
          lengths.insert(number);
  pastSymbols = lengths;
  return bound();
}

/// Gives every symbol that is left an upper bound, or asks for one.
LogicalResult GraphSizes::bound() {
  auto &symbols = infer.symbols;
  infer.resolveAll();
  if (pastSymbols.empty())
    return checkBounded();
  unifyPasts();
  unifyTotals();
  // Tokens of one run, and of a cache.
  int64_t capacity = options.maxSeq ? options.maxSeq : boundOfTotal();
  int64_t usual = options.context ? std::min(options.context, kUsualContext) : kUsualContext;
  if (auto table = findPositionTable(func, infer)) {
    usual = std::min(usual, table->positions);
    if (capacity > table->positions)
      graph::addNote(table->reader, "a session may hold more than the " + Twine(table->positions) + " tokens that there are positions for");
  }
  auto free = [&](unsigned number) {
    SymExpr self;
    self.terms[{number}] = 1;
    return symbols.resolve(self) == self && symbols.atom(number).kind == graph::SymbolTable::Atom::Symbol;
  };
  for (unsigned number = 0; number < symbols.size(); ++number)
    if (free(number) && !pastSymbols.contains(number)) {
      graph::Bounds b = symbols.atom(number).range;
      b.hi = std::min(b.hi, options.chunk);
      symbols.setBounds(number, b);
    }
  int64_t sequence = 1;
  for (const StatePair &pair : states)
    if (pair.grows)
      sequence = std::max(sequence, symbols.bounds(growth(pair)).hi);
  sequence = std::min(sequence, options.chunk);
  for (unsigned number : pastSymbols)
    if (free(number)) {
      graph::Bounds b = symbols.atom(number).range;
      int64_t room = capacity ? capacity : b.hi < graph::Bounds::kUnbounded ? b.hi + sequence : usual;
      b.hi = std::max<int64_t>(0, room - 1);
      symbols.setBounds(number, b);
    }
  return checkBounded();
}

/// The bound of the number of all tokens, cached and new, where --dim gives one, else 0.
int64_t GraphSizes::boundOfTotal() {
  Operation *terminator = func.getBody().front().getTerminator();
  for (auto &[size, most] : boundedSizes)
    for (const StatePair &pair : states)
      if (pair.grows && !size.constant() && infer.symbols.equal(size, lengthOf(infer[terminator->getOperand(pair.result)])))
        return most;
  return 0;
}

/// What one run adds to a cache.
SymExpr GraphSizes::growth(const StatePair &pair) {
  return lengthOf(infer[func.getBody().front().getTerminator()->getOperand(pair.result)]) - lengthOf(infer[pair.past]);
}

/// Caches to which every run adds as much have one length: they begin empty. The file may name each one's by itself, as if they had nothing to do
/// with each other, and then no mask made for one layer's keys would be known to fit the next layer's. (A session checks the lengths of what it is given.)
void GraphSizes::unifyPasts() {
  auto &symbols = infer.symbols;
  SmallVector<const StatePair *> firsts;
  for (const StatePair &pair : states) {
    if (!pair.grows)
      continue;
    SymExpr length = symbols.resolve(lengthOf(infer[pair.past])), more = symbols.resolve(growth(pair));
    auto first = llvm::find_if(firsts, [&](const StatePair *other) { return symbols.equal(growth(*other), more); });
    if (first == firsts.end())
      firsts.push_back(&pair);
    else if (length.atom())
      symbols.unify(length, lengthOf(infer[(*first)->past]));
  }
  infer.resolveAll();
}

/// In a graph with a cache, an axis of an input of rank 2 that no other size depends on is the number of all tokens: a mask's. What
/// reads it only indexes it with positions, so no equation says so.
void GraphSizes::unifyTotals() {
  auto &symbols = infer.symbols;
  SymExpr total;
  bool found = false;
  for (Value output : func.getBody().front().getTerminator()->getOperands())
    for (const SymExpr &size : infer[output].shape)
      if (SymExpr e = symbols.resolve(size); e.terms.size() == 2)
        for (auto &[m, c] : e.terms)
          if (m.size() == 1 && pastSymbols.contains(m[0])) {
            total = e;
            found = true;
          }
  if (!found)
    return;
  llvm::DenseMap<unsigned, unsigned> uses;
  auto count = [&](const TensorInfo &info) {
    for (const SymExpr &size : info.shape)
      for (auto &[m, c] : symbols.resolve(size).terms)
        for (unsigned atom : m)
          ++uses[atom];
  };
  for (BlockArgument argument : func.getArguments())
    count(infer[argument]);
  for (Value output : func.getBody().front().getTerminator()->getOperands())
    count(infer[output]);
  for (BlockArgument argument : func.getArguments()) {
    const TensorInfo &info = infer[argument];
    if (info.rank() != 2)
      continue;
    if (auto atom = symbols.resolve(info.shape[1]).atom(); atom && !pastSymbols.contains(*atom) && uses[*atom] == 1)
      symbols.unify(info.shape[1], total);
  }
  infer.resolveAll();
}

LogicalResult GraphSizes::checkBounded() {
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    const TensorInfo info = infer[func.getArgument(i)];
    auto dimsAttr = func.getArgAttrOfType<ArrayAttr>(i, "onnx.dims");
    for (auto [d, size] : llvm::enumerate(info.shape)) {
      SymExpr e = infer.symbols.resolve(size);
      if (infer.symbols.bounds(e).hi < graph::Bounds::kUnbounded)
        continue;
      auto label = dimsAttr ? dyn_cast<StringAttr>(dimsAttr[d]) : StringAttr();
      auto name = func.getArgAttrOfType<StringAttr>(i, "onnx.name");
      // A leading axis that nothing bounds is the batch.
      if (d == 0 && info.rank() > 1) {
        if (infer.symbols.unify(e, 1) == graph::SymbolTable::Unified::Yes)
          continue;
      }
      return func.emitError("axis ") << d << " of input '" << (name ? name.getValue() : "") << "' has no bound: add --dim '"
                                     << (label ? label.getValue() : "") << "=1..512' (or whatever is the most)";
    }
  }
  infer.resolveAll();
  return success();
}

} // namespace sinter::raise
