//===- AttentionTile.h - sizes of attention's tiles -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KERN_ATTENTIONTILE_H
#define SINTER_DIALECTS_KERN_ATTENTIONTILE_H

#include "dialects/KV/KV.h"

namespace sinter::kern {

/// How the queries of one KV head are tiled, and how large what a tile leaves behind is. A tile's row is (token, query head of the
/// group), head fastest: all of them share one pass over the keys and values.
struct AttentionTile {
  static AttentionTile of(kv::CacheType type, int64_t heads);

  int64_t group;       ///< query heads of a KV head
  int64_t tokens;      ///< new tokens of a tile
  int64_t splitTokens; ///< at most so many new tokens are split over spans of the context
  int64_t keyRow;      ///< channels of a query row in scratch, padded to 16
  int64_t valueRow;    ///< channels of a result row, padded to 16

  int64_t rows() const { return group * tokens; }
  /// Rows of `tokens` new tokens, padded to 16: the length of a vector of row maxima or sums.
  int64_t paddedRows(int64_t tokens) const { return (group * tokens + 15) / 16 * 16; }
  /// Floats of one span's partial result: maxima, sums, rows.
  int64_t partialFloats() const { return 2 * paddedRows(splitTokens) + group * splitTokens * valueRow; }
};

/// Where a tile's working memory lies in a thread's scratch, in bytes. Vectors of row maxima stand before those of row sums.
struct AttentionScratch {
  explicit AttentionScratch(const AttentionTile &tile);

  int64_t query;   ///< [rows][keyRow], floats or bf16
  int64_t scores;  ///< [rows][64] floats, then probabilities in the same place
  int64_t block;   ///< maxima and sums of one block
  int64_t span;    ///< maxima, sums and rows of the span so far
  int64_t total;   ///< the same of all spans so far
  int64_t factors; ///< what a merge multiplies the left and the right side with
  int64_t bytes = 0;
};

/// Builds whether an attention with `partials` splits the context: few new tokens and more than one span.
mlir::Value emitIsSplit(mlir::OpBuilder &builder, mlir::Location loc, const AttentionTile &tile, mlir::Value tokens, mlir::Value total);

/// Bytes of the `partials` of attentions over up to `sequences` sequences of up to `total` tokens.
int64_t attentionPartialBytes(kv::CacheType type, int64_t heads, int64_t sequences, int64_t total);

} // namespace sinter::kern

#endif // SINTER_DIALECTS_KERN_ATTENTIONTILE_H
