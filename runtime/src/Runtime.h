//===- Runtime.h - the parts of the runtime and what they share -*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// The runtime is linked into every compiled model, so it uses libc and nothing else: no libstdc++, exceptions, RTTI or
// global state. Structs here are plain data, allocated zeroed and valid so.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_RUNTIME_H
#define SINTER_RUNTIME_RUNTIME_H

#include "runtime/include/sinter.h"
#include "runtime/src/Program.h"

namespace sinter::runtime {

using namespace program;

//===----------------------------------------------------------------------===//
// Errors and memory
//===----------------------------------------------------------------------===//

/// Writes a message to a buffer of SINTER_MESSAGE_BYTES (or null) and returns `status`.
int fail(char *why, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

constexpr uint64_t kAlign = 64;
constexpr uint64_t kHugePage = 2u << 20;
inline uint64_t alignUp(uint64_t bytes, uint64_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }
template <typename T> T smaller(T a, T b) { return b < a ? b : a; }
template <typename T> T larger(T a, T b) { return a < b ? b : a; }

/// A zeroed block of memory; large ones start at a huge page and are advised to use them.
struct Memory {
  char *data;
  uint64_t bytes;    ///< usable
  uint64_t reserved; ///< of the mapping, 0 where the allocator's hook made it
};
/// Null data on failure. Zero bytes give a valid block too.
Memory allocate(const sinter_allocator &allocator, uint64_t bytes);
void release(const sinter_allocator &allocator, Memory &memory);
/// Makes `memory` at least `bytes` large; its content is lost when it grows. False when there is no memory.
bool reserve(const sinter_allocator &allocator, Memory &memory, uint64_t bytes);

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

template <typename T> struct List {
  const T *data;
  uint32_t count;
  const T &operator[](uint64_t i) const { return data[i]; }
  const T *begin() const { return data; }
  const T *end() const { return data + count; }
};

/// A view of a program block.
struct Program {
  const Header *header;

  const char *at(uint32_t offset) const { return reinterpret_cast<const char *>(header) + offset; }
  template <typename T> List<T> list(Span span) const {
    return {reinterpret_cast<const T *>(at(span.offset)), span.count};
  }
  const char *string(uint32_t index) const { return at(list<Span>(header->strings)[index].offset); }
  List<Symbol> symbols() const { return list<Symbol>(header->symbols); }
  List<Scalar> scalars() const { return list<Scalar>(header->scalars); }
  List<Tensor> inputs() const { return list<Tensor>(header->inputs); }
  List<Tensor> outputs() const { return list<Tensor>(header->outputs); }
  List<State> states() const { return list<State>(header->states); }
  List<Axis> axes(const Tensor &tensor) const { return list<Axis>(tensor.axes); }
  /// The symbol that scalar `index` is exactly, or kNone.
  uint32_t symbolOf(uint32_t index) const {
    const Scalar &scalar = scalars()[index];
    return scalar.op == ScalarOp::Symbol ? static_cast<uint32_t>(scalar.imm) : kNone;
  }
  bool isCache(const State &state) const { return state.kind == StateKind::Cache; }
  /// Whether runs add tokens to a cache; others (of an encoder's keys, say) keep the length they were set to.
  bool grows(const State &state) const { return isCache(state) && symbolOf(symbols()[state.past].after) != state.past; }
};

/// Largest numbers of things in one row, for the walkers' buffers.
struct Extents {
  uint32_t operands, scalars;
};

/// Checks once that every reference of the program stays inside it. False: `why` says what is wrong.
bool verifyProgram(const Program &program, Extents &extents, char *why);

inline uint32_t elementBytes(DType type) {
  constexpr uint8_t bytes[] = {4, 2, 2, 8, 1, 1, 2, 2, 4, 4, 8, 8, 1};
  return bytes[static_cast<uint8_t>(type)];
}
const char *dtypeName(uint32_t type);

/// Computes scalars [from, end). `known` says which have a value: those from a LoadScalar row have none before it, nor
/// has what is computed from them. Returns the scalar that divides by zero, or kNone.
uint32_t evaluate(const Program &program, const int64_t *symbols, int64_t *values, uint8_t *known, uint32_t from);

/// Bounds of every scalar, from those of the symbols.
struct Interval {
  int64_t lo, hi;
};
void evaluateBounds(const Program &program, Interval *bounds);

//===----------------------------------------------------------------------===//
// Models and sessions
//===----------------------------------------------------------------------===//

struct Model : sinter_model {
  Program program;
  const Kernel *kernels;
  Extents extents;
  sinter_model_info details; ///< what `info` points to
  sinter_allocator allocator;
  Memory weights; ///< or mapped:
  char *mapped;
  uint64_t mappedBytes;
  /// Symbols that inputs give: symbol -> input and axis, or kNone.
  struct Source {
    uint32_t input, axis;
  } * sources;
  uint64_t identity; ///< tells saved states of other models apart
  sinter_axis *axes; ///< of all tensors in `details`

  const char *weightBase() const { return mapped ? mapped : weights.data; }
};

int openModel(const program::Model &table, const char *path, const sinter_open_options &options, Model *&model,
              char *why);
void closeModel(Model *model);
/// Finds and reads the weights, from the section of the library at `path`, from its sidecar or from `options.weights`.
int loadWeights(Model &model, const char *path, const sinter_open_options &options, char *why);
void unloadWeights(Model &model);
/// Checks LLVM's feature string against the processor.
int checkFeatures(const char *features, char *why);
uint32_t processorCount();

/// Threads of a session. Workers wait in between jobs, first spinning and then asleep. All of them run the same job.
struct Pool;
/// Null where `threads` is 1 or when threads cannot be made (then `why` says so).
Pool *createPool(uint32_t threads, const sinter_thread_hooks &hooks, char *why);
void destroyPool(Pool *pool);
/// Runs body(argument, thread) on every thread, the caller being number 0, and waits for all. A null pool has one
/// thread.
void runOnAll(Pool *pool, void (*body)(void *argument, uint32_t thread), void *argument);
/// All threads of the job meet; what each wrote before is seen by all after.
void meet(Pool *pool);

/// What one thread needs to walk rows.
struct Walker {
  uint64_t *claim; ///< what is left of its part of the row it is at, see Walker.cpp; on a cache line of its own
  uint32_t turn;   ///< counts the rows it came to: alike in all threads
  int64_t *scalars; ///< of its own, as loaded scalars and loop counters change along the way
  uint8_t *known;
  int64_t *arguments;
  char **operands;
  char *scratch;
  struct Timed {
    uint32_t row;
    int64_t items;
    uint64_t begin, end;
  } * events;
  uint32_t eventCount, eventRoom;
  uint32_t failed; ///< scalar that divided by zero, or kNone
};

/// Sizes of a tensor's axes.
struct Dims {
  int64_t size[SINTER_MAX_RANK];
  int64_t &operator[](uint32_t i) { return size[i]; }
  int64_t operator[](uint32_t i) const { return size[i]; }
};

struct Session : sinter_session {
  const Model *parent;
  sinter_allocator allocator;
  char message[SINTER_MESSAGE_BYTES];
  Pool *pool;
  uint32_t threads;
  uint32_t chunk;
  Memory arena, scratch;
  Memory *states;
  int64_t *lengths;                 ///< of each state: tokens in it
  int64_t sequences;                ///< that the caches hold, where the model leaves the batch open; 0: not settled
  Memory *inputStage, *outputStage; ///< chunks' slices that are not contiguous in the whole; grown when needed
  Memory *outputMemory;             ///< outputs that the caller has no buffer for
  Memory *statePlain;               ///< and states
  Memory tokens, logits;            ///< inputs that sinter_forward makes up, and its result
  Dims *outputDims;                 ///< of a whole call
  int64_t *symbols;
  Walker *walkers;                                ///< one a thread; the first one's scalars hold a run's sizes
  char **inputBases, **outputBases, **stateBases; ///< memory of the rows' operands
  const sinter_tensor **given;                    ///< a run's tensor for each input, by number
  sinter_tensor **wanted;                         ///< and for each output, or null
  sinter_tensor *made;                            ///< inputs of sinter_forward
  char *table;                                    ///< the memory of all arrays above
  sinter_profiler profiler;
  void *profilerUser;
  FILE *trace;
  uint64_t traceStart;
  bool traceBegun;

  const Program &program() const { return parent->program; }
  int64_t *values() { return walkers[0].scalars; }
  /// Leaves a message and returns `status`.
  int fail(int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
};

/// Computes all scalars from session.symbols.
int evaluateSizes(Session &session);
/// Runs `rows` on all threads with the session's scalars and bases.
int walk(Session &session, Span rows);
/// Sizes of a tensor's axes by the session's scalars. False where one is not known yet.
bool tensorDims(Session &session, const Tensor &tensor, Dims &dims);
inline uint64_t tensorBytes(DType dtype, uint32_t rank, const int64_t *dims) {
  uint64_t bytes = elementBytes(dtype);
  for (uint32_t i = 0; i < rank; ++i)
    bytes *= static_cast<uint64_t>(dims[i]);
  return bytes;
}
/// Whether the caller's tensor has the type and the number of axes that it must have, and data. `kind` is the word for
/// it.
int checkTensor(Session &session, const Tensor &tensor, const sinter_tensor &given, const char *kind);
/// Whether its axes are of the sizes that the session's scalars say.
int checkAxes(Session &session, const Tensor &tensor, const sinter_tensor &given, const char *kind);
/// Gives the caller's tensor its type, sizes and memory: the caller's own buffer, or `memory` grown to fit.
int placeOutput(Session &session, const Tensor &tensor, const Dims &dims, sinter_tensor &out, Memory &memory);
/// State number by the name of its input or output, or kNone.
uint32_t findState(const Program &program, const char *name);
/// The number of sequences by the session's scalars, for a cache whose batch is open; else 0.
int64_t openBatch(Session &session, const State &state);
/// Sets the symbols of kind Past from the states' lengths. Fails where states that share a symbol differ.
int pastSymbols(Session &session);

int run(Session &session, const sinter_tensor *inputs, size_t inputCount, sinter_tensor *outputs, size_t outputCount,
        uint32_t flags);
int forward(Session &session, const int64_t *tokens, size_t count, const sinter_tensor *extra, size_t extraCount,
            const float **logits, size_t *vocabulary);
int64_t length(const Session &session);
int truncate(Session &session, int64_t length);
int setState(Session &session, const sinter_tensor &tensor);
int getState(Session &session, sinter_tensor &tensor);
int saveStates(Session &session, char *buffer, size_t bytes, size_t *needed);
int loadStates(Session &session, const char *buffer, size_t bytes);
int64_t sample(sinter_sampling &sampling, const float *logits, size_t count);

/// Hands the walkers' events to the profiler and the trace, and forgets them.
void reportEvents(Session &session, Span rows);
int setTrace(Session &session, const char *path);
uint64_t now();

int createSession(const Model &model, const sinter_session_options &options, Session *&session, char *why);
void destroySession(Session *session);

} // namespace sinter::runtime

#endif // SINTER_RUNTIME_RUNTIME_H
