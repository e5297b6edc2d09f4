//===- Embedding.h - gathers of a weight's rows ---------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_EMBEDDING_H
#define SINTER_PASSES_RAISE_EMBEDDING_H

#include "passes/Raise/Weights.h"

namespace sinter::raise {

/// The weight whose rows a Gather takes where that is an embedding: floats that a product reads too, so that both share one copy, or, with
/// `Lowering::embeddings`, a table that is read at the caller's ids. Null for other tables, such as those of positions.
qt::SourceAttr embeddingSource(onnx::NodeOp gather, Lowering &lower);

/// The weight of a GatherBlockQuantized over rows, or its first `columns` columns where the rest is padding of the last block.
mlir::FailureOr<qt::SourceAttr> blockQuantizedSource(onnx::NodeOp gather, Inference &infer, std::optional<int64_t> columns = {});

/// The rows `ids` (an onnx value) of a weight, as `result` says.
mlir::Value embedding(Lowering &lower, mlir::Location loc, mlir::Value ids, qt::SourceAttr source, const TensorInfo &result);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_EMBEDDING_H
