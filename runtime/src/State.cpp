//===- State.cpp - what a session carries from call to call ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {

uint32_t findState(const Program &program, const char *name) {
  List<State> states = program.states();
  for (uint32_t i = 0; i < states.count; ++i)
    if (!strcmp(program.string(states[i].in.name), name) || !strcmp(program.string(states[i].out.name), name))
      return i;
  return kNone;
}

int pastSymbols(Session &session) {
  const Program &program = session.program();
  List<State> states = program.states();
  List<Symbol> symbols = program.symbols();
  for (uint32_t i = 0; i < symbols.count; ++i) {
    if (symbols[i].kind != SymbolKind::Past)
      continue;
    uint32_t first = kNone;
    for (uint32_t s = 0; s < states.count; ++s) {
      if (states[s].past != i || !program.isCache(states[s]))
        continue;
      if (first == kNone)
        first = s;
      else if (session.lengths[s] != session.lengths[first])
        return session.fail(SINTER_ERROR_STATE, "cache '%s' has %lld tokens, but '%s' has %lld",
                            program.string(states[s].in.name), static_cast<long long>(session.lengths[s]),
                            program.string(states[first].in.name), static_cast<long long>(session.lengths[first]));
    }
    session.symbols[i] = first == kNone ? 0 : session.lengths[first];
  }
  return SINTER_OK;
}

/// The symbol that is a cache's number of sequences, where an input gives it; else kNone.
static uint32_t openBatchSymbol(const Program &program, const State &state) {
  List<Axis> axes = program.axes(state.in);
  // [B,H,T,D], perhaps with a stack of keys and values in front.
  bool batched = program.isCache(state) && axes.count >= 4;
  uint32_t symbol = batched ? program.symbolOf(axes[axes.count - 4].size) : kNone;
  return symbol != kNone && program.symbols()[symbol].kind == SymbolKind::Input ? symbol : kNone;
}

int64_t openBatch(Session &session, const State &state) {
  uint32_t symbol = openBatchSymbol(session.program(), state);
  return symbol != kNone ? session.symbols[symbol] : 0;
}

int64_t length(const Session &session) {
  List<State> states = session.program().states();
  for (uint32_t i = 0; i < states.count; ++i)
    if (session.program().grows(states[i]))
      return session.lengths[i];
  return 0;
}

int truncate(Session &session, int64_t wanted) {
  const Program &program = session.program();
  List<State> states = program.states();
  session.message[0] = 0;
  int64_t now = length(session);
  if (wanted < 0 || wanted > now)
    return session.fail(SINTER_ERROR_ARGUMENT, "the session has %lld tokens, it cannot be cut to %lld",
                        static_cast<long long>(now), static_cast<long long>(wanted));
  if (wanted == now && wanted)
    return SINTER_OK;
  for (uint32_t i = 0; i < states.count && wanted; ++i)
    if (!program.isCache(states[i]))
      return session.fail(SINTER_ERROR_STATE, "state '%s' sums up all tokens, so the session can only be cut to 0",
                          program.string(states[i].in.name));
  session.sequences = wanted ? session.sequences : 0;
  for (uint32_t i = 0; i < states.count; ++i) {
    if (!program.isCache(states[i]))
      memset(session.states[i].data, 0, states[i].bytes);
    else if (!wanted || program.grows(states[i]))
      session.lengths[i] = wanted;
  }
  return SINTER_OK;
}

//===----------------------------------------------------------------------===//
// Plain form
//===----------------------------------------------------------------------===//

static int findNamedState(Session &session, const char *name, uint32_t &number) {
  number = name ? findState(session.program(), name) : kNone;
  if (number == kNone)
    return session.fail(SINTER_ERROR_NAME, "the model has no state '%s'", name ? name : "");
  return SINTER_OK;
}

/// A state without rows is kept in its plain form.
static int transfer(Session &session, uint32_t number, Span rows, char *plain, uint64_t bytes, bool load) {
  char *own = session.states[number].data;
  if (rows.count)
    return walk(session, rows);
  memcpy(load ? own : plain, load ? plain : own, smaller(bytes, session.program().states()[number].bytes));
  return SINTER_OK;
}

int setState(Session &session, const sinter_tensor &tensor) {
  const Program &program = session.program();
  uint32_t number;
  if (int status = findNamedState(session, tensor.name, number))
    return status;
  const State &state = program.states()[number];
  if (int status = checkTensor(session, state.in, tensor, "state"))
    return status;
  List<Axis> axes = program.axes(state.in);
  for (uint32_t i = 0; i < axes.count; ++i) {
    uint32_t s = program.symbolOf(axes[i].size);
    if (s == kNone)
      continue;
    const Symbol &symbol = program.symbols()[s];
    bool past = symbol.kind == SymbolKind::Past;
    if (tensor.dims[i] > symbol.hi || (tensor.dims[i] < symbol.lo && !past))
      return session.fail(past ? SINTER_ERROR_CAPACITY : SINTER_ERROR_SHAPE,
                          "state '%s' axis %u is %lld, allowed are %lld to %lld", program.string(state.in.name), i,
                          static_cast<long long>(tensor.dims[i]), static_cast<long long>(past ? 0 : symbol.lo),
                          static_cast<long long>(symbol.hi));
    session.symbols[s] = tensor.dims[i];
  }
  if (int status = evaluateSizes(session))
    return status;
  if (int status = checkAxes(session, state.in, tensor, "state"))
    return status;
  session.inputBases[0] = static_cast<char *>(tensor.data);
  uint64_t bytes = tensorBytes(state.in.dtype, tensor.rank, tensor.dims);
  if (bytes)
    if (int status = transfer(session, number, state.load, session.inputBases[0], bytes, true))
      return status;
  if (program.isCache(state))
    session.lengths[number] = session.symbols[state.past];
  if (int64_t batch = openBatch(session, state))
    session.sequences = batch;
  return SINTER_OK;
}

int getState(Session &session, sinter_tensor &tensor) {
  const Program &program = session.program();
  uint32_t number;
  if (int status = findNamedState(session, tensor.name, number))
    return status;
  const State &state = program.states()[number];
  if (program.isCache(state))
    session.symbols[state.past] = session.lengths[number];
  // The cache's own number of sequences: the last call may have failed for another, or the cache have been loaded.
  if (uint32_t batch = openBatchSymbol(program, state); batch != kNone && session.sequences)
    session.symbols[batch] = session.sequences;
  if (int status = evaluateSizes(session))
    return status;
  Dims dims;
  tensorDims(session, state.in, dims);
  const char *name = tensor.name;
  if (int status = placeOutput(session, state.in, dims, tensor, session.statePlain[number]))
    return status;
  tensor.name = name;
  session.outputBases[0] = static_cast<char *>(tensor.data);
  return tensor.bytes ? transfer(session, number, state.store, session.outputBases[0], tensor.bytes, false) : SINTER_OK;
}

//===----------------------------------------------------------------------===//
// Saving: the bytes as they are, without the pages that are zero
//===----------------------------------------------------------------------===//

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint32_t kSavedMagic = 0x32545353; // "SST2"

struct SavedHeader {
  uint32_t magic, states;
  uint64_t identity;
  int64_t sequences;
};
struct SavedState {
  int64_t length;
  uint64_t pages; ///< that follow, each a SavedPage and its bytes
};
struct SavedPage {
  uint64_t index;
};

/// Writes to the caller's buffer as far as it goes, and counts on.
struct Writer {
  char *buffer;
  uint64_t room, used;
  void put(const void *data, uint64_t bytes) {
    if (buffer && used + bytes <= room)
      memcpy(buffer + used, data, bytes);
    used += bytes;
  }
};

struct Reader {
  const char *buffer;
  uint64_t left;
  const char *take(uint64_t bytes) {
    if (bytes > left)
      return nullptr;
    const char *at = buffer;
    buffer += bytes, left -= bytes;
    return at;
  }
  template <typename T> bool read(T &record) {
    const char *at = take(sizeof(T));
    if (at)
      memcpy(&record, at, sizeof(T));
    return at;
  }
};

} // namespace

static bool isZero(const char *data, uint64_t bytes) {
  return bytes == 0 || (data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0);
}

static uint64_t pageBytes(uint64_t index, uint64_t bytes) { return smaller(kPage, bytes - index * kPage); }

int saveStates(Session &session, char *buffer, size_t bytes, size_t *needed) {
  List<State> states = session.program().states();
  session.message[0] = 0;
  Writer writer = {buffer, bytes, 0};
  SavedHeader header = {kSavedMagic, states.count, session.parent->identity, session.sequences};
  writer.put(&header, sizeof header);
  for (uint32_t i = 0; i < states.count; ++i) {
    const char *data = session.states[i].data;
    uint64_t at = writer.used;
    SavedState saved = {session.lengths[i], 0};
    writer.put(&saved, sizeof saved);
    for (uint64_t page = 0; page * kPage < states[i].bytes; ++page) {
      uint64_t size = pageBytes(page, states[i].bytes);
      if (isZero(data + page * kPage, size))
        continue;
      ++saved.pages;
      SavedPage record = {page};
      writer.put(&record, sizeof record);
      writer.put(data + page * kPage, size);
    }
    if (buffer && at + sizeof saved <= bytes)
      memcpy(buffer + at, &saved, sizeof saved);
  }
  if (needed)
    *needed = writer.used;
  if (buffer && writer.used > bytes)
    return session.fail(SINTER_ERROR_BUFFER, "the states need %llu bytes, the buffer has %llu",
                        static_cast<unsigned long long>(writer.used), static_cast<unsigned long long>(bytes));
  return SINTER_OK;
}

/// Reads a saved copy; with `apply` false it only checks it.
static bool readStates(Session &session, Reader reader, bool apply) {
  List<State> states = session.program().states();
  SavedHeader header;
  if (!reader.read(header) || header.magic != kSavedMagic || header.states != states.count ||
      header.identity != session.parent->identity || header.sequences < 0)
    return false;
  if (apply)
    session.sequences = header.sequences;
  for (uint32_t i = 0; i < states.count; ++i) {
    SavedState saved;
    bool cache = session.program().isCache(states[i]);
    if (!reader.read(saved) || saved.length < 0 ||
        saved.length > (cache ? session.program().symbols()[states[i].past].hi : 0))
      return false;
    if (apply) {
      memset(session.states[i].data, 0, states[i].bytes);
      session.lengths[i] = saved.length;
    }
    for (uint64_t n = 0; n < saved.pages; ++n) {
      SavedPage page;
      if (!reader.read(page) || page.index >= (states[i].bytes + kPage - 1) / kPage)
        return false;
      uint64_t size = pageBytes(page.index, states[i].bytes);
      const char *data = reader.take(size);
      if (!data)
        return false;
      if (apply)
        memcpy(session.states[i].data + page.index * kPage, data, size);
    }
  }
  return true;
}

int loadStates(Session &session, const char *buffer, size_t bytes) {
  session.message[0] = 0;
  if (!buffer || !readStates(session, {buffer, bytes}, false))
    return session.fail(SINTER_ERROR_ARGUMENT, "the buffer holds no states of this model");
  readStates(session, {buffer, bytes}, true);
  return SINTER_OK;
}

} // namespace sinter::runtime
