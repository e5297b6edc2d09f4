//===- Run.cpp - one call: binding, checks, chunks ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Everything is checked before anything runs, for the sequence as a whole. Then each chunk of it is a run of its own,
// on slices of the inputs, and its outputs are put where they belong in the whole.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {
namespace {

/// New tokens [begin, end) of a call.
struct Chunk {
  int64_t begin, end, all;
  bool whole() const { return begin == 0 && end == all; }
  bool last() const { return end == all; }
};

/// A box inside a tensor.
struct Box {
  Dims start, count;
};

} // namespace

//===----------------------------------------------------------------------===//
// Boxes of tensors
//===----------------------------------------------------------------------===//

/// Bytes from the tensor's start to the box's, where the box is contiguous, else -1.
static int64_t contiguousOffset(const Dims &dims, const Box &box, uint32_t rank, uint32_t element) {
  int64_t stride = element, offset = 0;
  bool partial = false; // an inner axis is cut, so that all outer ones must have one entry in the box
  for (uint32_t i = rank; i-- > 0;) {
    if (partial && box.count[i] != 1)
      return -1;
    partial |= box.count[i] != dims[i];
    offset += box.start[i] * stride;
    stride *= dims[i];
  }
  return offset;
}

/// Copies a box of one tensor to a box of another; both have the sizes `from.count`.
static void copyBox(char *to, const Dims &toDims, const Dims &toStart, const char *from, const Dims &fromDims,
                    const Box &box, uint32_t rank, uint64_t element, uint32_t axis = 0) {
  if (axis == rank) {
    memcpy(to, from, element);
    return;
  }
  uint64_t toStride = element, fromStride = element;
  for (uint32_t i = axis + 1; i < rank; ++i)
    toStride *= static_cast<uint64_t>(toDims[i]), fromStride *= static_cast<uint64_t>(fromDims[i]);
  to += static_cast<uint64_t>(toStart[axis]) * toStride;
  from += static_cast<uint64_t>(box.start[axis]) * fromStride;
  if (axis + 1 == rank) {
    memcpy(to, from, static_cast<uint64_t>(box.count[axis]) * element);
    return;
  }
  for (int64_t i = 0; i < box.count[axis]; ++i)
    copyBox(to + static_cast<uint64_t>(i) * toStride, toDims, toStart, from + static_cast<uint64_t>(i) * fromStride,
            fromDims, box, rank, element, axis + 1);
}

static uint32_t sequenceAxis(const Program &program, const Tensor &tensor) {
  List<Axis> axes = program.axes(tensor);
  for (uint32_t i = 0; i < axes.count; ++i)
    if (axes[i].role == AxisRole::Sequence)
      return i;
  return kNone;
}

//===----------------------------------------------------------------------===//
// Binding and checks
//===----------------------------------------------------------------------===//

static uint32_t findTensor(const Program &program, List<Tensor> tensors, const char *name) {
  for (uint32_t i = 0; i < tensors.count; ++i)
    if (!strcmp(program.string(tensors[i].name), name))
      return i;
  return kNone;
}

/// "the model has no input 'x'; it has a, b, c"
static int unknownName(Session &session, const char *kind, const char *name, List<Tensor> tensors) {
  char known[300] = "none";
  size_t used = 0;
  for (const Tensor &tensor : tensors) {
    int more =
        snprintf(known + used, sizeof known - used, "%s'%s'", used ? ", " : "", session.program().string(tensor.name));
    used += static_cast<size_t>(larger(more, 0));
    if (used >= sizeof known)
      break;
  }
  return session.fail(SINTER_ERROR_NAME, "the model has no %s '%s'; it has %s", kind, name, known);
}

/// Number of the tensor that the caller's `position`-th one is, kNone for a state. Negative: failed.
static int64_t resolve(Session &session, const char *name, size_t position, List<Tensor> tensors, const char *kind) {
  if (!name && position < tensors.count)
    return static_cast<int64_t>(position);
  if (!name) {
    session.fail(SINTER_ERROR_NAME, "%s number %zu has no name, and the model has only %u", kind, position,
                 tensors.count);
    return -1;
  }
  uint32_t number = findTensor(session.program(), tensors, name);
  if (number == kNone && findState(session.program(), name) == kNone) {
    unknownName(session, kind, name, tensors);
    return -1;
  }
  return number;
}

/// Puts the caller's tensors where the model's numbers say; those of states are left out.
template <typename T>
static int bindNames(Session &session, T *tensors, size_t count, List<Tensor> declared, const char *kind, T **bound) {
  memset(bound, 0, declared.count * sizeof *bound);
  for (size_t i = 0; i < count; ++i) {
    int64_t number = resolve(session, tensors[i].name, i, declared, kind);
    if (number < 0)
      return SINTER_ERROR_NAME;
    if (number == kNone)
      continue;
    if (bound[number])
      return session.fail(SINTER_ERROR_NAME, "%s '%s' is given twice", kind,
                          session.program().string(declared[number].name));
    bound[number] = &tensors[i];
  }
  return SINTER_OK;
}

static int bind(Session &session, const sinter_tensor *inputs, size_t inputCount, sinter_tensor *outputs,
                size_t outputCount) {
  const Program &program = session.program();
  List<Tensor> ins = program.inputs();
  if (int status = bindNames(session, inputs, inputCount, ins, "input", session.given))
    return status;
  if (int status = bindNames(session, outputs, outputCount, program.outputs(), "output", session.wanted))
    return status;
  for (uint32_t i = 0; i < ins.count; ++i) {
    if (!session.given[i])
      return session.fail(SINTER_ERROR_MISSING, "input '%s' is missing", program.string(ins[i].name));
    if (int status = checkTensor(session, ins[i], *session.given[i], "input"))
      return status;
  }
  for (size_t i = 0; i < inputCount; ++i)
    if (inputs[i].name && findTensor(program, ins, inputs[i].name) == kNone)
      if (int status = setState(session, inputs[i]))
        return status;
  return SINTER_OK;
}

/// Symbols from the inputs' sizes and the states' lengths, checked against their bounds.
static int solveSymbols(Session &session) {
  const Program &program = session.program();
  const Header &header = *program.header;
  List<Symbol> symbols = program.symbols();
  if (int status = pastSymbols(session))
    return status;
  for (uint32_t i = 0; i < symbols.count; ++i) {
    const Symbol &symbol = symbols[i];
    if (symbol.kind == SymbolKind::First)
      session.symbols[i] = 0;
    if (symbol.kind != SymbolKind::Input)
      continue;
    const Model::Source &source = session.parent->sources[i];
    int64_t value = source.input == kNone ? symbol.lo : session.given[source.input]->dims[source.axis];
    bool open = i == header.sequence && header.chunkable;
    if (value < symbol.lo || (value > symbol.hi && !open))
      return session.fail(SINTER_ERROR_SHAPE, "input '%s' axis %u is %lld, allowed are %lld to %lld",
                          program.string(program.inputs()[source.input].name), source.axis,
                          static_cast<long long>(value), static_cast<long long>(symbol.lo),
                          static_cast<long long>(symbol.hi));
    session.symbols[i] = value;
  }
  return SINTER_OK;
}

static int checkCapacity(Session &session) {
  const Program &program = session.program();
  for (const State &state : program.states()) {
    if (!program.isCache(state))
      continue;
    int64_t batch = openBatch(session, state);
    if (batch && session.sequences && batch != session.sequences && session.symbols[state.past])
      return session.fail(SINTER_ERROR_STATE, "cache '%s' has %lld sequences, the run has %lld",
                          program.string(state.in.name), static_cast<long long>(session.sequences),
                          static_cast<long long>(batch));
    const Symbol &past = program.symbols()[state.past];
    int64_t before = session.symbols[state.past], after = session.values()[past.after];
    if (before < past.lo)
      return session.fail(SINTER_ERROR_STATE, "cache '%s' has %lld tokens, at least %lld are needed",
                          program.string(state.in.name), static_cast<long long>(before),
                          static_cast<long long>(past.lo));
    if (after > past.hi)
      return session.fail(SINTER_ERROR_CAPACITY, "%lld new tokens do not fit: the cache holds %lld of at most %lld",
                          static_cast<long long>(after - before), static_cast<long long>(before),
                          static_cast<long long>(past.hi));
  }
  return SINTER_OK;
}

/// Memory for the outputs that the caller asked for, of the sizes of the whole call. A size that only the run will tell
/// has to wait: then the output's dims start with -1.
static int planOutputs(Session &session, bool lastRow) {
  List<Tensor> outputs = session.program().outputs();
  for (uint32_t i = 0; i < outputs.count; ++i) {
    Dims &dims = session.outputDims[i];
    bool known = tensorDims(session, outputs[i], dims);
    uint32_t axis = sequenceAxis(session.program(), outputs[i]);
    if (lastRow && axis != kNone)
      dims[axis] = smaller<int64_t>(dims[axis], 1);
    if (!known)
      dims[0] = -1;
    else if (session.wanted[i])
      if (int status = placeOutput(session, outputs[i], dims, *session.wanted[i], session.outputMemory[i]))
        return status;
  }
  return SINTER_OK;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

/// The part of an input that a chunk reads: its rows on sequence axes, the tokens up to its end on total axes.
static int bindInput(Session &session, uint32_t number, const Chunk &chunk) {
  const Program &program = session.program();
  const Tensor &tensor = program.inputs()[number];
  const sinter_tensor &given = *session.given[number];
  char *data = static_cast<char *>(given.data);
  session.inputBases[number] = data;
  if (chunk.whole())
    return SINTER_OK;
  uint32_t rank = given.rank, element = elementBytes(tensor.dtype);
  List<Axis> axes = program.axes(tensor);
  Dims dims = {}, zero = {};
  Box box = {};
  for (uint32_t i = 0; i < rank; ++i) {
    dims[i] = box.count[i] = given.dims[i];
    if (axes[i].role == AxisRole::Sequence)
      box.start[i] = chunk.begin, box.count[i] = chunk.end - chunk.begin;
    else if (axes[i].role == AxisRole::Total)
      box.count[i] = dims[i] - (chunk.all - chunk.end);
    if (box.count[i] != session.values()[axes[i].size])
      return session.fail(SINTER_ERROR_CORRUPT, "the model is damaged: input '%s' axis %u cannot be cut into chunks",
                          program.string(tensor.name), i);
  }
  int64_t offset = contiguousOffset(dims, box, rank, element);
  if (offset >= 0) {
    session.inputBases[number] = data + offset;
    return SINTER_OK;
  }
  if (!reserve(session.allocator, session.inputStage[number], tensorBytes(tensor.dtype, rank, box.count.size)))
    return session.fail(SINTER_ERROR_MEMORY, "no memory for a chunk of input '%s'", program.string(tensor.name));
  session.inputBases[number] = session.inputStage[number].data;
  copyBox(session.inputBases[number], box.count, zero, data, dims, box, rank, element);
  return SINTER_OK;
}

/// Which box of a chunk's output goes where in the whole. False: nowhere, it is not asked for.
static bool outputBox(Session &session, uint32_t number, const Chunk &chunk, bool lastRow, const Dims &dims, Box &from,
                      Dims &to) {
  const Dims &whole = session.outputDims[number];
  uint32_t axis = sequenceAxis(session.program(), session.program().outputs()[number]);
  from = {{}, dims};
  to = {};
  if (!session.wanted[number])
    return false;
  if (axis == kNone) // as after the last chunk
    return chunk.last();
  if (!lastRow) {
    to[axis] = chunk.begin;
    return to[axis] + dims[axis] <= whole[axis];
  }
  if (!chunk.last() || !dims[axis])
    return false;
  from.start[axis] = dims[axis] - 1, from.count[axis] = 1;
  return true;
}

/// Where a chunk writes an output: into the whole where its box is contiguous there, else into a stage.
static int bindOutput(Session &session, uint32_t number, const Chunk &chunk, bool lastRow) {
  const Tensor &tensor = session.program().outputs()[number];
  uint32_t rank = tensor.axes.count, element = elementBytes(tensor.dtype);
  Dims dims, to;
  Box from;
  bool known = tensorDims(session, tensor, dims);
  if (known && outputBox(session, number, chunk, lastRow, dims, from, to) &&
      !memcmp(&from.count, &dims, rank * sizeof(int64_t))) {
    int64_t offset = contiguousOffset(session.outputDims[number], {to, dims}, rank, element);
    if (offset >= 0) {
      session.outputBases[number] = static_cast<char *>(session.wanted[number]->data) + offset;
      return SINTER_OK;
    }
  }
  uint64_t bytes = known ? tensorBytes(tensor.dtype, rank, dims.size) : tensor.bound;
  if (!reserve(session.allocator, session.outputStage[number], bytes))
    return session.fail(SINTER_ERROR_MEMORY, "no memory for output '%s'", session.program().string(tensor.name));
  session.outputBases[number] = session.outputStage[number].data;
  return SINTER_OK;
}

/// Copies what a chunk wrote to a stage.
static int collectOutput(Session &session, uint32_t number, const Chunk &chunk, bool lastRow) {
  if (session.outputBases[number] != session.outputStage[number].data || !session.wanted[number])
    return SINTER_OK;
  const Tensor &tensor = session.program().outputs()[number];
  uint32_t rank = tensor.axes.count, element = elementBytes(tensor.dtype);
  Dims dims, to;
  Box from;
  tensorDims(session, tensor, dims);
  if (rank && session.outputDims[number][0] < 0) { // its size is known only now
    session.outputDims[number] = dims;
    if (tensorBytes(tensor.dtype, rank, dims.size) > tensor.bound)
      return session.fail(SINTER_ERROR_VALUE, "output '%s' is larger than its bound of %llu bytes",
                          session.program().string(tensor.name), static_cast<unsigned long long>(tensor.bound));
    if (int status = placeOutput(session, tensor, dims, *session.wanted[number], session.outputMemory[number]))
      return status;
  }
  if (outputBox(session, number, chunk, lastRow, dims, from, to))
    copyBox(static_cast<char *>(session.wanted[number]->data), session.outputDims[number], to,
            session.outputBases[number], dims, from, rank, element);
  return SINTER_OK;
}

static int runChunk(Session &session, const Chunk &chunk, bool lastRow) {
  const Program &program = session.program();
  const Header &header = *program.header;
  List<Symbol> symbols = program.symbols();
  if (int status = pastSymbols(session))
    return status;
  for (uint32_t i = 0; i < symbols.count; ++i) {
    const Model::Source &source = session.parent->sources[i];
    if (i == header.sequence)
      session.symbols[i] = chunk.end - chunk.begin;
    else if (symbols[i].kind == SymbolKind::First)
      session.symbols[i] = lastRow ? larger<int64_t>(chunk.end - chunk.begin - chunk.last(), 0) : 0;
    else if (source.input != kNone && program.axes(program.inputs()[source.input])[source.axis].role == AxisRole::Total)
      session.symbols[i] = session.given[source.input]->dims[source.axis] - (chunk.all - chunk.end);
  }
  if (int status = evaluateSizes(session))
    return status;
  for (uint32_t i = 0; i < header.inputs.count; ++i)
    if (int status = bindInput(session, i, chunk))
      return status;
  for (uint32_t i = 0; i < header.outputs.count; ++i)
    if (int status = bindOutput(session, i, chunk, lastRow))
      return status;
  if (int status = walk(session, header.rows))
    return status;
  for (uint32_t i = 0; i < header.outputs.count; ++i)
    if (int status = collectOutput(session, i, chunk, lastRow))
      return status;
  List<State> states = program.states();
  for (uint32_t i = 0; i < states.count; ++i) {
    if (program.isCache(states[i]))
      session.lengths[i] = session.values()[symbols[states[i].past].after];
    if (int64_t batch = openBatch(session, states[i]))
      session.sequences = batch;
  }
  return SINTER_OK;
}

int run(Session &session, const sinter_tensor *inputs, size_t inputCount, sinter_tensor *outputs, size_t outputCount,
        uint32_t flags) {
  const Program &program = session.program();
  const Header &header = *program.header;
  session.message[0] = 0;
  if ((inputCount && !inputs) || (outputCount && !outputs) || (flags & ~SINTER_LAST_ROW))
    return session.fail(SINTER_ERROR_ARGUMENT, "a run needs inputs, outputs and known flags");
  if (int status = bind(session, inputs, inputCount, outputs, outputCount))
    return status;
  if (int status = solveSymbols(session))
    return status;
  if (int status = evaluateSizes(session))
    return status;
  if (int status = checkCapacity(session))
    return status;
  for (uint32_t i = 0; i < header.inputs.count; ++i)
    if (int status = checkAxes(session, program.inputs()[i], *session.given[i], "input"))
      return status;
  bool lastRow = flags & SINTER_LAST_ROW;
  if (int status = planOutputs(session, lastRow))
    return status;

  int64_t tokens = header.sequence == kNone ? 1 : session.symbols[header.sequence], step = tokens;
  if (header.chunkable && header.sequence != kNone) {
    step = smaller(step, program.symbols()[header.sequence].hi);
    step = session.chunk ? smaller<int64_t>(step, session.chunk) : step;
  }
  for (int64_t begin = 0; begin < tokens || begin == 0; begin += larger<int64_t>(step, 1))
    if (int status = runChunk(session, {begin, smaller(begin + step, tokens), tokens}, lastRow))
      return status;
  for (size_t i = 0; i < outputCount; ++i)
    if (outputs[i].name && findTensor(program, program.outputs(), outputs[i].name) == kNone)
      if (int status = getState(session, outputs[i]))
        return status;
  return SINTER_OK;
}

} // namespace sinter::runtime
