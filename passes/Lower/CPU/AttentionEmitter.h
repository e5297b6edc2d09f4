//===- AttentionEmitter.h - pieces of attention kernels --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_ATTENTIONEMITTER_H
#define SINTER_PASSES_LOWER_CPU_ATTENTIONEMITTER_H

#include "dialects/Kern/Kern.h"
#include "passes/Lower/CPU/VectorizeRegion.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace sinter::lower {

/// Builds arithmetic at the builder's position, briefly.
struct Emitter {
  mlir::OpBuilder &builder;
  mlir::Location loc;

  mlir::VectorType vector(mlir::Type element, int64_t lanes = kLanes) { return mlir::VectorType::get({lanes}, element); }
  mlir::VectorType floats() { return vector(builder.getF32Type()); }

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, int64_t b) { return b ? add(a, index(b)) : a; }
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, int64_t b) { return mul(a, index(b)); }
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, int64_t b) { return div(a, index(b)); }
  mlir::Value ceilDiv(mlir::Value a, int64_t b) { return div(add(a, b - 1), b); }
  mlir::Value rem(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);

  /// vector<16xf32> with `value` in every lane.
  mlir::Value splat(float value);
  mlir::Value splat(mlir::Value scalar);
  mlir::Value fmul(mlir::Value a, mlir::Value b);
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value fadd(mlir::Value a, mlir::Value b);
  mlir::Value fsub(mlir::Value a, mlir::Value b);
  /// Replaces each x <= 0 by e^x: exactly 1 at 0 and 0 at -inf; relative error below 3e-7 for results down to 1e-3, growing to 1e-5 at
  /// 2^-125 with the rounding of the argument, 0 below. Several stand side by side, step by step.
  void exp(llvm::MutableArrayRef<mlir::Value> x);
  mlir::Value exp(mlir::Value x) {
    exp(llvm::MutableArrayRef<mlir::Value>(x));
    return x;
  }
  /// a > b ? a : b.
  mlir::Value maximum(mlir::Value a, mlir::Value b);
  /// 0 instead of -inf, so that subtracting a row's maximum is defined for a row without one.
  mlir::Value finite(mlir::Value maxima);
  /// Replaces each by all its lanes combined, by halves, quarters, ...; the result in every lane.
  void sumLanes(llvm::MutableArrayRef<mlir::Value> x);
  void maxLanes(llvm::MutableArrayRef<mlir::Value> x);

  /// The memory of `bytes` from byte offset `at` on, as elements of `type`.
  mlir::Value view(mlir::Value bytes, int64_t at, mlir::Type type);
  /// vector<16xf32> at `at` of a flat memref of floats.
  mlir::Value load(mlir::Value memory, mlir::Value at);
  void store(mlir::Value x, mlir::Value memory, mlir::Value at);
  /// vector<16xf32> with the float at `at` in every lane.
  mlir::Value loadSplat(mlir::Value memory, mlir::Value at);

  void loop(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  mlir::SmallVector<mlir::Value> loop(mlir::Value from, mlir::Value to, mlir::ValueRange init,
                                      llvm::function_ref<mlir::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
};

/// Two partial softmax results become one. Maxima and sums are vectors (of rows, or one row in every lane).
struct Merged {
  mlir::Value maximum, sum;
  mlir::Value left, right; ///< result = left result * left + right result * right
};
Merged emitMerge(Emitter &e, mlir::Value leftMaximum, mlir::Value leftSum, mlir::Value rightMaximum, mlir::Value rightSum);
/// left * leftFactor + right * rightFactor, the same in all kernels.
mlir::Value emitCombine(Emitter &e, mlir::Value left, mlir::Value leftFactor, mlir::Value right, mlir::Value rightFactor);

/// Writes the row of query head `head` (an index) of new token `token`: `rows(group)` gives 16 channels of the weighted values from channel
/// 16 * group on, `maximum` and `sum` have the row's in every lane.
void emitFinish(Emitter &e, mlir::Value out, mlir::Value sinks, bool zeroMaskedRows, mlir::Value sequence, mlir::Value token,
                mlir::Value head, mlir::Value maximum, mlir::Value sum, llvm::function_ref<mlir::Value(int64_t)> rows);

/// Both products of attention for a few rows, registers blocked, for any layout.
class Products {
public:
  Products(kv::CacheType type, const kern::AttentionTile &tile, kern::TargetAttr target);

  /// Whether products are bf16 dots: queries and probabilities in scratch are then bf16.
  bool isDot() const { return dot; }

  /// scores[row][64] = query[row] . key for `rows` rows and the block of keys that starts at byte `start` of `cache`.
  void emitScores(Emitter &e, mlir::Value cache, mlir::Value start, mlir::Value scratch, mlir::Value rows) const;
  /// result[row] = result[row] * left[row] + (probabilities[row] . values) * right[row] over the first `tokens` tokens of the block.
  void emitResults(Emitter &e, mlir::Value cache, mlir::Value start, mlir::Value scratch, mlir::Value rows, mlir::Value tokens) const;

private:
  void forRowBlocks(Emitter &e, mlir::Value rows, llvm::function_ref<void(mlir::Value, int64_t)> body) const;
  /// Fetches what the same step of the next block will need, once for all rows: the hardware's prefetch stops at pages, and does not
  /// keep up with a stream between which so much is computed.
  void emitPrefetch(Emitter &e, kv::Part part, mlir::Value cache, mlir::Value start, mlir::Value row, int64_t pass, int64_t passes,
                    mlir::Value step, int64_t steps) const;
  /// What a loaded vector of cache elements multiplies: itself for dots, else one vector of floats for each of the pair.
  mlir::SmallVector<mlir::Value, 2> operands(Emitter &e, mlir::Value loaded) const;
  mlir::Value multiplyAdd(Emitter &e, mlir::Value accumulator, mlir::Value cached, mlir::Value broadcast) const;
  /// Element `step` (`step` * pairing + `half` without dots) of a row in scratch, in every lane.
  mlir::Value broadcast(Emitter &e, mlir::Value memory, mlir::Value at, int64_t half) const;

  /// Vectors of 16 lanes that `rows` rows are multiplied with at once.
  int64_t vectorsFor(int64_t rows) const { return wide && rows <= 4 ? 4 : 2; }

  kv::CacheType type;
  kern::AttentionTile tile;
  kern::AttentionScratch scratchAt;
  int64_t pairing, maxRows;
  bool wide;
  bool dot;
};

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_ATTENTIONEMITTER_H
