//===- Passes.td - where keys and values are kept -----------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_KVLAYOUT_PASSES_TD
#define SINTER_PASSES_KVLAYOUT_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignCaches : Pass<"assign-caches", "::mlir::ModuleOp"> {
  let summary = "Give every attention a cache with a layout";
  let description = [{
    An attention whose keys and values are appends to pasts of the session reads the session's cache; any other gets one in the arena. Sets `cache`
    on `graph.attention`, and `cache`, `part` and `state` on `graph.append`. A cache holds as many tokens as the bounds of its length allow.
    Other state (`graph.state` on an argument) that has one fixed shape gets a number too, `kv.state`, and no cache: it is kept as a plain tensor.
  }];
  let options = [Option<"element", "element", "std::string", "\"auto\"", "type of a session's keys and values: auto (that of the file), f32, f16 or bf16">];
  let dependentDialects = ["::sinter::kv::KVDialect", "::sinter::graph::GraphDialect"];
}

def LimitRows : Pass<"limit-rows", "::mlir::ModuleOp"> {
  let summary = "Compute the head for the rows from `first` on only";
  let description = [{
    Generating text needs the logits of the last row. In a graph with a cache whose output is a linear of all rows, the linear gets the rows from
    a symbol `first` on, which a run sets: 0 for all of them. Left alone: heads behind a reshape, or whose input has one scale for all rows.
  }];
  let dependentDialects = ["::sinter::graph::GraphDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def MarkWholeRuns : Pass<"mark-whole-runs", "::mlir::ModuleOp"> {
  let summary = "Say which graphs must run a prompt as one piece";
  let description = [{
    A prompt is cut into pieces where a token's result depends on others through caches only. Pooling or normalising over the sequence, a scale of a
    whole tensor and attention to keys that no cache keeps depend on the piece: the module gets `graph.whole_runs`, and a note says what did it.
  }];
  let dependentDialects = ["::sinter::graph::GraphDialect"];
}

#endif // SINTER_PASSES_KVLAYOUT_PASSES_TD
