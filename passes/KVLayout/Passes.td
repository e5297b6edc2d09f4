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
  }];
  let options = [Option<"element", "element", "std::string", "\"auto\"", "type of a session's keys and values: auto (that of the file), f32, f16 or bf16">];
  let dependentDialects = ["::sinter::kv::KVDialect", "::sinter::graph::GraphDialect"];
}

#endif // SINTER_PASSES_KVLAYOUT_PASSES_TD
