//===- Raise.cpp - the raise-onnx pass ----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "dialects/Kern/Kern.h"
#include "dialects/QT/QT.h"
#include "passes/Raise/Explain.h"
#include "passes/Raise/Passes.h"
#include "passes/Raise/Positions.h"
#include "passes/Raise/Probes.h"
#include "passes/Raise/Recognize.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Signature.h"
#include "passes/Raise/States.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace sinter::raise {
#define GEN_PASS_DEF_RAISEONNX
#include "passes/Raise/Passes.h.inc"

const RuleTable &RuleTable::all() {
  static const RuleTable table = [] {
    RuleTable t;
    addElementwiseRules(t);
    addShapeRules(t);
    addIndexingRules(t);
    addReductionRules(t);
    addMatMulRules(t);
    addNormalizationRules(t);
    addQuantizationRules(t);
    addAttentionRules(t);
    addFusedAttentionRules(t);
    addOnnxAttentionRules(t);
    addRotaryRules(t);
    addFusedRules(t);
    addQLinearRules(t);
    addScatterRules(t);
    addPoolingRules(t);
    addResamplingRules(t);
    addControlFlowRules(t);
    addConvolutionRules(t);
    addEinsumRules(t);
    return t;
  }();
  return table;
}

std::vector<std::string> RuleTable::names() const {
  std::vector<std::string> out;
  for (auto &[name, rule] : rules)
    out.push_back(name);
  return out;
}

namespace {

/// Tokens of a cache where neither flags nor the model say fewer.
constexpr int64_t kUsualContext = 4096;

/// Its domain, where it is not ONNX's own, and operator.
std::string nameOf(onnx::NodeOp node) { return (node.getDomain() + (node.getDomain().empty() ? "" : ".") + node.getOpType()).str(); }

/// Uses of copies become uses of what they copy, so that no rule has to look through them.
void forwardCopies(func::FuncOp func) {
  func.walk([](onnx::NodeOp node) {
    for (Value result : node->getResults())
      if (Value source = copySource(result); source != result)
        result.replaceAllUsesWith(source);
  });
}

struct RaiseOnnxPass : impl::RaiseOnnxBase<RaiseOnnxPass> {
  using Base::Base;

  void runOnOperation() override {
    auto func = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!func) {
      getOperation().emitError("expected a function @main");
      return signalPassFailure();
    }
    forwardCopies(func);
    Inference infer;
    if (failed(addProbes(func, probes)) || failed(parseDims(func)) || failed(bindInputs(func, infer)) || failed(inferNodes(func, infer)) || failed(lower(func, infer)))
      return signalPassFailure();
  }

  llvm::StringMap<graph::Bounds> given;
  SmallVector<StatePair> states;
  /// Sizes of inputs that `given` bounds, and by how much: a sum keeps none of its own.
  SmallVector<std::pair<SymExpr, int64_t>> boundedSizes;
  /// Symbols that are lengths of caches, and what they are for messages.
  llvm::SmallSetVector<unsigned, 2> pastSymbols;

  LogicalResult parseDims(func::FuncOp func) {
    for (StringRef dim : dims) {
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
  SymExpr namedSize(StringRef name, const llvm::StringSet<> &names, Inference &infer, graph::Bounds bounds) {
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
          sum = sum + namedSize(part.trim(), names, infer, {});
        return sum;
      }
    }
    return infer.symbols.symbol(name, bounds);
  }

  LogicalResult bindInputs(func::FuncOp func, Inference &infer) {
    auto found = findStates(func, declared);
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
        SymExpr size = label && !label.empty() ? namedSize(label, names, infer, bounds) : infer.symbols.fresh(bounds);
        if (auto it = label ? given.find(label.getValue()) : given.end(); it != given.end())
          boundedSizes.emplace_back(size, it->second.hi);
        info.shape.push_back(size);
      }
      infer.set(argument, info);
    }
    return bindStates(func, infer);
  }

  /// Whether the file lets a cache slide: it has the length of its attention's window, and old tokens make room for new ones (`sliding_window_cache` of
  /// com.microsoft GroupQueryAttention). The session's cache keeps every token instead, and the window reads the same ones.
  static bool isSlidingCache(BlockArgument argument) {
    return llvm::any_of(argument.getUses(), [](OpOperand &use) {
      auto node = dyn_cast<onnx::NodeOp>(use.getOwner());
      return node && node.isOp("com.microsoft", "GroupQueryAttention") && node.getInt("sliding_window_cache", 0) && node.getInt("local_window_size", -1) > 0 &&
             (use.getOperandNumber() == 3 || use.getOperandNumber() == 4);
    });
  }

  /// A graph with state runs one sequence, or as many as --dim says where all of its state is caches: then they have equal lengths (SEMANTICS 18). The batch is the
  /// first axis of a cache, and elsewhere what leads another input.
  LogicalResult bindStates(func::FuncOp func, Inference &infer) {
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

  LogicalResult inferNodes(func::FuncOp func, Inference &infer) {
    std::map<std::string, unsigned> missing;
    Operation *firstMissing = nullptr;
    bool ownLayout = false;
    for (Operation &op : func.getBody().front()) {
      auto node = dyn_cast<onnx::NodeOp>(op);
      if (node && !RuleTable::all().find(node)) {
        ++missing[nameOf(node)];
        ownLayout |= node.getDomain() == "com.microsoft.nchwc";
        firstMissing = firstMissing ? firstMissing : &op;
      }
    }
    if (firstMissing) {
      std::string list;
      for (auto &[name, count] : missing)
        list += (list.empty() ? "" : ", ") + name + " (" + std::to_string(count) + ")";
      return firstMissing->emitError("operators that are not supported: ")
             << list << (ownLayout ? "; those of com.microsoft.nchwc are in the memory layout of one machine: optimize the file at a lower level" : "");
    }
    Block &body = func.getBody().front();
    for (auto it = body.begin(); it != body.end();) {
      Operation &op = *it++;
      if (auto constant = dyn_cast<onnx::ConstantOp>(op)) {
        auto type = cast<RankedTensorType>(constant.getResult().getType());
        TensorInfo info{type.getElementType(), {}, {}};
        for (int64_t d : type.getShape())
          info.shape.push_back(d);
        if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()); dense && isa<IntegerType>(type.getElementType())) {
          info.elements.emplace();
          for (const APInt &e : dense.getValues<APInt>())
            info.elements->push_back(isUnsigned(type.getElementType()) ? int64_t(e.getZExtValue()) : e.getSExtValue());
        }
        infer.set(constant, info);
      } else if (auto initializer = dyn_cast<onnx::InitializerOp>(op)) {
        auto type = cast<RankedTensorType>(initializer.getResult().getType());
        TensorInfo info{type.getElementType(), {}, {}};
        for (int64_t d : type.getShape())
          info.shape.push_back(d);
        infer.set(initializer, info);
      } else if (auto node = dyn_cast<onnx::NodeOp>(op)) {
        for (Value v : node.getInputs())
          if (!infer.known(v) && !isa<NoneType>(v.getType()))
            return node.emitError("an input has no type");
        const Rule *rule = RuleTable::all().find(node);
        if (!rule)
          return node.emitError("operators that are not supported: ") << nameOf(node) << " (1)";
        if (failed(checkSignature(node, infer)))
          return failure();
        if (rule->expand) {
          Operation *before = op.getPrevNode();
          Expansion expansion(node);
          if (failed(rule->expand(node, infer, expansion)))
            return failure();
          it = before ? std::next(before->getIterator()) : body.begin();
          for (Value v : node.getResults())
            if (!v.use_empty())
              return node.emitError("a used output of ") << nameOf(node) << " is not supported";
          node.erase();
          continue;
        }
        if (failed(rule->infer(node, infer)))
          return failure();
        for (OpResult v : node->getResults()) {
          if (!infer.known(v))
            return node.emitError("output ") << v.getResultNumber() << " of " << node.getOpType() << " is not supported";
          for (const SymExpr &size : infer[v].shape)
            if (auto n = infer.symbols.resolve(size).constant(); n && (*n < 0 || *n > kMaxSize))
              return node.emitError("output ") << v.getResultNumber() << " of " << node.getOpType() << " has an axis of impossible size " << *n;
        }
      }
    }
    infer.resolveAll();
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
    return bound(func, infer);
  }

  static bool mentions(const SymExpr &e, unsigned number) {
    return llvm::any_of(e.terms, [&](const auto &term) { return llvm::is_contained(term.first, number); });
  }

  /// Gives every symbol that is left an upper bound, or asks for one.
  LogicalResult bound(func::FuncOp func, Inference &infer) {
    auto &symbols = infer.symbols;
    infer.resolveAll();
    if (pastSymbols.empty())
      return checkBounded(func, infer);
    unifyPasts(func, infer);
    unifyTotals(func, infer);
    // Tokens of one run, and of a cache.
    int64_t capacity = maxSeq ? maxSeq : boundOfTotal(func, infer);
    int64_t usual = context ? std::min<int64_t>(context, kUsualContext) : kUsualContext;
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
        b.hi = std::min(b.hi, int64_t(chunk));
        symbols.setBounds(number, b);
      }
    int64_t sequence = 1;
    for (const StatePair &pair : states)
      if (pair.grows)
        sequence = std::max(sequence, symbols.bounds(growth(func, infer, pair)).hi);
    sequence = std::min<int64_t>(sequence, chunk);
    for (unsigned number : pastSymbols)
      if (free(number)) {
        graph::Bounds b = symbols.atom(number).range;
        int64_t room = capacity ? capacity : b.hi < graph::Bounds::kUnbounded ? b.hi + sequence : usual;
        b.hi = std::max<int64_t>(0, room - 1);
        symbols.setBounds(number, b);
      }
    return checkBounded(func, infer);
  }

  /// The bound of the number of all tokens, cached and new, where --dim gives one, else 0.
  int64_t boundOfTotal(func::FuncOp func, Inference &infer) {
    Operation *terminator = func.getBody().front().getTerminator();
    for (auto &[size, most] : boundedSizes)
      for (const StatePair &pair : states)
        if (pair.grows && !size.constant() && infer.symbols.equal(size, lengthOf(infer[terminator->getOperand(pair.result)])))
          return most;
    return 0;
  }

  static SymExpr lengthOf(const TensorInfo &cache) { return cache.shape[cache.rank() - 2]; }

  /// What one run adds to a cache.
  static SymExpr growth(func::FuncOp func, Inference &infer, const StatePair &pair) {
    return lengthOf(infer[func.getBody().front().getTerminator()->getOperand(pair.result)]) - lengthOf(infer[pair.past]);
  }

  /// Caches to which every run adds as much have one length: they begin empty. The file may name each one's by itself, as if they had nothing to do
  /// with each other, and then no mask made for one layer's keys would be known to fit the next layer's. (A session checks the lengths of what it is given.)
  void unifyPasts(func::FuncOp func, Inference &infer) {
    auto &symbols = infer.symbols;
    SmallVector<const StatePair *> firsts;
    for (const StatePair &pair : states) {
      if (!pair.grows)
        continue;
      SymExpr length = symbols.resolve(lengthOf(infer[pair.past])), more = symbols.resolve(growth(func, infer, pair));
      auto first = llvm::find_if(firsts, [&](const StatePair *other) { return symbols.equal(growth(func, infer, *other), more); });
      if (first == firsts.end())
        firsts.push_back(&pair);
      else if (length.atom())
        symbols.unify(length, lengthOf(infer[(*first)->past]));
    }
    infer.resolveAll();
  }

  /// In a graph with a cache, an axis of an input of rank 2 that no other size depends on is the number of all tokens: a mask's. What
  /// reads it only indexes it with positions, so no equation says so.
  void unifyTotals(func::FuncOp func, Inference &infer) {
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

  LogicalResult checkBounded(func::FuncOp func, Inference &infer) {
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

  LogicalResult lower(func::FuncOp func, Inference &infer) {
    OpBuilder builder(func.getContext());
    Lowering lowering(builder, infer, embeddings);
    Block &body = func.getBody().front();
    for (BlockArgument argument : func.getArguments()) {
      // The element type as the file has it: the interface keeps signedness.
      func.setArgAttr(argument.getArgNumber(), "graph.element", TypeAttr::get(infer[argument].element));
      argument.setType(lowering.type(infer[argument]));
      lowering.map(argument, argument);
    }
    builder.setInsertionPointToStart(&body);
    auto bind = [&](Value tensor, const TensorInfo &info) {
      SmallVector<Value> sizes;
      for (const SymExpr &e : info.shape)
        sizes.push_back(lowering.size(func.getLoc(), e));
      graph::BindOp::create(builder, func.getLoc(), tensor, sizes);
    };
    for (BlockArgument argument : func.getArguments())
      bind(argument, infer[argument]);
    SmallVector<onnx::NodeOp> nodes(body.getOps<onnx::NodeOp>());
    for (onnx::NodeOp node : nodes) {
      bool folded = llvm::all_of(node.getResults(), [&](Value v) { return v.use_empty() || infer[v].elements; });
      if (folded)
        continue;
      builder.setInsertionPoint(node);
      bool recognized = false;
      for (Recognizer recognize : recognizers())
        if ((recognized = recognize(node, lowering)))
          break;
      if ((!recognized && failed(RuleTable::all().find(node)->lower(node, lowering))) || lowering.failed())
        return failure();
      for (Value v : node.getResults())
        if (!v.use_empty() && !infer[v].elements && !lowering.isMapped(v))
          return node.emitError("internal: a result was not lowered");
    }
    Operation *terminator = body.getTerminator();
    builder.setInsertionPoint(terminator);
    SmallVector<Value> results;
    for (auto [i, v] : llvm::enumerate(terminator->getOperands())) {
      Value tensor = lowering.tensor(v);
      bind(tensor, infer[v]);
      func.setResultAttr(i, "graph.element", TypeAttr::get(infer[v].element));
      results.push_back(tensor);
    }
    terminator->setOperands(results);
    func.setFunctionType(FunctionType::get(func.getContext(), body.getArgumentTypes(), TypeRange(ValueRange(results))));
    for (onnx::NodeOp node : llvm::reverse(nodes))
      node.erase();
    emitSymbols(func, infer);
    eraseDead(body);
    explainProducts(func);
    return success();
  }

  void emitSymbols(func::FuncOp func, Inference &infer) {
    OpBuilder builder(func);
    for (unsigned number = 0; number < infer.symbols.size(); ++number) {
      const auto &atom = infer.symbols.atom(number);
      SymExpr self;
      self.terms[{number}] = 1;
      if (atom.kind != graph::SymbolTable::Atom::Symbol || !(infer.symbols.resolve(self) == self))
        continue;
      graph::SymbolOp::create(builder, func.getLoc(), atom.name, pastSymbols.contains(number) ? graph::SymbolKind::Past : graph::SymbolKind::Input,
                              atom.range.lo, atom.range.hi);
    }
  }

  /// Pure operations that nobody uses, last first.
  static void eraseDead(Block &body) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body))) {
      if (op.hasTrait<OpTrait::IsTerminator>() || isa<graph::BindOp>(op))
        continue;
      if (op.use_empty() && (isMemoryEffectFree(&op) || isa<tensor::GenerateOp>(op)))
        op.erase();
    }
  }
};

} // namespace
} // namespace sinter::raise
