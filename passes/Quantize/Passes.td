//===- Passes.td - which format each weight gets ------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_QUANTIZE_PASSES_TD
#define SINTER_PASSES_QUANTIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def QuantizeWeights : Pass<"quantize-weights", "::mlir::ModuleOp"> {
  let summary = "Give the weights and inputs of linears their formats";
  let description = [{
    `weights` applies to weights that are floats in the file: `auto` and `f32` leave them, `bf16`, `f16`, `int8` and `int4` change the type of their
    `qt.constant`, with options behind a colon: `int4:group=32`. Weights that the file quantizes are kept bit for bit, but for `f32`, which
    dequantizes them. `activations` then applies to linears with integer weights: `int8`, `f32`, or `auto`, which is int8 where the file allows it
    (accuracy_level 4) or the weight was quantized here. Says nothing of linears whose inputs the file quantizes.
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"auto\"", "auto, f32, bf16, f16, int8 or int4, each with :group=N">,
    Option<"activations", "activations", "std::string", "\"auto\"", "auto, f32 or int8">,
  ];
  let dependentDialects = ["::sinter::qt::QTDialect", "::sinter::graph::GraphDialect", "::sinter::kern::KernDialect"];
}

#endif // SINTER_PASSES_QUANTIZE_PASSES_TD
