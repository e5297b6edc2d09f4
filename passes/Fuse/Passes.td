//===- Passes.td - from tensors to kernels ------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_PASSES_TD
#define SINTER_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def BoundAttention : Pass<"bound-attention", "::mlir::ModuleOp"> {
  let summary = "Find the keys that an attention's mask hides from every query";
  let description = [{
    Exporters write causality into the mask. The mask's element at (sequence, head, i, j) is evaluated at symbolic i and j, once where key j is after the
    query's own position i + T - S, and once where it is `window` or more positions before. Where all of it is false or -inf, the attention becomes
    `causal` or gets a `window`; where it is a finite number of at most -32768, such as the least one of a type, `outside` says so and
    the kernel decides by the scores. What is left of the mask inside these bounds, without clamped indices and copies, takes its place; nothing is left of one
    that says no more than they do.

    ```mlir
    %m = tensor.generate %s, %t { ^bb0(%b: index, %h: index, %i: index, %j: index): ... arith.select %j_is_at_most_past_plus_i, %zero, %minus_infinity ... }
    %0 = graph.attention %q, %k, %v mask %m : tensor<1x1x?x?xf32> {scale = 0.25 : f32} : ...
    // becomes
    %0 = graph.attention %q, %k, %v {causal, scale = 0.25 : f32} : ...
    ```
    Sizes, the index and constants that are triangles or bands are all that is known: a mask that compares positions from an input is left alone, with a note (`graph.notes`), as is one that
    the query does not enter, without.
  }];
  let dependentDialects = ["::sinter::graph::GraphDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def FormKernels : Pass<"form-kernels", "::mlir::ModuleOp"> {
  let summary = "Decide which tensors get memory, and make a kernel for each";
  let description = [{
    Every op that is no view and no cheap function of its inputs becomes a function with one `kern` op, and a `kern.dispatch` of it on buffers. Cheap
    functions (casts, slices, transposes, masks, rotations, short arithmetic) are computed where they are read; arithmetic behind a linear, norm, softmax,
    reduction or product becomes part of it. Kernels that are equal but for the buffers that they are called with are one.

    For each half of a session's cache the functions `@load_N` and `@store_N` copy it from and to a plain tensor of the length `past`.

    Left in `@main`: sizes, weights, `kern.buffer`, `kern.state` and `kern.dispatch`, in the order in which they run.
  }];
  let dependentDialects = ["::sinter::kern::KernDialect", "::sinter::graph::GraphDialect", "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

#endif // SINTER_PASSES_FUSE_PASSES_TD
