//===- Program.h - what the compiler hands to the runtime ------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// A compiled model is machine code, packed weights and a *program*: one read-only block of plain little-endian records
// that says what the inputs are, how large things are and which kernels run in which order. The compiler writes it
// (passes/Plan), the runtime walks it, `sinter inspect` prints it. All references inside are byte offsets from the
// block's start, so it needs no relocation and can be read straight from the file.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_RUNTIME_PROGRAM_H
#define SINTER_RUNTIME_PROGRAM_H

#include <stdint.h>

namespace sinter::program {

constexpr uint32_t kMagic = 0x52544e53; // "SNTR"
constexpr uint32_t kVersion = 1;
constexpr uint32_t kNone = 0xffffffffu; // "no such index" in any index field

/// `count` records that start `offset` bytes after the start of the block (where the header is). The block is aligned
/// to 8 bytes and so is every list of records in it.
struct Span {
  uint32_t offset, count;
};

/// Element types. The values are part of the ABI.
enum class DType : uint8_t { F32, F16, BF16, F64, I8, U8, I16, U16, I32, U32, I64, U64, Bool };

/// Scalars are int64 values, computed in one pass from first to last at the start of a run (and again from the first
/// affected one after a LoadScalar row). Operands `a` and `b` are indices of earlier scalars.
enum class ScalarOp : uint8_t {
  Const,  ///< imm
  Symbol, ///< value of symbol number imm
  Add,
  Sub,
  Mul,
  FloorDiv,
  CeilDiv,
  Mod, ///< rounding toward minus infinity; a zero divisor is an error of the run
  Min,
  Max,
  Eq,
  Ne,
  Lt,
  Le,
  And,
  Or,     ///< 0 or 1
  Select, ///< a ? b : scalar number imm
  Loaded, ///< filled by a LoadScalar row
};
struct Scalar {
  ScalarOp op;
  uint32_t a, b;
  int64_t imm;
};

/// What gives a symbol its value.
enum class SymbolKind : uint8_t {
  Input, ///< read from an input's shape: the first axis whose scalar is exactly this symbol
  Past,  ///< the session's number of cached tokens
  First, ///< first row whose result is wanted (0: all rows); rows before it are skipped after the last cache append.
         ///< An output's sequence axis is then as long as its scalar says, `sequence - first` (possibly 0), and its row
         ///< 0 is the first wanted. A program without such a symbol computes all rows, and the runtime takes the last.
};
struct Symbol {
  uint32_t name; ///< string
  SymbolKind kind;
  int64_t lo, hi; ///< inclusive bounds, checked at every run. Past: hi is the capacity, that `after` may not exceed.
                  ///< A sequence that is chunked may be longer than hi, a chunk of it may not
  uint32_t after; ///< Past: scalar, the length after the run; else kNone
};

/// What an axis means to a caller that cuts a prompt into chunks.
enum class AxisRole : uint8_t { Other, Batch, Sequence, Total, Past };
struct Axis {
  uint32_t size;  ///< scalar
  uint32_t label; ///< string: the file's dim_param, or empty
  AxisRole role;
};
struct Tensor {
  uint32_t name; ///< string
  DType dtype;
  Span axes;      ///< of Axis
  uint64_t bound; ///< largest size in bytes
};

/// A value carried from one run to the next, kept by the session.
enum class StateKind : uint8_t { Cache, Tensor };
struct State {
  StateKind kind;
  Tensor in, out;         ///< its plain form at the model's interface ([B,H,T,D] for a cache half)
  uint32_t past;          ///< Cache: the symbol that is its length; Tensor: kNone
  uint64_t bytes;         ///< memory of one session
  uint64_t bytesPerToken; ///< Cache: what one more token adds; 0 otherwise
  uint32_t layout;        ///< string: the layout attribute as printed
  Span load, store; ///< of Row: plain tensor (input 0) -> state, state -> plain tensor (output 0), both of the sizes
                    ///< of `in` with `past` the number of tokens in it. Empty: the state is the plain tensor's bytes
};

/// Where an operand's memory is.
enum class Space : uint8_t {
  Arena,   ///< the session's scratch arena
  Weights, ///< the model's packed weights
  Input,   ///< input number `index`
  Output,  ///< output number `index`
  State,   ///< state number `index`
};
struct Operand {
  Space space;
  uint32_t index;
  uint32_t offsetScalar; ///< scalar added to offset (bytes), or kNone
  uint64_t offset;       ///< bytes
};

enum class RowKind : uint8_t {
  Dispatch,   ///< run function over [0, grid), split over the threads
  LoadScalar, ///< scalar `function` = integer of type `dtype` read from operand 0. Every thread reads it for itself:
              ///< for barriers it is a reader like any dispatch. The value comes from data: clamp it before it is a
              ///< size
  If,   ///< if scalar `grid` is 0, skip the next `function` rows
  Loop, ///< run the next `function` rows `grid` times; scalar operands[0].index (op Loaded) counts from 0. `grid` is
        ///< read again before every iteration, so that a scalar loaded in the body can end the loop
};
struct Row {
  RowKind kind;
  DType dtype;       ///< LoadScalar
  uint8_t barrier;   ///< threads meet before this row
  uint32_t function; ///< Dispatch: index into the table of kernels
  uint32_t name;     ///< string: the ONNX node it came from, for traces
  uint32_t grid;     ///< scalar: number of work items
  uint32_t grain;    ///< fewest items worth a thread
  Span operands;     ///< of Operand
  Span scalars;      ///< of uint32_t: scalar numbers, handed to the kernel in this order
};

/// key = value pairs that tools print or use: "tokenizer", "weights", "isa", "source", "eos", ... The runtime itself
/// reads "sidecar" (file name of the weights, beside the library; else they are its section `.sinter.weights`) and
/// "features" (LLVM's target features that the code uses, "+avx2,+avx512vnni": opening fails where the processor lacks
/// one).
struct Meta {
  uint32_t key; ///< string
  Span value;   ///< bytes; a zero that is not counted follows
};

struct Header {
  uint32_t magic, version;
  uint64_t bytes;        ///< of the whole block
  Span strings;          ///< of Span: each the bytes of one UTF-8 string (no terminator is counted, one follows)
  Span symbols;          ///< of Symbol
  Span scalars;          ///< of Scalar
  Span inputs, outputs;  ///< of Tensor: those at the interface, without states
  Span states;           ///< of State
  Span rows;             ///< of Row: one step
  Span functions;        ///< of uint32_t: strings, the kernels' names
  Span metas;            ///< of Meta
  uint64_t arenaBytes;   ///< one session's arena
  uint64_t scratchBytes; ///< one thread's scratch
  uint64_t weightBytes;  ///< the packed weights
  uint64_t weightHash;   ///< of the packed weights (WeightHash.h), checked against a sidecar
  uint32_t sequence;     ///< symbol: new tokens of a run, or kNone where no axis is a sequence
  uint32_t chunk;        ///< most new tokens in one run
  uint8_t chunkable;     ///< 1: a longer sequence may be run as chunks
};

/// A kernel: works on items [begin, end). `scratch` is this thread's own, 64-byte aligned.
using Kernel = void (*)(char *const *operands, const int64_t *scalars, int64_t begin, int64_t end, char *scratch);

/// The table behind the library's exported symbol `sinter_model_v1`.
struct Model {
  uint32_t magic, version;
  const Header *program;
  const Kernel *kernels;
  const void *api; ///< struct sinter_api of sinter.h, from the runtime linked into the library
};

} // namespace sinter::program

#endif // SINTER_RUNTIME_PROGRAM_H
