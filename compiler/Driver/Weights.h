//===- Weights.h - what a compilation writes beside code -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_WEIGHTS_H
#define SINTER_COMPILER_DRIVER_WEIGHTS_H

#include "compiler/Driver/Options.h"
#include "compiler/Link/Link.h"
#include "passes/Plan/Plan.h"

namespace sinter {

/// The parts of the packed weights, each read, encoded and packed when it is written. Outlives the ops that `weights` names.
llvm::Expected<WeightWriter> weightWriter(const std::vector<plan::PlacedWeight> &weights);

/// The formats of the packed weights and how many have each: "int4 group 128: 154, f32: 1".
std::string describeWeights(const std::vector<plan::PlacedWeight> &weights);
/// Elements of all weights and constants.
int64_t countParameters(const std::vector<plan::PlacedWeight> &weights);

/// A C header with the model's constants.
void writeHeader(plan::Program &program, const CompileOptions &options, llvm::raw_ostream &os);

/// Inputs, outputs, operators and weights of an imported model, as text or JSON.
void describeModel(mlir::ModuleOp module, bool json, llvm::raw_ostream &os);

} // namespace sinter

#endif // SINTER_COMPILER_DRIVER_WEIGHTS_H
