//===- Passes.td - what the graph dialect means ------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_REFERENCE_PASSES_TD
#define SINTER_PASSES_LOWER_REFERENCE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertGraphToLinalg : Pass<"convert-graph-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Replace every op of the graph by its definition";
  let description = [{
    The reference: each op becomes `linalg.generic` loops (in-order `scf` loops where a scatter's order is its meaning) in the form that a textbook gives,
    with f32 accumulators and nothing reordered, shared or skipped for speed. It is no stage of the compiler; tests run it
    and compare kernels with it. Weights become dense f32 constants, decoded by their format (`QuantFormat::decode`); an input that is quantized stays float,
    rounded to the values that its codes stand for.

    ```mlir
    %y = graph.norm "rms" %x {epsilon = 1.0e-6 : f32} : tensor<?x8xf32>
    // becomes
    %sum = linalg.generic {indexing_maps = [(i, k) -> (i, k), (i, k) -> (i)], iterator_types = ["parallel", "reduction"]} ins(%x) outs(%zeros) {
    ^bb0(%e: f32, %acc: f32):
      %square = arith.mulf %e, %e : f32
      %next = arith.addf %acc, %square : f32
      linalg.yield %next : f32
    }
    %y = linalg.generic ... { ... arith.divf %e, %root : f32 ... } // the root of %sum / 8 + epsilon
    ```
    A symbol is solved from the sizes of the function's arguments, and what `graph.bind` says becomes `cf.assert`. A symbol of kind `first` is 0: all
    rows. Nothing of Sinter is left, attributes included, so upstream's passes take it from there: the pipeline `sinter-reference` goes on to LLVM.
    Left alone: everything upstream of kernels that is no op of `graph`, `qt` or `onnx`. Kernels (`kern`) have no reference here.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // SINTER_PASSES_LOWER_REFERENCE_PASSES_TD
