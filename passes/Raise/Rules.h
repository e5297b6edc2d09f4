//===- Rules.h - one rule an ONNX operator ---------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_RULES_H
#define SINTER_PASSES_RAISE_RULES_H

#include "passes/Raise/Expansion.h"
#include "passes/Raise/Lowering.h"

#include <functional>

namespace sinter::raise {

/// How an operator is compiled. A rule sees the node's opset version (`getSince`) and refuses, with an error at the node, what it does not know.
struct Rule {
  /// Gives every result of the node its TensorInfo. All inputs have theirs.
  std::function<mlir::LogicalResult(onnx::NodeOp, Inference &)> infer;
  /// Maps every result to a tensor. Not called for nodes whose results are all known elements or unused.
  std::function<mlir::LogicalResult(onnx::NodeOp, Lowering &)> lower;
  /// Instead of both: replaces the results that are used by those of simpler nodes.
  std::function<mlir::LogicalResult(onnx::NodeOp, Inference &, Expansion &)> expand = {};
};

/// Rules by (domain, operator).
class RuleTable {
public:
  void add(llvm::StringRef domain, llvm::StringRef op, Rule rule) { rules[(domain + "::" + op).str()] = std::move(rule); }
  const Rule *find(onnx::NodeOp node) const {
    auto it = rules.find((node.getDomain() + "::" + node.getOpType()).str());
    return it == rules.end() ? nullptr : &it->second;
  }
  /// "domain::Op", sorted.
  std::vector<std::string> names() const;
  /// All rules there are.
  static const RuleTable &all();

private:
  std::map<std::string, Rule, std::less<>> rules;
};

// One registration function a file under Rules/.
void addElementwiseRules(RuleTable &);
void addShapeRules(RuleTable &);
void addIndexingRules(RuleTable &);
void addReductionRules(RuleTable &);
void addMatMulRules(RuleTable &);
void addNormalizationRules(RuleTable &);
void addQuantizationRules(RuleTable &);
void addAttentionRules(RuleTable &);
void addFusedAttentionRules(RuleTable &);
void addOnnxAttentionRules(RuleTable &);
void addRotaryRules(RuleTable &);
void addFusedRules(RuleTable &);
void addQLinearRules(RuleTable &);
void addScatterRules(RuleTable &);
void addPoolingRules(RuleTable &);
void addResamplingRules(RuleTable &);
void addControlFlowRules(RuleTable &);
void addConvolutionRules(RuleTable &);
void addEinsumRules(RuleTable &);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_RULES_H
