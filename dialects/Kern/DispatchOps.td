//===- DispatchOps.td - calls of kernels on buffers ----------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KERN_DISPATCHOPS_TD
#define SINTER_KERN_DISPATCHOPS_TD

include "dialects/Kern/KernBase.td"
include "mlir/IR/SymbolInterfaces.td"

def Kern_BufferOp : Kern_Op<"buffer", [MemoryEffects<[MemAlloc]>]> {
  let summary = "memory for the elements of one tensor";
  let description = [{
    `elements` elements, at most `bound`. Plan gives it a place in the arena; `output` says that it is a result of the model instead.

    ```mlir
    %b = kern.buffer[%n] bound 32768 : memref<?xf32>
    ```
  }];
  let arguments = (ins Index:$elements, I64Attr:$bound, OptionalAttr<I64Attr>:$output);
  let results = (outs MemRefRankOf<[AnyType], [1]>:$result);
  let assemblyFormat = "`[` $elements `]` `bound` $bound (`output` $output^)? attr-dict `:` type($result)";
}

def Kern_StateOp : Kern_Op<"state", [Pure]> {
  let summary = "memory that the session keeps";
  let arguments = (ins I64Attr:$index);
  let results = (outs MemRefRankOf<[AnyType], [1]>:$result);
  let assemblyFormat = "$index attr-dict `:` type($result)";
}

def Kern_OutputOp : Kern_Op<"output"> {
  let summary = "says that a buffer is a result of the model";
  let description = "`buffer` has the elements of result number `index`, whose sizes are `sizes`; `info` has its name and dims as the file says them.";
  let arguments = (ins AnyType:$buffer, Variadic<Index>:$sizes, I64Attr:$index, DictionaryAttr:$info);
  let assemblyFormat = "$index $buffer `[` $sizes `]` $info attr-dict `:` type($buffer)";
}

def Kern_DispatchOp : Kern_Op<"dispatch", [AttrSizedOperandSegments]> {
  let summary = "runs a kernel";
  let description = [{
    Calls `kernel` on all its work items, `grid` of them. The kernel is a function with an argument for each of `buffers`, one for each of `scalars`, then the
    range of items and the scratch. `writes` are the numbers of the buffers that it writes. Dispatches run in program order.

    ```mlir
    kern.dispatch @linear_3 grid(%g) buffers(%x, %w, %y : memref<?xf32>, !qt.tensor<...>, memref<?xf32>) scalars(%m) writes [2] {name = "/lm_head/MatMul"}
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Index:$grid, Variadic<AnyType>:$buffers, Variadic<Index>:$scalars,
                       DenseI64ArrayAttr:$writes, DefaultValuedAttr<I64Attr, "1">:$grain);
  let assemblyFormat = [{
    $kernel `grid` `(` $grid `)` `buffers` `(` $buffers `:` type($buffers) `)` (`scalars` `(` $scalars^ `)`)? `writes` $writes attr-dict
  }];
}

#endif // SINTER_KERN_DISPATCHOPS_TD
