//===- States.cpp - what a session carries from run to run --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/States.h"
#include "dialects/Graph/Notes.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using sinter::onnx::NodeOp;

namespace sinter::raise {
namespace {

/// Operators that take a state and give the next one.
struct StatefulOperator {
  StringLiteral domain, type;
  unsigned past, present;
  bool grows;
};
constexpr StatefulOperator kStateful[] = {
    {"com.microsoft", "GroupQueryAttention", 3, 1, true},
    {"com.microsoft", "GroupQueryAttention", 4, 2, true},
    {"com.microsoft", "MultiHeadAttention", 6, 1, true},
    {"com.microsoft", "MultiHeadAttention", 7, 2, true},
    {"com.microsoft", "Attention", 4, 1, true},
    {"com.microsoft", "QAttention", 8, 1, true},
    {"", "Attention", 4, 1, true},
    {"", "Attention", 5, 2, true},
    {"com.microsoft", "CausalConvWithState", 3, 1, false},
    {"", "RNN", 5, 1, false},
    {"", "GRU", 5, 1, false},
    {"", "LSTM", 5, 1, false},
    {"", "LSTM", 6, 2, false},
};

StringRef nameOf(DictionaryAttr info) {
  auto name = info ? info.getAs<StringAttr>("onnx.name") : StringAttr();
  return name ? name.getValue() : StringRef();
}

BlockArgument argumentBehind(Value v) { return v ? dyn_cast<BlockArgument>(copySource(v)) : BlockArgument(); }

/// The input that `v` appends to, where it is a Concat of two.
BlockArgument appendedTo(Value v) { return appendedInput(copySource(v).getDefiningOp<NodeOp>()); }

/// past * decay + new, where the past goes nowhere else: a recurrence. Decay and new are computed.
BlockArgument decayed(NodeOp add) {
  if (add->getNumOperands() != 2)
    return {};
  for (unsigned side = 0; side < 2; ++side) {
    auto mul = copySource(add.getInputs()[side]).getDefiningOp<NodeOp>();
    if (!mul || !mul.isOp("Mul") || mul->getNumOperands() != 2 || !add.getInputs()[1 - side].getDefiningOp<NodeOp>())
      continue;
    for (unsigned factor = 0; factor < 2; ++factor) {
      BlockArgument past = argumentBehind(mul.getInputs()[factor]);
      auto elsewhere = [&](Operation *user) {
        auto node = dyn_cast<NodeOp>(user);
        return user != mul && !(node && node.isOp("Shape"));
      };
      if (past && mul.getInputs()[1 - factor].getDefiningOp<NodeOp>() && llvm::none_of(past.getUsers(), elsewhere))
        return past;
    }
  }
  return {};
}

struct Past {
  BlockArgument argument; ///< null: none
  bool grows = false;
};

/// The input whose next value `value` is.
Past pastOf(Value value) {
  value = copySource(value);
  auto node = value.getDefiningOp<NodeOp>();
  // A present that the file rounds is rounded again when it is read as the past: the same.
  auto hasInput = [](NodeOp node, StringRef type) { return node && node.isOp(type) && node->getNumOperands(); };
  if (NodeOp quantize = roundingBehind(value))
    value = copySource(quantize.getInputs()[0]);
  // So is a cast of what was cast before.
  else if (hasInput(node, "Cast"))
    value = copySource(node.getInputs()[0]);
  bool isCast = hasInput(node, "Cast");
  node = value.getDefiningOp<NodeOp>();
  if (!node)
    return {};
  if (node.isOp("Concat"))
    return {appendedTo(value), true};
  if (isCast)
    return {};
  for (const StatefulOperator &op : kStateful)
    if (node.isOp(op.domain, op.type) && cast<OpResult>(value).getResultNumber() == op.present)
      return {argumentBehind(node.getInputOrNull(op.past)), op.grows};
  if (hasInput(node, "Slice"))
    return {appendedTo(node.getInputs()[0])};
  return {node.isOp("Add") ? decayed(node) : BlockArgument()};
}

/// "'a', 'b'"
template <typename Range> std::string quoted(Range &&names) {
  std::string out;
  for (StringRef name : names)
    out += (out.empty() ? "'" : ", '") + name.str() + "'";
  return out.empty() ? "none" : out;
}

std::string describe(const TensorInfo &info, Inference &infer) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << info.element << '[';
  llvm::interleaveComma(info.shape, os, [&](const SymExpr &size) { os << infer.symbols.str(infer.symbols.resolve(size)); });
  os << ']';
  return text;
}

} // namespace

FailureOr<SmallVector<StatePair>> findStates(func::FuncOp func, ArrayRef<std::string> declared) {
  SmallVector<StatePair> pairs;
  Operation *terminator = func.getBody().front().getTerminator();
  SmallVector<StringRef> inputs, outputs;
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    inputs.push_back(nameOf(func.getArgAttrDict(i)));
  for (unsigned i = 0; i < func.getNumResults(); ++i)
    outputs.push_back(nameOf(func.getResultAttrDict(i)));
  for (StringRef text : declared) {
    auto [in, out] = text.split('=');
    auto input = llvm::find(inputs, in), output = llvm::find(outputs, out);
    if (input == inputs.end())
      return func.emitError("no input is named '") << in << "' for --state '" << text << "': there are " << quoted(inputs);
    if (output == outputs.end())
      return func.emitError("no output is named '") << out << "' for --state '" << text << "': there are " << quoted(outputs);
    BlockArgument past = func.getArgument(input - inputs.begin());
    unsigned result = output - outputs.begin();
    for (const StatePair &pair : pairs)
      if (pair.past == past || pair.result == result)
        return func.emitError("--state '") << text << "' pairs what another --state has already";
    Past known = pastOf(terminator->getOperand(result));
    pairs.push_back({past, result, known.argument == past && known.grows, true});
  }
  for (auto [index, value] : llvm::enumerate(terminator->getOperands()))
    if (Past past = pastOf(value); past.argument)
      if (llvm::none_of(pairs, [&](const StatePair &pair) { return pair.past == past.argument || pair.result == index; }))
        pairs.push_back({past.argument, unsigned(index), past.grows, false});
  return pairs;
}

/// An input as long as a cache that is none itself, such as the past of a layer whose present is more than an append: whoever feeds it must feed all of them,
/// as a session says nothing of what it holds. Null where there is none.
static BlockArgument besideCache(func::FuncOp func, Inference &infer, ArrayRef<StatePair> states, const SymExpr &length) {
  for (BlockArgument argument : func.getArguments()) {
    const TensorInfo &info = infer[argument];
    bool isState = llvm::any_of(states, [&](const StatePair &pair) { return pair.past == argument; });
    if (!isState && isCache(info) && infer.symbols.equal(info.shape[info.rank() - 2], length))
      return argument;
  }
  return {};
}

LogicalResult settleStates(func::FuncOp func, Inference &infer, SmallVector<StatePair> &states) {
  Operation *terminator = func.getBody().front().getTerminator();
  auto keep = [&](const StatePair &pair) -> FailureOr<bool> {
    Value result = terminator->getOperand(pair.result);
    const TensorInfo in = infer[pair.past], out = infer[result];
    if (pair.grows && isCache(in) && in.element == out.element && out.rank() == in.rank() && !infer.symbols.resolve(in.shape[in.rank() - 2]).constant() &&
        infer.symbols.equal(in.shape.back(), out.shape.back())) {
      BlockArgument other = besideCache(func, infer, states, in.shape[in.rank() - 2]);
      if (!other)
        return true;
      StringRef name = nameOf(func.getArgAttrDict(other.getArgNumber()));
      if (pair.declared)
        return func.emitError("--state '") << nameOf(func.getArgAttrDict(pair.past.getArgNumber())) << "=" << nameOf(func.getResultAttrDict(pair.result))
                                           << "': input '" << name << "' has the same length, but no output appends to it alone: either both are state or neither";
      graph::addNote(func, "no past is state that the session carries, because no output appends to input '" + name + "', which has the same length, and does nothing else");
      return false;
    }
    bool carried = in.element == out.element && in.rank() == out.rank();
    for (int64_t d = 0; d < in.rank() && carried; ++d)
      carried = infer.symbols.equal(in.shape[d], out.shape[d]) && infer.symbols.resolve(in.shape[d]).constant();
    if (carried)
      return true;
    StringRef input = nameOf(func.getArgAttrDict(pair.past.getArgNumber())), output = nameOf(func.getResultAttrDict(pair.result));
    if (pair.declared)
      return func.emitError("--state '") << input << "=" << output << "': the input is " << describe(in, infer) << " and the output "
                                         << describe(out, infer) << "; a state is a cache that grows on axis 2 of 4, or has one fixed shape (see --dim)";
    if (in.rank() > 2) // two rows joined are hardly meant to be state
      graph::addNote(func, "input '" + input + "' and output '" + output + "' are no state that the session carries: they are " + describe(in, infer) + " and " +
                             describe(out, infer));
    return false;
  };
  SmallVector<StatePair> kept;
  for (const StatePair &pair : states) {
    auto stays = keep(pair);
    if (failed(stays))
      return failure();
    if (*stays)
      kept.push_back(pair);
    else
      func.removeArgAttr(pair.past.getArgNumber(), "graph.state");
  }
  states = kept;
  return success();
}

} // namespace sinter::raise
