//===- AttentionParts.h - what attention operators share -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_RULES_ATTENTIONPARTS_H
#define SINTER_PASSES_RAISE_RULES_ATTENTIONPARTS_H

#include "passes/Raise/Lowering.h"

namespace sinter::raise {

/// The sizes of one attention. `total` counts the past and the new keys.
struct AttentionSizes {
  SymExpr batch, tokens, past = 0, newKeys, total;
  int64_t heads = 0, groups = 0, headSize = 0, valueSize = 0;
};

/// Operands and options of graph.attention, in the file's element type: query [B, H, S, D], key [B, G, T, D], value [B, G, T, E].
struct AttentionParts {
  AttentionSizes sizes;
  mlir::Type element;
  mlir::Value query, key, value;
  mlir::Value mask;  ///< of graph level; null: none
  mlir::Value sinks; ///< null: none
  double scale = 0;  ///< 0: 1 / sqrt(D)
  double softcap = 0;
  bool causal = false;
  int64_t window = 0;
  bool zeroMaskedRows = false;
};

/// [B, S, H * E] in the file's element type.
mlir::Value buildAttention(Lowering &lower, mlir::Location loc, const AttentionParts &parts);

/// Keys (half 0) or values (half 1) of a past, followed by `update` [B, G, L, D]: in place where the past is the session's. A `stacked` past [2, B, G, P, D] holds
/// both halves. `shape` is the result's.
mlir::Value appendPast(Lowering &lower, mlir::Location loc, mlir::Value past, mlir::Value update, mlir::ArrayRef<SymExpr> shape, unsigned half, bool stacked);

/// Unifies what a mask_index or key_padding_mask of onnxruntime has in common with the attention: [B], [2B], [B, T], [B, S, T] or [B, 1, M, M].
mlir::LogicalResult inferKeyMask(onnx::NodeOp node, mlir::Value mask, const AttentionSizes &sizes, Inference &infer);
/// The same for a bias of the scores, [B|1, H|1, S|1, T] (or fewer axes, from the right).
mlir::LogicalResult inferScoreBias(onnx::NodeOp node, mlir::Value bias, const AttentionSizes &sizes, Inference &infer);
/// What both add to scores: `dropped` where the mask says so. Null where both are null.
mlir::Value buildKeyMask(Lowering &lower, mlir::Location loc, mlir::Value mask, mlir::Value bias, double dropped, const AttentionSizes &sizes);

/// x(channel) rotated: with cosine and sine at half the channels, halves (i, i + R/2) or pairs (2i, 2i + 1); channels from `rotary` on pass.
mlir::Value rotateChannel(mlir::OpBuilder &b, mlir::Location l, mlir::Value channel, int64_t rotary, int64_t headSize, bool interleaved,
                          llvm::function_ref<mlir::Value(mlir::Value)> x, llvm::function_ref<mlir::Value(mlir::Value)> cosine,
                          llvm::function_ref<mlir::Value(mlir::Value)> sine);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_RULES_ATTENTIONPARTS_H
