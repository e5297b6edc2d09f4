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
#include "passes/Raise/GraphSizes.h"
#include "passes/Raise/Passes.h"
#include "passes/Raise/Probes.h"
#include "passes/Raise/Recognize.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Signature.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

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
    GraphSizes sizes(func, infer, {dims, declared, maxSeq, context, chunk});
    if (failed(addProbes(func, probes)) || failed(sizes.bindInputs()) || failed(inferNodes(func, infer)) || failed(sizes.settle()) || failed(lower(func, infer, sizes)))
      return signalPassFailure();
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
    return success();
  }

  LogicalResult lower(func::FuncOp func, Inference &infer, const GraphSizes &sizes) {
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
    emitSymbols(func, infer, sizes);
    eraseDead(body);
    explainProducts(func);
    return success();
  }

  void emitSymbols(func::FuncOp func, Inference &infer, const GraphSizes &sizes) {
    OpBuilder builder(func);
    for (unsigned number = 0; number < infer.symbols.size(); ++number) {
      const auto &atom = infer.symbols.atom(number);
      SymExpr self;
      self.terms[{number}] = 1;
      if (atom.kind != graph::SymbolTable::Atom::Symbol || !(infer.symbols.resolve(self) == self))
        continue;
      graph::SymbolOp::create(builder, func.getLoc(), atom.name, sizes.isPast(number) ? graph::SymbolKind::Past : graph::SymbolKind::Input,
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
