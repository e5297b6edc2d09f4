//===- Recognize.h - what exporters took apart, put together ---*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_RECOGNIZE_H
#define SINTER_PASSES_RAISE_RECOGNIZE_H

#include "passes/Raise/Lowering.h"

namespace sinter::raise {

/// A recogniser looks at a node as the last one of a pattern: it maps the node's results and returns true, or changes nothing and
/// returns false. What led to the node stays where somebody else uses it, and is dead otherwise.
using Recognizer = bool (*)(onnx::NodeOp, Lowering &);

/// MatMul(Softmax(scores), V): scaled dot product attention.
bool recognizeAttention(onnx::NodeOp node, Lowering &lower);
/// Concat(past, new) of a graph input and output: a cache's append.
bool recognizeAppend(onnx::NodeOp node, Lowering &lower);
/// x / sqrt(mean(x^2) + e) and (x - mean) / sqrt(mean((x - mean)^2) + e), however they are spelt.
bool recognizeNorm(onnx::NodeOp node, Lowering &lower);
/// Cast(MatMulInteger(DynamicQuantizeLinear(x), W)) times the scales of x and W, in any order: a linear of x.
bool recognizeDynamicLinear(onnx::NodeOp node, Lowering &lower);
/// Slice(GatherBlockQuantized) of all but what pads the last block: an embedding without the padding.
bool recognizeCutEmbedding(onnx::NodeOp node, Lowering &lower);

/// [B, G, T, D] where `heads` is [B, G*n, T, D] made of it by repeating each head n times, for attention that knows no groups; null where it is not.
mlir::Value repeatedHeads(mlir::Value heads, Inference &infer);

/// All of them, in the order they are tried.
llvm::ArrayRef<Recognizer> recognizers();

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_RECOGNIZE_H
