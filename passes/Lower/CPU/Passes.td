//===- Passes.td - kernels to vector code for CPUs ----------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_PASSES_TD
#define SINTER_PASSES_LOWER_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelABI : Pass<"kern-abi", "::mlir::ModuleOp"> {
  let summary = "give kernels the signature that the runtime calls";
  let description = [{
    Turns every `func.func` marked `kern.kernel` into an entry of type `(ptr operands, ptr scalars, i64 begin, i64 end, ptr scratch)`
    (`sinter::program::Kernel`), which loads the operands' addresses and the scalars from the two tables and calls the
    work, a private function that is always inlined:

    ```mlir
    func.func private @copy(%a: memref<?xf32> {kern.readonly}, %c: memref<?xf32>, %m: index,
                            %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel}
    // becomes
    func.func @copy(%operands: !llvm.ptr, %scalars: !llvm.ptr, %begin: i64, %end: i64, %scratch: !llvm.ptr)
    func.func private @copy.work(%a: !llvm.ptr {llvm.noalias, llvm.readonly}, %c: !llvm.ptr, %m: index, ...)
    ```

    The two are apart because LLVM turns `noalias` parameters into alias scopes when it inlines. An operand is marked so
    only where the argument says `kern.readonly`: its memory is written through no operand while the kernel runs. Operands that
    are updated in place carry no mark. Other `llvm.*` argument attributes (`llvm.align`) are kept.
    Inside, an operand is again a flat memref (its size is a large number without meaning).
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

def KernLower : Pass<"kern-lower", "::mlir::func::FuncOp"> {
  let summary = "turn kern ops into loops over vectors";
  let description = [{
    Replaces each `kern` op by `scf` loops, `vector` operations of 16 lanes and target intrinsics, for the CPU that the module's
    `kern.target` names. Scalar regions become vector code (`VectorizeRegion.h`). An op that cannot be lowered is an error.

    ```mlir
    kern.generate range(%b to %e) shape[%n, 64] outs(%o : memref<?x64xf32>) {
    ^bb0(%i: index, %j: index):
      %x = memref.load %a[%i, %j] : memref<?x64xf32>
      %y = arith.addf %x, %x : f32
      kern.yield %y : f32
    }
    // becomes
    scf.for %i = %b to %e step %c1 {
      scf.for %j = %c0 to %c64 step %c16 {
        %x = vector.load %a[%i, %j] : memref<?x64xf32>, vector<16xf32>
        %y = arith.addf %x, %x : vector<16xf32>
        vector.store %y, %o[%i, %j] : memref<?x64xf32>, vector<16xf32>
      }
    }
    ```
  }];
  let dependentDialects = ["::sinter::kern::KernDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMath : Pass<"expand-math"> {
  let summary = "replace math functions by polynomials";
  let description = [{
    LLVM would turn `math.exp` and its like into calls of libm. This rewrites every such op on f32 and f64 scalars and vectors into `arith`
    and `math.fma` (errors in `passes/Lower/CPU/MathFunctions.h`), and computes f16 and bf16 through f32. What a CPU has an
    instruction for (sqrt, fma, floor, ceil, trunc, roundeven, absf, copysign) stays `math`. `arith.remf`, a call too, becomes a long
    division; `arith.truncf` from f64 to f16 and bf16 goes through f32 in a way that rounds once.

    ```mlir
    %y = math.powf %x, %c3 : f32    // becomes two multiplications
    ```

    Where the module's `kern.target` has AVX-512, `exp` uses its scaling instruction, with the same bits.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // SINTER_PASSES_LOWER_CPU_PASSES_TD
