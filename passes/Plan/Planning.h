//===- Planning.h - what the parts of the planner share --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_PLAN_PLANNING_H
#define SINTER_PASSES_PLAN_PLANNING_H

#include "dialects/Graph/Graph.h"
#include "passes/Plan/Plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sinter::plan {

/// Bytes of an element in a buffer: a bool has one of its own.
inline uint64_t elementBytes(mlir::Type element) {
  return element.isInteger(1) ? 1 : (element.getIntOrFloatBitWidth() + 7) / 8;
}

/// Bytes of a tensor of `@main` at its largest.
inline uint64_t bufferBytes(kern::BufferOp buffer) {
  return buffer.getBound() * elementBytes(mlir::cast<mlir::MemRefType>(buffer.getType()).getElementType());
}

/// The program's symbols, and its scalars that compute index values.
class Sizes {
public:
  /// Declares the symbols of `module`.
  Sizes(mlir::ModuleOp module, ProgramWriter &writer);

  /// The number of a symbol; kNone where there is none of this name.
  uint32_t symbol(llvm::StringRef name) const;
  /// The scalar that computes `size`, arithmetic on symbols and constants.
  llvm::FailureOr<uint32_t> scalar(mlir::Value size);

private:
  ProgramWriter &writer;
  llvm::StringMap<uint32_t> symbols;
  llvm::DenseMap<mlir::Value, uint32_t> scalars;
};

/// Places weights one behind the other, in the order in which they are first asked for.
class Weights {
public:
  explicit Weights(Program &program) : program(program) {}

  /// Where a dispatch of `kernel` reads `constant` (qt.constant, onnx.initializer or onnx.constant).
  program::Operand place(mlir::Operation *constant, mlir::func::FuncOp kernel);
  /// Adds what `dispatch` of `kernel` costs to what one token does.
  void count(kern::DispatchOp dispatch, mlir::func::FuncOp kernel);

private:
  program::Operand append(mlir::Operation *constant, uint64_t bytes, kern::PanelAttr panel);

  Program &program;
  /// A weight that two kernels read in different orders is there twice.
  llvm::DenseMap<std::pair<mlir::Operation *, mlir::Attribute>, program::Operand> places;
};

/// What is known of a program while it is written.
struct Planning {
  Planning(mlir::ModuleOp module, mlir::func::FuncOp main, Program &program)
      : module(module), main(main), program(program), writer(program.writer), sizes(module, writer), weights(program) {}

  mlir::ModuleOp module;
  mlir::func::FuncOp main;
  Program &program;
  ProgramWriter &writer;
  Sizes sizes;
  Weights weights;
  llvm::DenseMap<mlir::Value, program::Operand> places; ///< of buffers, and of the caller's tensors
  llvm::StringMap<uint32_t> functions;                  ///< numbers of kernels

  /// Declares inputs, outputs and states, and which symbol is the sequence (Interface.cpp).
  llvm::LogicalResult declareInterface();
  /// Appends a row for each dispatch of `func`, with barriers where one needs what another did (Rows.cpp).
  llvm::LogicalResult writeRows(mlir::func::FuncOp func, std::vector<program::Row> &rows);

private:
  llvm::FailureOr<program::Operand> place(kern::DispatchOp dispatch, mlir::func::FuncOp kernel, mlir::Value buffer);
  llvm::FailureOr<program::Row> row(kern::DispatchOp dispatch, mlir::func::FuncOp kernel, llvm::ArrayRef<program::Operand> operands);
};

} // namespace sinter::plan

#endif // SINTER_PASSES_PLAN_PLANNING_H
