//===- Passes.td - from tensors to kernels ------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_FUSE_PASSES_TD
#define SINTER_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

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
