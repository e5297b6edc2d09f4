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

#endif // SINTER_PASSES_LOWER_CPU_PASSES_TD
