//===- KernelBuilder.h - one kernel function, built by pulling --*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_KERNELBUILDER_H
#define SINTER_PASSES_FUSE_KERNELBUILDER_H

#include "dialects/Graph/Shapes.h"
#include "dialects/Kern/Kern.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace sinter::fuse {

/// What is known of a tensor that has memory.
struct Storage {
  mlir::Value buffer;        ///< kern.buffer, kern.state, a weight or an argument of @main
  kv::CacheType cache;       ///< set: the tensor is a half of this cache, in its layout; of rank 5, both halves
  kv::Part part = kv::Part::Key;
};

/// The name of the node that a location stands for, "" where it has none.
llvm::StringRef nameOf(mlir::Location loc);

/// Where tensors are; shared by all kernels of a module.
struct Placement {
  explicit Placement(graph::Shapes &shapes) : shapes(shapes) {}
  graph::Shapes &shapes;
  /// Tensors with memory of their own. Any other is computed where it is read.
  llvm::DenseMap<mlir::Value, Storage> storage;
};

/// Builds the function of one dispatch. Operands and scalars are added as they are met.
class KernelBuilder {
public:
  KernelBuilder(mlir::OpBuilder &moduleBuilder, mlir::Location loc, llvm::StringRef name, Placement &placement);

  mlir::OpBuilder b;
  mlir::func::FuncOp function;
  mlir::Location loc;
  Placement &placement;

  /// The flat argument for a buffer of @main.
  mlir::Value operand(mlir::Value buffer, bool written = false);
  /// The value of an expression: a constant, or a scalar argument.
  mlir::Value scalar(const graph::SymExpr &e);
  mlir::OpFoldResult size(const graph::SymExpr &e);
  llvm::SmallVector<mlir::OpFoldResult> sizes(llvm::ArrayRef<graph::SymExpr> shape);
  mlir::Value begin(), end(), scratch();
  /// A buffer seen with a shape.
  mlir::Value view(mlir::Value buffer, llvm::ArrayRef<graph::SymExpr> shape, bool written = false);

  /// The element of a tensor at an index: read where it has memory, computed by the body that makes it otherwise.
  mlir::Value pull(mlir::OpBuilder &at, mlir::Value tensor, mlir::ValueRange index);
  /// Replaces reads of `tensor` at any index by `value` from now on: a root's own result in what is fused behind it.
  void substitute(mlir::Value tensor, mlir::Value value) { substituted[tensor] = value; }
  void clearSubstitutions() { substituted.clear(); }

  /// Ends the function and emits its dispatch in @main at `main`: shares an equal kernel that is already there.
  void finish(mlir::OpBuilder &main, llvm::StringMap<mlir::func::FuncOp> &kernels, llvm::StringRef name);

private:
  mlir::Value cloneBody(mlir::OpBuilder &at, mlir::tensor::GenerateOp generate, mlir::ValueRange index);
  void cloneOp(mlir::OpBuilder &at, mlir::Operation &op, mlir::IRMapping &mapping);
  /// `index` into `outer` as an index into `inner`, which has the same elements in row-major order.
  llvm::SmallVector<mlir::Value> reindex(mlir::OpBuilder &at, mlir::ValueRange index, llvm::ArrayRef<graph::SymExpr> outer,
                                         llvm::ArrayRef<graph::SymExpr> inner);

  llvm::MapVector<mlir::Value, unsigned> operands; ///< buffer -> argument number
  llvm::SmallVector<int64_t> writes;
  std::vector<std::pair<graph::SymExpr, mlir::Value>> scalars;
  struct View {
    mlir::Value buffer;
    std::vector<graph::SymExpr> shape;
    mlir::Value value;
  };
  std::vector<View> views;
  llvm::DenseMap<mlir::Value, mlir::Value> substituted;
};

} // namespace sinter::fuse

#endif // SINTER_PASSES_FUSE_KERNELBUILDER_H
