//===- Passes.td - from onnx to graph -----------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_PASSES_TD
#define SINTER_PASSES_RAISE_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseOnnx : Pass<"raise-onnx", "::mlir::ModuleOp"> {
  let summary = "Convert an ONNX graph to the vocabulary of transformers";
  let description = [{
    Infers all shapes as expressions over symbols, with the contents of small integer tensors; puts together what exporters took
    apart (norms, attention, cache appends); converts every other node by the rule of its operator. Nodes without a rule are errors, all
    of them reported at once.

    ```mlir
    %0 = onnx.node "Add"(%a, %b) : (tensor<?x64xf32>, tensor<64xf32>) -> !onnx.unknown
    // becomes
    %0 = tensor.generate %n { ^bb0(%i: index, %j: index): ... tensor.yield %sum : f32 } : tensor<?x64xf32>
    ```
    Left alone: weights stay `onnx.initializer` where they are read element by element, and become `qt.constant` where they are the weight of a linear.
  }];
  let options = [
    ListOption<"dims", "dims", "std::string", "bounds of named dims, each NAME=LO..HI or NAME=N">,
    ListOption<"declared", "states", "std::string", "inputs and outputs that are state beside those that are recognised, each IN=OUT">,
    ListOption<"probes", "probes", "std::string", "nodes or values that become outputs">,
    Option<"maxSeq", "max-seq", "int64_t", "0", "most tokens a cache holds (0: from the bounds, else what the model was made for, at most 4096)">,
    Option<"context", "context", "int64_t", "0", "tokens that the model's configuration says it was made for (0: unknown); its tables of positions may say less">,
    Option<"chunk", "chunk", "int64_t", "512", "most new tokens of one run">,
    Option<"embeddings", "embeddings", "bool", "false", "tables of tokens are weights, too, not only those that a product reads as well">,
  ];
  let dependentDialects = ["::sinter::graph::GraphDialect", "::sinter::kern::KernDialect", "::sinter::qt::QTDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::func::FuncDialect"];
}

#endif // SINTER_PASSES_RAISE_PASSES_TD
