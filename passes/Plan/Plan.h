//===- Plan.h - from dispatches to a program -------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_PLAN_PLAN_H
#define SINTER_PASSES_PLAN_PLAN_H

#include "dialects/Kern/Panel.h"
#include "passes/Plan/ProgramWriter.h"

#include "mlir/IR/BuiltinOps.h"

namespace sinter::plan {

/// Bytes of the packed weights at `offset` that one constant becomes.
struct PlacedWeight {
  uint64_t offset, bytes;
  mlir::Operation *constant; ///< qt.constant, onnx.initializer or onnx.constant
  kern::PanelAttr panel;     ///< qt.constant: the order of its panels
};

struct Program {
  ProgramWriter writer;
  std::vector<std::string> kernels; ///< by the number that rows call them by
  std::vector<PlacedWeight> weights;
  int64_t linearMacs = 0, headMacs = 0; ///< multiply-accumulates of one token; those for the wanted rows only
  uint64_t weightsRead = 0;             ///< bytes of weights that one token reads
};

/// Places the buffers of `@main` in an arena and its weights one behind the other, and writes the schedule: a row a dispatch, with sizes as
/// scalars. The module is as form-kernels leaves it. Emits an error at the op that cannot be planned.
llvm::LogicalResult planProgram(mlir::ModuleOp module, Program &program);

} // namespace sinter::plan

#endif // SINTER_PASSES_PLAN_PLAN_H
