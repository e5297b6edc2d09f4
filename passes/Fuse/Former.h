//===- Former.h - makes the kernels of @main -----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_FORMER_H
#define SINTER_PASSES_FUSE_FORMER_H

#include "dialects/Graph/Graph.h"
#include "passes/Fuse/KernelBuilder.h"
#include "passes/Fuse/Materialize.h"

namespace sinter::fuse {

/// Makes a kernel and a dispatch for each op of @main that gets memory, in order; what is computed on the way goes into
/// their regions. FormKernels.cpp walks, FormGeneric, FormLinear and FormAttention know the ops, FormInterface what
/// comes from outside and what stays.
class Former {
public:
  Former(mlir::ModuleOp module, mlir::func::FuncOp func)
      : module(module), func(func), moduleBuilder(mlir::OpBuilder::atBlockEnd(module.getBody())), main(func.getContext()), shapes(symbols),
        placement(shapes) {}

  mlir::LogicalResult run();

private:
  using SymExpr = graph::SymExpr;

  mlir::ModuleOp module;
  mlir::func::FuncOp func;
  mlir::OpBuilder moduleBuilder, main;
  graph::SymbolTable symbols;
  graph::Shapes shapes;
  Placement placement;
  Materialization plan;
  llvm::StringMap<mlir::func::FuncOp> kernels;
  unsigned number = 0;

  /// State that is no cache: the session keeps the tensor itself.
  bool isPlainState(mlir::BlockArgument argument);

  /// Where an input is: with the caller, or with the session. A past may be read before it is appended to.
  Storage storageOf(mlir::BlockArgument argument);
  static mlir::Type elementOf(mlir::Value tensor) { return mlir::cast<mlir::RankedTensorType>(tensor.getType()).getElementType(); }

  /// A kernel named by its kind and a number, and memory for tensors.
  KernelBuilder kernel(mlir::Operation *op, mlir::StringRef kind) {
    return KernelBuilder(moduleBuilder, op->getLoc(), (kind + "_" + llvm::Twine(number++)).str(), placement);
  }
  mlir::Value buffer(mlir::Location loc, mlir::Type element, const SymExpr &elements);
  mlir::Value bufferFor(mlir::Value tensor) {
    mlir::Value memory = buffer(tensor.getLoc(), elementOf(tensor), shapes.elements(tensor));
    placement.storage[tensor] = {memory, {}, {}};
    return memory;
  }

  /// A root's result, or what is computed behind it: where it goes and how an element becomes the one stored.
  struct Target {
    mlir::Value tensor;
    mlir::tensor::GenerateOp behind; ///< null: the root's own result
  };

  /// What a root's region yields for its own value `x` at `index`.
  void yieldBehind(KernelBuilder &k, const Target &target, mlir::Value root, mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                   mlir::ValueRange index);
  mlir::Value pullGenerate(KernelBuilder &k, mlir::OpBuilder &b, mlir::tensor::GenerateOp generate, mlir::ValueRange index);

  /// The index of a row, given flat, in all dimensions of `shape` but the last, with `column` behind.
  mlir::SmallVector<mlir::Value> rowIndex(KernelBuilder &k, mlir::OpBuilder &b, mlir::Location l, mlir::ArrayRef<SymExpr> shape,
                                          mlir::Value row, mlir::Value column);
  /// The product of all dimensions but the last.
  SymExpr rows(mlir::Value tensor);

  /// The kernel of an op of @main, where it has one of its own.
  mlir::LogicalResult form(mlir::Operation *op);
  mlir::LogicalResult formRoot(mlir::Operation *op, Target target);
  mlir::LogicalResult formGenerate(mlir::tensor::GenerateOp generate);

  /// The f32 rows that a linear reads: its input must have memory.
  mlir::FailureOr<mlir::Value> inputBuffer(mlir::Operation *op, mlir::Value tensor);

  /// The packed activations for a linear, made once for all linears that read the same rows and quantize them alike.
  struct QuantizedRows {
    mlir::Value input;
    mlir::SmallVector<mlir::Value> params;
    qt::ActivationAttr activation;
    int64_t columns, group; ///< the groups of the weight are part of the order
    mlir::Value memory;
  };
  std::vector<QuantizedRows> quantized;
  mlir::FailureOr<mlir::Value> quantizedInput(graph::LinearOp op, mlir::Value input, const SymExpr &m);

  /// The most elements of a row, where their number is not fixed.
  std::optional<int64_t> rowBound(mlir::Value tensor);

  /// Writes [B, H, S, D], of a stacked tensor [2, B, H, S, D] the `half`, to a cache at position `past`.
  void append(mlir::Operation *op, mlir::Value memory, kv::CacheType cache, kv::Part part, mlir::Value tensor, const SymExpr &past,
              std::optional<int64_t> half = {});

  /// The functions that copy a cache's halves from and to plain tensors.
  void formStateCopies();

  /// The append whose result is the present that result `i` is: the next past of a cache. Null where it is none.
  mlir::Value presentCache(unsigned i);

  /// The state that result `i` is the next value of, where that is a plain tensor.
  mlir::BlockArgument nextState(unsigned i);

  /// A kernel that writes a tensor's elements to `memory`, which has its shape.
  void copyTo(mlir::Location loc, mlir::Value memory, mlir::Value tensor);

  /// A kernel that copies a buffer to another of the same size.
  void copyMemory(mlir::Value to, mlir::Value from);

  /// Every result of @main gets memory of its own, or is the session's.
  mlir::LogicalResult finishOutputs();

  mlir::LogicalResult formOp(graph::LinearOp op, Target target);
  mlir::LogicalResult formOp(graph::EmbeddingOp op, Target target);
  mlir::LogicalResult formOp(graph::NormOp op, Target target);
  mlir::LogicalResult formOp(graph::SoftmaxOp op, Target target);
  mlir::LogicalResult formOp(graph::ReduceOp op, Target target);
  mlir::LogicalResult formOp(graph::MatMulOp op, Target target);
  mlir::LogicalResult formOp(graph::ScanOp op, Target target);
  /// The base, copied, then the updates into the copy.
  mlir::LogicalResult formOp(graph::ScatterOp op, Target target);
  mlir::LogicalResult formOp(graph::TopKOp op, Target);
  mlir::LogicalResult formOp(graph::AppendOp op, Target);
  mlir::LogicalResult formOp(graph::AttentionOp op, Target target);
};

} // namespace sinter::fuse

#endif // SINTER_PASSES_FUSE_FORMER_H
