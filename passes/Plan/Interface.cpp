//===- Interface.cpp - inputs, outputs and states of a program -----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Notes.h"
#include "dialects/Graph/Symbols.h"
#include "passes/Plan/Planning.h"

using namespace mlir;

namespace sinter::plan {
namespace {

using program::AxisRole;
using program::kNone;
using program::Space;

std::optional<program::DType> dtypeOf(Type type) {
  using program::DType;
  if (type.isF32()) return DType::F32;
  if (type.isF16()) return DType::F16;
  if (type.isBF16()) return DType::BF16;
  if (type.isF64()) return DType::F64;
  if (type.isInteger(1)) return DType::Bool;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 8: return isUnsigned ? DType::U8 : DType::I8;
  case 16: return isUnsigned ? DType::U16 : DType::I16;
  case 32: return isUnsigned ? DType::U32 : DType::I32;
  case 64: return isUnsigned ? DType::U64 : DType::I64;
  default: return std::nullopt;
  }
}

class Interface {
public:
  explicit Interface(Planning &plan) : plan(plan), main(plan.main), writer(plan.writer), outputs(plan.main.getOps<kern::OutputOp>()) {
    for (auto bind : main.getOps<graph::BindOp>())
      inputSizes[bind.getTensor()] = llvm::to_vector(bind.getSizes());
    for (auto [number, symbol] : llvm::enumerate(writer.symbols))
      if (symbol.kind == program::SymbolKind::Past)
        pasts.push_back(number);
  }

  LogicalResult declare() {
    if (failed(findAxes()) || failed(declareInputs()) || failed(declareOutputs()))
      return failure();
    writer.header.sequence = sequence;
    writer.header.chunk = sequence == kNone ? 0 : writer.symbols[sequence].hi;
    writer.header.chunkable = sequence != kNone && !mustBeWhole();
    return success();
  }

private:
  Planning &plan;
  func::FuncOp main;
  ProgramWriter &writer;
  SmallVector<kern::OutputOp> outputs;
  graph::SymbolTable symbols;
  llvm::DenseMap<Value, SmallVector<Value>> inputSizes;
  SmallVector<uint32_t, 2> pasts;                  ///< symbols that are lengths of caches
  uint32_t sequence = kNone;                       ///< the symbol that caches grow by
  uint32_t rowsOfAttention = kNone, batch = kNone; ///< what attention without a cache goes over
  llvm::DenseMap<unsigned, unsigned> stateOfResult;
  SmallVector<uint32_t> unplaceable; ///< names of outputs that chunks cannot be put together to

  /// The symbol that a size is; kNone where it is another expression.
  uint32_t symbolOf(const graph::SymExpr &size) {
    auto atom = size.atom();
    return atom ? plan.sizes.symbol(symbols.atom(*atom).name) : kNone;
  }
  graph::SymExpr valueOf(uint32_t number) {
    const program::Symbol &symbol = writer.symbols[number];
    return symbols.symbol(writer.text(symbol.name), {symbol.lo, symbol.hi});
  }
  bool isPast(uint32_t symbol) { return llvm::is_contained(pasts, symbol); }

  //===--------------------------------------------------------------------===//
  // What sizes mean
  //===--------------------------------------------------------------------===//

  /// Finds the sequence, which is what a cache grows by, and what each cache's length is after a run.
  LogicalResult findAxes() {
    for (kern::OutputOp output : outputs)
      for (Value size : output.getSizes())
        if (failed(findSequence(size)))
          return failure();
    if (pasts.empty())
      findEncoderAxes();
    return success();
  }

  /// A size that is a cache's length and what is added to it: the new tokens, or a number of them that the file fixes.
  LogicalResult findSequence(Value size) {
    graph::SymExpr e = symbols.fromValue(size);
    for (uint32_t past : pasts) {
      graph::SymExpr added = e - valueOf(past);
      bool fixed = added.constant() && *added.constant() > 0;
      uint32_t symbol = symbolOf(added);
      if (symbol != kNone && sequence == kNone && !isPast(symbol))
        sequence = symbol;
      if (!fixed && (symbol == kNone || symbol != sequence))
        continue;
      auto after = plan.sizes.scalar(size);
      if (failed(after))
        return failure();
      writer.symbols[past].after = *after;
    }
    return success();
  }

  /// Without a cache, the tokens and the sequences of the first attention whose are symbols.
  void findEncoderAxes() {
    for (auto dispatch : main.getOps<kern::DispatchOp>()) {
      auto kernel = plan.module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
      auto passed = [&](Value size) -> uint32_t {
        auto argument = dyn_cast<BlockArgument>(size);
        unsigned buffers = dispatch.getBuffers().size();
        if (!argument || argument.getArgNumber() < buffers)
          return kNone;
        return symbolOf(symbols.fromValue(dispatch.getScalars()[argument.getArgNumber() - buffers]));
      };
      kernel.walk([&](kern::AttentionOp attention) {
        if (rowsOfAttention == kNone)
          rowsOfAttention = passed(attention.getTokens());
        if (batch == kNone)
          batch = passed(attention.getSequences());
      });
    }
  }

  /// What a size means to a caller, by what it is made of.
  AxisRole role(const graph::SymExpr &e) {
    bool hasPast = false, hasSequence = false, hasBatch = false;
    for (auto &[factors, coefficient] : e.terms)
      for (unsigned atom : factors) {
        uint32_t symbol = plan.sizes.symbol(symbols.atom(atom).name);
        if (symbol == kNone)
          continue;
        hasPast |= isPast(symbol);
        hasSequence |= symbol == sequence || symbol == rowsOfAttention;
        hasBatch |= symbol == batch;
      }
    return hasPast && hasSequence ? AxisRole::Total
           : hasPast              ? AxisRole::Past
           : hasSequence          ? AxisRole::Sequence
           : hasBatch             ? AxisRole::Batch
                                  : AxisRole::Other;
  }

  //===--------------------------------------------------------------------===//
  // Tensors and states
  //===--------------------------------------------------------------------===//

  FailureOr<program::Tensor> tensor(DictionaryAttr info, Type element, ValueRange sizes) {
    program::Tensor t{};
    auto name = info.getAs<StringAttr>("onnx.name");
    t.name = writer.string(name ? name.getValue() : "");
    if (auto stated = info.getAs<TypeAttr>("graph.element"))
      element = stated.getValue();
    auto dtype = dtypeOf(element);
    if (!dtype)
      return main.emitError("the interface has a tensor of an element type that is not supported");
    t.dtype = *dtype;
    auto labels = info.getAs<ArrayAttr>("onnx.dims");
    SmallVector<program::Axis> axes;
    graph::SymExpr elements = 1;
    for (auto [d, size] : llvm::enumerate(sizes)) {
      auto s = plan.sizes.scalar(size);
      if (failed(s))
        return failure();
      auto label = labels && d < labels.size() ? dyn_cast<StringAttr>(labels[d]) : StringAttr();
      graph::SymExpr e = symbols.fromValue(size);
      elements = elements * e;
      axes.push_back({*s, writer.string(label ? label.getValue() : ""), role(e)});
    }
    t.axes = writer.axes(axes);
    t.bound = uint64_t(symbols.bounds(elements).hi) * elementBytes(element);
    return t;
  }

  LogicalResult declareInputs() {
    // States are numbered by the caches' own numbers.
    unsigned states = 0;
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      states += bool(main.getArgAttr(i, "kv.state"));
    writer.states.resize(states);
    for (BlockArgument argument : main.getArguments()) {
      unsigned i = argument.getArgNumber();
      auto info = main.getArgAttrDict(i);
      auto t = tensor(info ? info : DictionaryAttr::get(main.getContext()), cast<RankedTensorType>(argument.getType()).getElementType(),
                      inputSizes[argument]);
      if (failed(t))
        return failure();
      if (auto number = main.getArgAttrOfType<IntegerAttr>(i, "kv.state")) {
        if (failed(declareState(argument, number.getInt(), *t)))
          return failure();
        continue;
      }
      plan.places[argument] = {Space::Input, uint32_t(writer.inputs.size()), kNone, 0};
      writer.inputs.push_back(*t);
    }
    return success();
  }

  LogicalResult declareState(BlockArgument argument, unsigned number, const program::Tensor &in) {
    unsigned i = argument.getArgNumber();
    program::State &state = writer.states[number];
    state.in = in;
    if (auto result = main.getArgAttrOfType<IntegerAttr>(i, "graph.state"))
      stateOfResult[result.getInt()] = number;
    if (auto type = main.getArgAttrOfType<TypeAttr>(i, "kv.cache"))
      return declareCache(state, cast<kv::CacheType>(type.getValue()), main.getArgAttrOfType<kv::PartAttr>(i, "kv.part").getValue(),
                          inputSizes[argument]);
    state.kind = program::StateKind::Tensor;
    state.past = kNone;
    state.bytes = in.bound;
    state.layout = writer.string("plain");
    return success();
  }

  /// `sizes` are those of the plain form: [B, H, T, D], where the file stacks keys and values with one more in front.
  LogicalResult declareCache(program::State &state, kv::CacheType cache, kv::Part part, ArrayRef<Value> sizes) {
    uint32_t past = symbolOf(symbols.fromValue(sizes[sizes.size() - 2]));
    if (!isPast(past))
      return main.emitError("the length of a cache is fixed by the bounds: give its past a range with --dim");
    if (writer.symbols[past].after == kNone)
      return main.emitError("no output is as long as cache '")
             << writer.text(state.in.name) << "' and its new tokens are: keep its present as an output";
    state.kind = program::StateKind::Cache;
    state.past = past;
    // The first half owns the memory of both.
    if (part == kv::Part::Key) {
      state.bytes = cache.getSequenceBytes() * symbols.bounds(symbols.fromValue(sizes[sizes.size() - 4])).hi;
      state.bytesPerToken = cache.getBytesPerToken();
    }
    std::string layout;
    llvm::raw_string_ostream(layout) << cache.getLayout();
    state.layout = writer.string(layout);
    writer.symbols[past].hi = cache.getCapacity();
    return success();
  }

  LogicalResult declareOutputs() {
    for (kern::OutputOp output : outputs) {
      auto t = tensor(output.getInfo(), cast<MemRefType>(output.getBuffer().getType()).getElementType(), output.getSizes());
      if (failed(t))
        return failure();
      if (auto it = stateOfResult.find(output.getIndex()); it != stateOfResult.end()) {
        writer.states[it->second].out = *t;
        continue;
      }
      if (!isPlaceable(output))
        unplaceable.push_back(t->name);
      if (auto owner = output.getBuffer().getDefiningOp<kern::BufferOp>())
        plan.places[owner] = {Space::Output, uint32_t(writer.outputs.size()), kNone, 0};
      writer.outputs.push_back(*t);
    }
    return success();
  }

  //===--------------------------------------------------------------------===//
  // Chunks
  //===--------------------------------------------------------------------===//

  /// Whether what the chunks of a prompt give for an output can be put one behind the other: one axis is the sequence, or what is wanted of it, and no
  /// other size depends on it. An output without such an axis is that of the last chunk.
  bool isPlaceable(kern::OutputOp output) {
    if (sequence == kNone)
      return true;
    unsigned along = 0;
    for (Value size : output.getSizes()) {
      graph::SymExpr e = symbols.fromValue(size), skipped = valueOf(sequence) - e;
      uint32_t symbol = symbolOf(skipped);
      bool rows = skipped.is(0) || (symbol != kNone && writer.symbols[symbol].kind == program::SymbolKind::First);
      AxisRole meaning = role(e);
      if (!rows && (meaning == AxisRole::Sequence || meaning == AxisRole::Total))
        return false;
      along += rows;
    }
    return along <= 1;
  }

  /// Whether a run is never cut: its tokens are mixed (mark-whole-runs said how), or an output cannot be put together from pieces.
  bool mustBeWhole() {
    for (uint32_t name : unplaceable)
      graph::addNote(plan.module, "a prompt is run as one piece: output '" + writer.text(name) + "' cannot be put together from those of chunks");
    return !unplaceable.empty() || plan.module->hasAttr("graph.whole_runs");
  }
};

} // namespace

LogicalResult Planning::declareInterface() { return Interface(*this).declare(); }

} // namespace sinter::plan
