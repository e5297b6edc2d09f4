//===- Plan.cpp - from dispatches to a program --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Plan.h"
#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "dialects/Graph/Shapes.h"
#include "passes/Plan/Arena.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace sinter::plan {
namespace {

using program::Operand;
using program::ScalarOp;
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

uint64_t bytesOf(Type element) { return element.isInteger(1) ? 1 : (element.getIntOrFloatBitWidth() + 7) / 8; }

class Planner {
public:
  Planner(ModuleOp module, func::FuncOp func, Program &program) : module(module), func(func), program(program), w(program.writer) {}

  LogicalResult run() {
    declareSymbols();
    if (failed(placeArena()) || failed(declareInterface()) || failed(writeRows(func, w.rows)))
      return failure();
    for (auto [i, state] : llvm::enumerate(w.states)) {
      auto load = copyRows("load_" + Twine(i)), store = copyRows("store_" + Twine(i));
      if (failed(load) || failed(store))
        return failure();
      state.load = *load;
      state.store = *store;
    }
    w.header.weightBytes = weightEnd;
    w.header.chunk = chunk;
    w.header.sequence = sequence;
    w.header.chunkable = sequence != program::kNone && !mustBeWhole();
    return success();
  }

private:
  ModuleOp module;
  func::FuncOp func;
  Program &program;
  ProgramWriter &w;
  llvm::StringMap<uint32_t> symbolNumbers;
  llvm::DenseMap<Value, uint32_t> scalars;
  llvm::DenseMap<Value, Operand> places;
  uint64_t weightEnd = 0;
  uint32_t sequence = program::kNone;
  SmallVector<uint32_t, 2> pasts; ///< symbols that are lengths of caches
  uint32_t rowsOfAttention = program::kNone, batch = program::kNone; ///< what attention without a cache goes over
  uint32_t chunk = 0;
  SmallVector<uint32_t> unplaceable; ///< names of outputs that chunks cannot be put together to
  llvm::StringMap<uint32_t> kernelNumbers;

  void declareSymbols() {
    for (auto symbol : module.getOps<graph::SymbolOp>()) {
      symbolNumbers[symbol.getSymName()] = w.symbols.size();
      auto kind = symbol.getKind() == graph::SymbolKind::Past ? program::SymbolKind::Past
                  : symbol.getKind() == graph::SymbolKind::First ? program::SymbolKind::First
                                                                 : program::SymbolKind::Input;
      if (kind == program::SymbolKind::Past)
        pasts.push_back(w.symbols.size());
      w.symbols.push_back({w.string(symbol.getSymName()), kind, int64_t(symbol.getLo()), int64_t(symbol.getHi()), program::kNone});
    }
  }

  /// The scalar that computes an index value of @main.
  FailureOr<uint32_t> scalar(Value v) {
    if (auto it = scalars.find(v); it != scalars.end())
      return it->second;
    APInt constant;
    if (matchPattern(v, m_ConstantInt(&constant)))
      return scalars[v] = w.constant(constant.getBitWidth() == 1 ? constant.getZExtValue() : constant.getSExtValue());
    Operation *op = v.getDefiningOp();
    if (!op)
      return func.emitError("a size is no arithmetic on symbols");
    if (auto dim = dyn_cast<graph::DimOp>(op))
      return scalars[v] = w.scalar(ScalarOp::Symbol, 0, 0, symbolNumbers.lookup(dim.getSymbol()));
    SmallVector<uint32_t, 3> x;
    for (Value operand : op->getOperands()) {
      auto s = scalar(operand);
      if (failed(s))
        return failure();
      x.push_back(*s);
    }
    auto binary = [&](ScalarOp kind) { return scalars[v] = w.scalar(kind, x[0], x[1]); };
    if (isa<arith::AddIOp>(op)) return binary(ScalarOp::Add);
    if (isa<arith::SubIOp>(op)) return binary(ScalarOp::Sub);
    if (isa<arith::MulIOp>(op)) return binary(ScalarOp::Mul);
    if (isa<arith::FloorDivSIOp, arith::DivUIOp, arith::DivSIOp>(op)) return binary(ScalarOp::FloorDiv);
    if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op)) return binary(ScalarOp::CeilDiv);
    if (isa<arith::RemSIOp, arith::RemUIOp>(op)) return binary(ScalarOp::Mod);
    if (isa<arith::MinSIOp, arith::MinUIOp>(op)) return binary(ScalarOp::Min);
    if (isa<arith::MaxSIOp, arith::MaxUIOp>(op)) return binary(ScalarOp::Max);
    if (isa<arith::AndIOp>(op)) return binary(ScalarOp::And);
    if (isa<arith::OrIOp>(op)) return binary(ScalarOp::Or);
    if (isa<arith::IndexCastOp>(op)) return scalars[v] = x[0];
    if (isa<arith::SelectOp>(op)) return scalars[v] = w.scalar(ScalarOp::Select, x[0], x[1], x[2]);
    if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
      using P = arith::CmpIPredicate;
      switch (compare.getPredicate()) {
      case P::eq: return binary(ScalarOp::Eq);
      case P::ne: return binary(ScalarOp::Ne);
      case P::slt: case P::ult: return binary(ScalarOp::Lt);
      case P::sle: case P::ule: return binary(ScalarOp::Le);
      case P::sgt: case P::ugt: return scalars[v] = w.scalar(ScalarOp::Lt, x[1], x[0]);
      case P::sge: case P::uge: return scalars[v] = w.scalar(ScalarOp::Le, x[1], x[0]);
      }
    }
    return op->emitError("'") << op->getName() << "' cannot be computed in the schedule";
  }

  LogicalResult placeArena() {
    llvm::DenseMap<Operation *, unsigned> order;
    unsigned number = 0;
    for (auto dispatch : func.getOps<kern::DispatchOp>())
      order[dispatch] = number++;
    std::vector<Lifetime> lives;
    std::vector<kern::BufferOp> buffers;
    for (auto buffer : func.getOps<kern::BufferOp>()) {
      uint64_t bytes = buffer.getBound() * bytesOf(cast<MemRefType>(buffer.getType()).getElementType());
      if (bytes >= uint64_t(graph::Bounds::kUnbounded))
        return buffer.emitError("a tensor has no bound: bound the model's dims with --dim NAME=LO..HI");
      if (auto output = buffer.getOutput())
        continue;
      unsigned first = ~0u, last = 0;
      for (Operation *user : buffer->getUsers())
        if (auto it = order.find(user); it != order.end()) {
          first = std::min(first, it->second);
          last = std::max(last, it->second);
        }
      if (first == ~0u)
        continue;
      lives.push_back({bytes, first, last, 0});
      buffers.push_back(buffer);
    }
    w.header.arenaBytes = placeBuffers(lives);
    for (auto [buffer, life] : llvm::zip(buffers, lives))
      places[buffer] = {Space::Arena, 0, program::kNone, life.offset};
    return success();
  }

  /// What a size means to a caller, by what it is made of.
  program::AxisRole role(const graph::SymExpr &e, graph::SymbolTable &symbols) {
    bool hasPast = false, hasSequence = false, hasBatch = false;
    for (auto &[m, c] : e.terms)
      for (unsigned atom : m) {
        auto it = symbolNumbers.find(symbols.atom(atom).name);
        if (it == symbolNumbers.end())
          continue;
        hasPast |= llvm::is_contained(pasts, it->second);
        hasSequence |= it->second == sequence || it->second == rowsOfAttention;
        hasBatch |= it->second == batch;
      }
    return hasPast && hasSequence ? program::AxisRole::Total
           : hasPast              ? program::AxisRole::Past
           : hasSequence          ? program::AxisRole::Sequence
           : hasBatch             ? program::AxisRole::Batch
                                  : program::AxisRole::Other;
  }

  /// Without a cache, the tokens and the sequences of the first attention whose are symbols.
  void findEncoderAxes(graph::SymbolTable &symbols) {
    for (auto dispatch : func.getOps<kern::DispatchOp>()) {
      auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
      auto symbolOf = [&](Value size) -> uint32_t {
        auto argument = dyn_cast<BlockArgument>(size);
        unsigned buffers = dispatch.getBuffers().size();
        if (!argument || argument.getArgNumber() < buffers)
          return program::kNone;
        auto atom = symbols.fromValue(dispatch.getScalars()[argument.getArgNumber() - buffers]).atom();
        auto it = atom ? symbolNumbers.find(symbols.atom(*atom).name) : symbolNumbers.end();
        return it == symbolNumbers.end() ? program::kNone : it->second;
      };
      kernel.walk([&](kern::AttentionOp attention) {
        if (rowsOfAttention == program::kNone)
          rowsOfAttention = symbolOf(attention.getTokens());
        if (batch == program::kNone)
          batch = symbolOf(attention.getSequences());
      });
    }
  }

  FailureOr<program::Tensor> tensor(DictionaryAttr info, Type element, ValueRange sizes, graph::SymbolTable &symbols) {
    program::Tensor t{};
    auto name = info.getAs<StringAttr>("onnx.name");
    t.name = w.string(name ? name.getValue() : "");
    if (auto stated = info.getAs<TypeAttr>("graph.element"))
      element = stated.getValue();
    auto dtype = dtypeOf(element);
    if (!dtype)
      return func.emitError("the interface has a tensor of an element type that is not supported");
    t.dtype = *dtype;
    auto labels = info.getAs<ArrayAttr>("onnx.dims");
    SmallVector<program::Axis> axes;
    graph::SymExpr elements = 1;
    for (auto [d, size] : llvm::enumerate(sizes)) {
      auto s = scalar(size);
      if (failed(s))
        return failure();
      auto label = labels && d < labels.size() ? dyn_cast<StringAttr>(labels[d]) : StringAttr();
      graph::SymExpr e = symbols.fromValue(size);
      elements = elements * e;
      axes.push_back({*s, w.string(label ? label.getValue() : ""), role(e, symbols)});
    }
    t.axes = w.axes(axes);
    t.bound = uint64_t(symbols.bounds(elements).hi) * bytesOf(element);
    return t;
  }

  /// A size that is a cache's length and what is added to it: the new tokens, or a number of them that the file fixes.
  LogicalResult findSequence(Value size, graph::SymbolTable &symbols) {
    graph::SymExpr e = symbols.fromValue(size);
    for (uint32_t past : pasts) {
      graph::SymExpr added = e - symbols.symbol(symbolName(past));
      bool fixed = added.constant() && *added.constant() > 0;
      auto atom = added.atom();
      auto it = atom ? symbolNumbers.find(symbols.atom(*atom).name) : symbolNumbers.end();
      if (it != symbolNumbers.end() && sequence == program::kNone && !llvm::is_contained(pasts, it->second)) {
        sequence = it->second;
        chunk = w.symbols[sequence].hi;
      }
      if (!fixed && (it == symbolNumbers.end() || it->second != sequence))
        continue;
      auto after = scalar(size);
      if (failed(after))
        return failure();
      w.symbols[past].after = *after;
    }
    return success();
  }

  LogicalResult declareInterface() {
    graph::SymbolTable symbols;
    llvm::DenseMap<Value, SmallVector<Value>> inputSizes;
    for (auto bind : func.getOps<graph::BindOp>())
      inputSizes[bind.getTensor()] = llvm::to_vector(bind.getSizes());
    // The sequence: what a cache grows by.
    kern::DispatchOp none;
    SmallVector<kern::OutputOp> outputs(func.getOps<kern::OutputOp>());
    for (kern::OutputOp output : outputs)
      for (Value size : output.getSizes())
        if (failed(findSequence(size, symbols)))
          return failure();
    if (pasts.empty())
      findEncoderAxes(symbols);
    // States are numbered by the caches' own numbers.
    unsigned stateCount = 0;
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      stateCount += bool(func.getArgAttr(i, "kv.state"));
    w.states.resize(stateCount);
    unsigned inputNumber = 0;
    llvm::DenseMap<unsigned, unsigned> stateOfResult;
    for (BlockArgument argument : func.getArguments()) {
      unsigned i = argument.getArgNumber();
      auto info = func.getArgAttrDict(i);
      auto t = tensor(info ? info : DictionaryAttr::get(func.getContext()), cast<RankedTensorType>(argument.getType()).getElementType(),
                      inputSizes[argument], symbols);
      if (failed(t))
        return failure();
      auto state = func.getArgAttrOfType<IntegerAttr>(i, "kv.state");
      if (!state) {
        places[argument] = {Space::Input, inputNumber++, program::kNone, 0};
        w.inputs.push_back(*t);
        continue;
      }
      unsigned number = state.getInt();
      program::State &s = w.states[number];
      s.in = *t;
      if (auto result = func.getArgAttrOfType<IntegerAttr>(i, "graph.state"))
        stateOfResult[result.getInt()] = number;
      auto cacheType = func.getArgAttrOfType<TypeAttr>(i, "kv.cache");
      if (!cacheType) {
        s.kind = program::StateKind::Tensor;
        s.past = program::kNone;
        s.bytes = t->bound;
        s.layout = w.string("plain");
        continue;
      }
      uint32_t past = program::kNone;
      ArrayRef<Value> sizes = inputSizes[argument]; // in front of the batch, a file may have a stack of keys and values
      graph::SymExpr length = symbols.fromValue(sizes[sizes.size() - 2]);
      if (auto atom = length.atom())
        if (auto it = symbolNumbers.find(symbols.atom(*atom).name); it != symbolNumbers.end() && llvm::is_contained(pasts, it->second))
          past = it->second;
      if (past == program::kNone)
        return func.emitError("the length of a cache is fixed by the bounds: give its past a range with --dim");
      if (w.symbols[past].after == program::kNone)
        return func.emitError("no output is as long as cache '") << w.text(t->name) << "' and its new tokens are: keep its present as an output";
      auto cache = cast<kv::CacheType>(cacheType.getValue());
      auto part = func.getArgAttrOfType<kv::PartAttr>(i, "kv.part").getValue();
      s.kind = program::StateKind::Cache;
      s.past = past;
      // The first half owns the memory of both.
      s.bytes = part == kv::Part::Key ? cache.getSequenceBytes() * symbols.bounds(symbols.fromValue(sizes[sizes.size() - 4])).hi : 0;
      s.bytesPerToken = part == kv::Part::Key ? cache.getBytesPerToken() : 0;
      std::string layout;
      llvm::raw_string_ostream(layout) << cache.getLayout();
      s.layout = w.string(layout);
      w.symbols[past].hi = cache.getCapacity();
    }
    for (kern::OutputOp output : outputs) {
      Type element = cast<MemRefType>(output.getBuffer().getType()).getElementType();
      auto t = tensor(output.getInfo(), element, output.getSizes(), symbols);
      if (failed(t))
        return failure();
      if (auto it = stateOfResult.find(output.getIndex()); it != stateOfResult.end()) {
        w.states[it->second].out = *t;
        continue;
      }
      if (!isPlaceable(output, symbols))
        unplaceable.push_back(t->name);
      if (auto owner = output.getBuffer().getDefiningOp<kern::BufferOp>())
        places[owner] = {Space::Output, uint32_t(w.outputs.size()), program::kNone, 0};
      w.outputs.push_back(*t);
    }
    return success();
  }

  /// Whether what the chunks of a prompt give for an output can be put one behind the other: one axis is the sequence, or what is wanted of it, and no
  /// other size depends on it. An output without such an axis is that of the last chunk.
  bool isPlaceable(kern::OutputOp output, graph::SymbolTable &symbols) {
    if (sequence == program::kNone)
      return true;
    unsigned along = 0;
    for (Value size : output.getSizes()) {
      graph::SymExpr e = symbols.fromValue(size), rest = e - symbols.symbol(symbolName(sequence));
      bool rows = rest.is(0);
      if (!rows && rest.terms.size() == 1 && rest.terms.begin()->second == -1)
        if (auto atom = (graph::SymExpr(0) - rest).atom())
          if (auto symbol = module.lookupSymbol<graph::SymbolOp>(symbols.atom(*atom).name))
            rows = symbol.getKind() == graph::SymbolKind::First;
      auto meaning = role(e, symbols);
      if (!rows && (meaning == program::AxisRole::Sequence || meaning == program::AxisRole::Total))
        return false;
      along += rows;
    }
    return along <= 1;
  }

  /// Whether a run is never cut: its tokens are mixed (mark-whole-runs said how), or an output cannot be put together from pieces.
  bool mustBeWhole() {
    for (uint32_t name : unplaceable)
      graph::addNote(module, "a prompt is run as one piece: output '" + w.text(name) + "' cannot be put together from those of chunks");
    return !unplaceable.empty() || module->hasAttr("graph.whole_runs");
  }

  StringRef symbolName(uint32_t number) {
    for (auto symbol : module.getOps<graph::SymbolOp>())
      if (symbolNumbers.lookup(symbol.getSymName()) == number)
        return symbol.getSymName();
    return "";
  }

  uint64_t placeWeight(Operation *constant, uint64_t bytes, kern::PanelAttr panel) {
    uint64_t offset = (weightEnd + 63) / 64 * 64;
    weightEnd = offset + bytes;
    program.weights.push_back({offset, bytes, constant, panel});
    return offset;
  }

  llvm::DenseMap<std::pair<Value, Attribute>, Operand> panels;

  FailureOr<Operand> place(kern::DispatchOp dispatch, Value buffer) {
    if (auto it = places.find(buffer); it != places.end())
      return it->second;
    Operation *op = buffer.getDefiningOp();
    Operand operand{};
    operand.offsetScalar = program::kNone;
    if (auto state = dyn_cast_or_null<kern::StateOp>(op)) {
      operand = {Space::State, uint32_t(state.getIndex()), program::kNone, 0};
    } else if (auto constant = dyn_cast_or_null<qt::ConstantOp>(op)) {
      // A weight that two kernels read in different orders is there twice.
      kern::PanelAttr panel = panelOf(dispatch);
      auto [it, fresh] = panels.try_emplace({buffer, panel});
      if (fresh)
        it->second = {Space::Weights, 0, program::kNone, placeWeight(op, kern::packedBytes(constant.getType(), panel), panel)};
      return it->second;
    } else if (isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp>(op)) {
      auto type = cast<RankedTensorType>(buffer.getType());
      operand = {Space::Weights, 0, program::kNone, placeWeight(op, type.getNumElements() * bytesOf(type.getElementType()), {})};
    } else {
      return dispatch.emitError("internal: a buffer has no place");
    }
    return places[buffer] = operand;
  }

  /// Adds up what one token costs.
  void count(kern::DispatchOp dispatch, func::FuncOp kernel) {
    kernel.walk([&](Operation *op) {
      if (auto linear = dyn_cast<kern::LinearOp>(op)) {
        int64_t weights = linear.getWeights().size();
        int64_t macs = weights * linear.getWeightType().getRows() * linear.getWeightType().getColumns();
        program.linearMacs += macs;
        program.weightsRead += weights * kern::packedBytes(linear.getWeightType(), linear.getPanel());
        // The head's rows are counted by a symbol of their own.
        bool head = llvm::any_of(dispatch.getScalars(), [&](Value v) { return mentionsFirst(v); });
        program.headMacs += head ? macs : 0;
      } else if (auto gather = dyn_cast<kern::GatherRowsOp>(op)) {
        program.weightsRead += kern::packedBytes(gather.getWeightType(), gather.getPanel()) / gather.getWeightType().getRows();
      }
    });
  }
  bool mentionsFirst(Value v) {
    Operation *op = v.getDefiningOp();
    if (auto dim = dyn_cast_or_null<graph::DimOp>(op)) {
      auto symbol = module.lookupSymbol<graph::SymbolOp>(dim.getSymbol());
      return symbol && symbol.getKind() == graph::SymbolKind::First;
    }
    return op && llvm::any_of(op->getOperands(), [&](Value operand) { return mentionsFirst(operand); });
  }

  kern::PanelAttr panelOf(kern::DispatchOp dispatch) {
    kern::PanelAttr panel;
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    kernel.walk([&](Operation *op) {
      if (auto linear = dyn_cast<kern::LinearOp>(op))
        panel = linear.getPanel();
      else if (auto gather = dyn_cast<kern::GatherRowsOp>(op))
        panel = gather.getPanel();
    });
    return panel;
  }

  /// The rows of a state's load or store.
  FailureOr<program::Span> copyRows(const Twine &name) {
    auto copy = module.lookupSymbol<func::FuncOp>(name.str());
    if (!copy)
      return program::Span{program::kNone, 0};
    for (BlockArgument argument : copy.getArguments())
      places[argument] = {Space::Input, 0, program::kNone, 0};
    for (auto buffer : copy.getOps<kern::BufferOp>())
      places[buffer] = {Space::Output, 0, program::kNone, 0};
    std::vector<program::Row> rows;
    if (failed(writeRows(copy, rows)))
      return failure();
    return w.extraRows(rows);
  }

  LogicalResult writeRows(func::FuncOp func, std::vector<program::Row> &rows) {
    // What was read and written since the last barrier, by place: a row waits where it meets a write, or writes what was read.
    struct Access {
      Space space;
      uint32_t index;
      uint64_t begin, end;
      bool write;
    };
    std::vector<Access> open;
    for (auto dispatch : func.getOps<kern::DispatchOp>()) {
      auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
      auto [it, fresh] = kernelNumbers.try_emplace(dispatch.getKernel(), program.kernels.size());
      if (fresh) {
        program.kernels.push_back(dispatch.getKernel().str());
        w.functions.push_back(w.string(dispatch.getKernel()));
        w.header.scratchBytes = std::max<uint64_t>(w.header.scratchBytes, kernel->getAttrOfType<IntegerAttr>("kern.scratch").getInt());
      }
      count(dispatch, kernel);
      program::Row row{};
      row.kind = program::RowKind::Dispatch;
      row.function = it->second;
      auto name = dispatch->getAttrOfType<StringAttr>("name");
      row.name = w.string(name ? name.getValue() : "");
      auto grid = scalar(dispatch.getGrid());
      if (failed(grid))
        return failure();
      row.grid = *grid;
      row.grain = std::clamp<int64_t>(dispatch.getGrain(), 1, 1 << 30);
      SmallVector<Operand> operands;
      std::vector<Access> mine;
      for (auto [i, buffer] : llvm::enumerate(dispatch.getBuffers())) {
        auto operand = place(dispatch, buffer);
        if (failed(operand))
          return failure();
        operands.push_back(*operand);
        if (operand->space == Space::Weights || operand->space == Space::Input)
          continue;
        uint64_t bytes = ~uint64_t(0) / 2;
        if (auto owner = buffer.getDefiningOp<kern::BufferOp>())
          bytes = owner.getBound() * bytesOf(cast<MemRefType>(owner.getType()).getElementType());
        mine.push_back({operand->space, operand->index, operand->offset, operand->offset + bytes, llvm::is_contained(dispatch.getWrites(), int64_t(i))});
      }
      for (const Access &a : mine)
        for (const Access &b : open)
          if (a.space == b.space && a.index == b.index && (a.write || b.write) && a.begin < b.end && b.begin < a.end)
            row.barrier = 1;
      if (row.barrier)
        open.clear();
      open.insert(open.end(), mine.begin(), mine.end());
      row.operands = w.operands(operands);
      SmallVector<uint32_t> list;
      for (Value v : dispatch.getScalars()) {
        auto s = scalar(v);
        if (failed(s))
          return failure();
        list.push_back(*s);
      }
      row.scalars = w.scalarList(list);
      rows.push_back(row);
    }
    return success();
  }
};

} // namespace

LogicalResult planProgram(ModuleOp module, Program &program) {
  auto func = module.lookupSymbol<func::FuncOp>("main");
  if (!func)
    return module.emitError("expected a function @main");
  return Planner(module, func, program).run();
}

} // namespace sinter::plan
