//===- Einsum.cpp - products named by their axes ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// A letter an axis; what an ellipsis stands for are numbers below 'A', counted from its last axis.
using Labels = SmallVector<unsigned, 6>;

struct Equation {
  SmallVector<Labels, 2> inputs;
  Labels output;
};

bool contains(const Labels &labels, unsigned label) { return llvm::is_contained(labels, label); }

/// One term of an equation; `covered` is how many axes its ellipsis stands for.
FailureOr<Labels> parseTerm(NodeOp node, StringRef term, int64_t covered) {
  Labels labels;
  while (!term.empty()) {
    if (term.consume_front("...")) {
      for (int64_t i = covered; i > 0; --i)
        labels.push_back(i);
      covered = 0;
      continue;
    }
    char c = term.front();
    term = term.drop_front();
    if (!llvm::isAlpha(c))
      return node.emitError("expected letters and one ellipsis in a term of the equation '") << node.getString("equation") << "'";
    if (contains(labels, c))
      return node.emitError("axis '") << StringRef(&c, 1) << "' twice in one term of the equation '" << node.getString("equation") << "' is not supported";
    labels.push_back(c);
  }
  return labels;
}

FailureOr<Equation> parse(NodeOp node, Inference &infer) {
  std::string text;
  for (char c : node.getString("equation"))
    if (c != ' ')
      text += c;
  auto [left, right] = StringRef(text).split("->");
  bool isExplicit = StringRef(text).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node->getNumOperands())
    return node.emitError("expected as many inputs as the equation '") << text << "' has terms, but got " << node->getNumOperands();
  Equation equation;
  int64_t widest = 0;
  for (auto [term, input] : llvm::zip(terms, node.getInputs())) {
    bool hasEllipsis = term.contains("...");
    int64_t letters = llvm::count_if(term, llvm::isAlpha), rank = infer[input].rank();
    if (hasEllipsis ? letters > rank : letters != rank)
      return node.emitError("term '") << term << "' of the equation '" << text << "' does not fit an input of rank " << rank;
    if (hasEllipsis)
      widest = std::max(widest, rank - letters);
    auto labels = parseTerm(node, term, rank - letters);
    if (failed(labels))
      return failure();
    equation.inputs.push_back(*labels);
  }
  if (isExplicit) {
    auto labels = parseTerm(node, right, widest);
    if (failed(labels))
      return failure();
    equation.output = *labels;
    if (!right.contains("...") && widest)
      return node.emitError("expected an ellipsis behind the arrow of the equation '") << text << "', as there is one before it";
  } else {
    for (int64_t i = widest; i > 0; --i)
      equation.output.push_back(i);
    for (unsigned letter = 'A'; letter <= 'z'; ++letter)
      if (llvm::count_if(equation.inputs, [&](const Labels &l) { return contains(l, letter); }) == 1)
        equation.output.push_back(letter);
  }
  for (unsigned label : equation.output)
    if (llvm::none_of(equation.inputs, [&](const Labels &l) { return contains(l, label); }))
      return node.emitError("the equation '") << text << "' has an axis behind the arrow that no input has";
  return equation;
}

/// A tensor and what its axes are called.
struct Named {
  Value value;
  Labels labels;
};

class Product {
public:
  Product(Expansion &e) : e(e) {}

  /// The axes in the order of `to`, which holds the same ones.
  Named order(Named x, const Labels &to) {
    SmallVector<int64_t> perm;
    for (unsigned label : to)
      perm.push_back(llvm::find(x.labels, label) - x.labels.begin());
    if (!llvm::is_sorted(perm))
      x.value = e.node("Transpose", {x.value}, e.attribute("perm", perm));
    return {x.value, to};
  }

  /// Adds up the axes that nobody needs.
  Named reduce(Named x, function_ref<bool(unsigned)> needed) {
    SmallVector<int64_t> axes;
    Labels left;
    for (auto [d, label] : llvm::enumerate(x.labels))
      if (needed(label))
        left.push_back(label);
      else
        axes.push_back(d);
    if (axes.empty())
      return x;
    return {e.node("ReduceSum", {x.value, e.integers(axes)}, e.attribute("keepdims", int64_t(0))), left};
  }

  /// The product of two, without the axes that both have and nobody needs.
  Named multiply(Named a, Named b, function_ref<bool(unsigned)> needed) {
    a = reduce(a, [&](unsigned label) { return needed(label) || contains(b.labels, label); });
    b = reduce(b, [&](unsigned label) { return needed(label) || contains(a.labels, label); });
    Labels batch, rows, columns, summed;
    for (unsigned label : a.labels)
      (!contains(b.labels, label) ? rows : needed(label) ? batch : summed).push_back(label);
    for (unsigned label : b.labels)
      if (!contains(a.labels, label))
        columns.push_back(label);
    auto join = [](Labels first, const Labels &second, const Labels &third) {
      llvm::append_range(first, second);
      llvm::append_range(first, third);
      return first;
    };
    Labels all = join(batch, rows, columns);
    if (summed.empty()) {
      a = order(a, join(batch, rows, {}));
      b = order(b, join(batch, columns, {}));
      // Axes of size 1 for what the other has.
      SmallVector<int64_t> behind, between;
      for (unsigned i = 0; i < columns.size(); ++i)
        behind.push_back(batch.size() + rows.size() + i);
      for (unsigned i = 0; i < rows.size(); ++i)
        between.push_back(batch.size() + i);
      Value x = behind.empty() ? a.value : e.node("Unsqueeze", {a.value, e.integers(behind)});
      Value y = between.empty() ? b.value : e.node("Unsqueeze", {b.value, e.integers(between)});
      return {e.node("Mul", {x, y}), all};
    }
    // Rows, columns and what is summed are one axis each.
    a = order(a, join(batch, rows, summed));
    b = order(b, join(batch, summed, columns));
    Value x = merge(a, batch, rows, summed), y = merge(b, batch, summed, columns);
    Value product = e.node("MatMul", {x, y});
    if (rows.size() == 1 && columns.size() == 1)
      return {product, all};
    // The batch is as the product has it: one side's may be 1.
    SmallVector<Value> sizes;
    for (unsigned d = 0; d < batch.size(); ++d)
      sizes.push_back(size(product, d));
    for (auto *part : {&a, &b})
      for (auto [d, label] : llvm::enumerate(part->labels))
        if (contains(part == &a ? rows : columns, label))
          sizes.push_back(size(part->value, d));
    return {reshape(product, sizes), all};
  }

private:
  Value size(Value of, int64_t axis) { return e.node("Shape", {of}, {e.attribute("start", axis), e.attribute("end", axis + 1)}); }

  /// No sizes make a scalar.
  Value reshape(Value x, ArrayRef<Value> sizes) {
    Value shape = sizes.empty() ? e.integers({}) : e.node("Concat", sizes, e.attribute("axis", int64_t(0)));
    return e.node("Reshape", {x, shape});
  }

  /// [batch..., first, second] with one axis for each of the two.
  Value merge(Named x, const Labels &batch, const Labels &first, const Labels &second) {
    if (first.size() == 1 && second.size() == 1)
      return x.value;
    SmallVector<Value> sizes;
    for (unsigned d = 0; d < batch.size(); ++d)
      sizes.push_back(size(x.value, d));
    unsigned d = batch.size();
    for (const Labels *part : {&first, &second}) {
      Value merged;
      for (unsigned i = 0; i < part->size(); ++i, ++d)
        merged = merged ? e.node("Mul", {merged, size(x.value, d)}) : size(x.value, d);
      sizes.push_back(merged ? merged : e.integers({1}));
    }
    return reshape(x.value, sizes);
  }

  Expansion &e;
};

/// Left to right, each step one MatMul, or a Mul where no axis is summed.
LogicalResult expandEinsum(NodeOp node, Inference &infer, Expansion &e) {
  auto equation = parse(node, infer);
  if (failed(equation))
    return failure();
  Product product(e);
  Named result{node.getInputs()[0], equation->inputs[0]};
  auto neededBehind = [&](unsigned last) {
    return [&, last](unsigned label) {
      return contains(equation->output, label) ||
             llvm::any_of(ArrayRef(equation->inputs).drop_front(last + 1), [&](const Labels &l) { return contains(l, label); });
    };
  };
  for (unsigned i = 1; i < equation->inputs.size(); ++i)
    result = product.multiply(result, {node.getInputs()[i], equation->inputs[i]}, neededBehind(i));
  result = product.reduce(result, neededBehind(equation->inputs.size() - 1));
  result = product.order(result, equation->output);
  e.replace(0, result.value);
  return success();
}

} // namespace

void sinter::raise::addEinsumRules(RuleTable &table) { table.add("", "Einsum", {{}, {}, expandEinsum}); }
