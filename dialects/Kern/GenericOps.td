//===- GenericOps.td - kernels over any shape and body ---------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KERN_GENERICOPS_TD
#define SINTER_KERN_GENERICOPS_TD

include "dialects/Kern/KernBase.td"

def Kern_ReduceKind : I32EnumAttr<"ReduceKind", "how a reduction combines two values", [
  I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Mul", 1, "mul">,
  I32EnumAttrCase<"Max", 2, "max">, I32EnumAttrCase<"Min", 3, "min">,
  I32EnumAttrCase<"UMax", 4, "umax">, I32EnumAttrCase<"UMin", 5, "umin">,
  I32EnumAttrCase<"And", 6, "and">, I32EnumAttrCase<"Or", 7, "or">, I32EnumAttrCase<"Xor", 8, "xor">,
  I32EnumAttrCase<"ArgMax", 9, "argmax">, I32EnumAttrCase<"ArgMin", 10, "argmin">,
  I32EnumAttrCase<"ArgMaxLast", 11, "argmax_last">, I32EnumAttrCase<"ArgMinLast", 12, "argmin_last">]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::sinter::kern";
}
def Kern_ReduceKindAttr : EnumAttr<Kern_Dialect, Kern_ReduceKind, "reduce_kind">;

def Kern_NormKind : I32EnumAttr<"NormKind", "what a normalisation divides by", [
  I32EnumAttrCase<"RMS", 0, "rms">, I32EnumAttrCase<"Layer", 1, "layer">]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::sinter::kern";
}
def Kern_NormKindAttr : EnumAttr<Kern_Dialect, Kern_NormKind, "norm_kind">;

/// Kernels whose work is an index space and scalar regions. `shape` (and `over`, `depth`) mix constants and index
/// values, as in `shape[%rows, 64]`. Regions may read any memref at any index; they have no other effect.
class Kern_GenericOp<string mnemonic, list<Trait> traits = []>
    : Kern_Op<mnemonic, traits # [AttrSizedOperandSegments, SingleBlock,
                                  DeclareOpInterfaceMethods<Kern_KernelOpInterface, ["getGrain", "getScratchBytes"]>]> {
  let hasVerifier = 1;
}

def Kern_GenerateOp : Kern_GenericOp<"generate"> {
  let summary = "computes each element of its outputs from its index";
  let description = [{
    Each output element at (i, j, ...) is what the region yields there; all outputs share the index space. Outputs may
    be strided; their innermost stride is 1.

    ```mlir
    kern.generate range(%begin to %end) shape[%rows, 64] outs(%out : memref<?x64xf32>) {
    ^bb0(%i: index, %j: index):
      %x = memref.load %a[%i, %j] : memref<?x64xf32>
      kern.yield %x : f32
    }
    ```
    Where the region compares the innermost index with constants (concat, rotation by halves), the loop is split there.
  }];
  let arguments = (ins Index:$begin, Index:$end, Variadic<Index>:$shape, DenseI64ArrayAttr:$static_shape,
                       Variadic<AnyMemRef>:$outs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape)
    `outs` `(` $outs `:` type($outs) `)` $body attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape, "::mlir::ValueRange":$outs,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$body)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
  }];
}

def Kern_ReduceOp : Kern_GenericOp<"reduce"> {
  let summary = "combines values over some dimensions";
  let description = [{
    For each index of `shape`, combines what the first region yields over all indices of `over` (row-major); a kind for
    each yielded value. The region `finish` gets what was combined and the index of `shape` and yields an element for
    each output; without it the outputs are the combined values. `argmax` and its kin give the flattened `over` index as
    i64. An empty `over` space gives the kind's identity.

    ```mlir
    kern.reduce range(%begin to %end) shape[%rows] over[%n] kinds[add] outs(%out : memref<?xf32>) {
    ^bb0(%i: index, %k: index):
      ...
      kern.yield %x : f32
    } finish {
    ^bb0(%sum: f32, %i: index):
      ...
      kern.yield %mean : f32
    }
    ```
    The order is fixed: over the innermost reduced dimension 16 lanes take every 16th element each and are combined as a
    tree (halves, quarters, ...) at the very end; or, where the last reduced index strides memory, plain row-major
    order.
  }];
  let arguments = (ins Index:$begin, Index:$end, Variadic<Index>:$shape, DenseI64ArrayAttr:$static_shape,
                       Variadic<Index>:$over,
                       DenseI64ArrayAttr:$static_over, TypedArrayAttrBase<Kern_ReduceKindAttr, "kinds">:$kinds,
                       Variadic<AnyMemRef>:$outs);
  let regions = (region SizedRegion<1>:$body, AnyRegion:$finish);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape)
    `over` `` custom<DynamicIndexList>($over, $static_over) `kinds` `` custom<ReduceKinds>($kinds)
    `outs` `(` $outs `:` type($outs) `)` $body (`finish` $finish^)? attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$over,
                                 "::llvm::ArrayRef<::sinter::kern::ReduceKind>":$kinds, "::mlir::ValueRange":$outs,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$body,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$finish)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
    llvm::SmallVector<mlir::OpFoldResult> getMixedOver();
    llvm::SmallVector<ReduceKind> getKindValues();
    /// What the combined values are: the yielded types, i64 for arg kinds. Yields must be there.
    llvm::SmallVector<mlir::Type> getCombinedTypes();
  }];
}

def Kern_NormOp : Kern_GenericOp<"norm"> {
  let summary = "RMS or layer normalisation of rows";
  let description = [{
    Rows are all dimensions of `shape` but the last. The first region gives x at (row..., k) as f32; `apply` gets (y, x,
    row..., k) with y normalised, and yields an element for each output (weight, bias, residual sum, rounding:
    anything).

    rms: y = x / sqrt(mean(x^2) + epsilon). layer: y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon), mean first. Sums
    are f32, 16 lanes each taking every 16th element, combined as a tree. x is kept in `scratch` where the last
    dimension is constant or has a `bound`; otherwise the region is evaluated again.

    ```mlir
    kern.norm rms range(%begin to %end) shape[%m, 576] epsilon 1.0e-5 outs(%o, %s : memref<?x576xf32>, memref<?x576xf32>)
        scratch(%scratch : memref<?xi8>) {
    ^bb0(%i: index, %k: index):
      ...
      kern.yield %sum : f32
    } apply {
    ^bb0(%y: f32, %x: f32, %i: index, %k: index):
      %w = memref.load %weight[%k] : memref<576xf32>
      %z = arith.mulf %y, %w : f32
      kern.yield %z, %x : f32, f32
    }
    ```
  }];
  let arguments = (ins Kern_NormKindAttr:$kind, Index:$begin, Index:$end, Variadic<Index>:$shape,
                       DenseI64ArrayAttr:$static_shape,
                       F32Attr:$epsilon, Variadic<AnyMemRef>:$outs, MemRefRankOf<[I8], [1]>:$scratch,
                       OptionalAttr<I64Attr>:$bound);
  let regions = (region SizedRegion<1>:$body, SizedRegion<1>:$apply);
  let assemblyFormat = [{
    $kind `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape) (`bound` $bound^)?
    `epsilon` $epsilon `outs` `(` $outs `:` type($outs) `)` `scratch` `(` $scratch `:` type($scratch) `)`
    $body `apply` $apply attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::sinter::kern::NormKind":$kind, "::mlir::Value":$begin, "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape, "float":$epsilon,
                                 "::mlir::ValueRange":$outs,
                                 "::mlir::Value":$scratch, CArg<"::std::optional<int64_t>", "std::nullopt">:$bound,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$body,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$apply)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
  }];
}

def Kern_SoftmaxOp : Kern_GenericOp<"softmax"> {
  let summary = "softmax of rows";
  let description = [{
    Rows are all dimensions of `shape` but the last. The first region gives x at (row..., k) as f32; `apply` gets (y,
    row..., k), yields an element for each output. y = exp(x - max) / sum(exp(x - max)), with `log` y = x - max -
    log(sum(...)). Order of sums, `scratch` and `bound` as in `kern.norm`.
  }];
  let arguments = (ins UnitAttr:$log, Index:$begin, Index:$end, Variadic<Index>:$shape, DenseI64ArrayAttr:$static_shape,
                       Variadic<AnyMemRef>:$outs, MemRefRankOf<[I8], [1]>:$scratch, OptionalAttr<I64Attr>:$bound);
  let regions = (region SizedRegion<1>:$body, SizedRegion<1>:$apply);
  let assemblyFormat = [{
    (`log` $log^)? `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape) 
    (`bound` $bound^)?
    `outs` `(` $outs `:` type($outs) `)` `scratch` `(` $scratch `:` type($scratch) `)` $body `apply` $apply attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "bool":$log, "::mlir::Value":$begin, "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape, "::mlir::ValueRange":$outs,
                                 "::mlir::Value":$scratch, CArg<"::std::optional<int64_t>", "std::nullopt">:$bound,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$body,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$apply)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
  }];
}

def Kern_MatMulOp : Kern_GenericOp<"matmul"> {
  let summary = "batched matrix product of computed operands";
  let description = [{
    `shape` is [batch..., M, N]; `lhs` gives a at (batch..., m, k), `rhs` gives b at (batch..., k, n), both of the
    accumulator's type (f32, f64, i32 or i64), `apply` gets (acc, batch..., m, n) and yields an element for each output.
    One accumulator an output, k ascending, fused multiply-add. Columns of b are packed in `scratch` once and reused
    over rows where `depth` is constant or has a `bound`.
  }];
  let arguments = (ins Index:$begin, Index:$end, Variadic<Index>:$shape, DenseI64ArrayAttr:$static_shape,
                       Variadic<Index>:$depth,
                       DenseI64ArrayAttr:$static_depth, Variadic<AnyMemRef>:$outs, MemRefRankOf<[I8], [1]>:$scratch,
                       OptionalAttr<I64Attr>:$bound);
  let regions = (region SizedRegion<1>:$lhs, SizedRegion<1>:$rhs, SizedRegion<1>:$apply);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape)
    `depth` `` custom<DynamicIndexList>($depth, $static_depth) (`bound` $bound^)?
    `outs` `(` $outs `:` type($outs) `)` `scratch` `(` $scratch `:` type($scratch) `)`
    `lhs` $lhs `rhs` $rhs `apply` $apply attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape, "::mlir::OpFoldResult":$depth,
                                 "::mlir::Type":$accumulator, "::mlir::ValueRange":$outs, "::mlir::Value":$scratch,
                                 CArg<"::std::optional<int64_t>", "std::nullopt">:$bound,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$lhs,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$rhs,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$apply)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
    mlir::OpFoldResult getMixedDepth();
  }];
}

def Kern_ScanOp : Kern_GenericOp<"scan"> {
  let summary = "running sum or product along one dimension";
  let description = [{
    Along dimension `axis` of `shape` each output element is the combination of what the region yields at indices up to
    its own (`exclusive`: before it; `reverse`: from the far end). One work item is one line along the axis.
  }];
  let arguments = (ins Kern_ReduceKindAttr:$kind, Index:$begin, Index:$end, Variadic<Index>:$shape,
                       DenseI64ArrayAttr:$static_shape,
                       I64Attr:$axis, UnitAttr:$exclusive, UnitAttr:$reverse, Variadic<AnyMemRef>:$outs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $kind `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape) `axis` $axis
    (`exclusive` $exclusive^)? (`reverse` $reverse^)? `outs` `(` $outs `:` type($outs) `)` $body attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::sinter::kern::ReduceKind":$kind, "::mlir::Value":$begin, "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape, "int64_t":$axis, "bool":$exclusive,
                                 "bool":$reverse,
                                 "::mlir::Value":$out, CArg<"::sinter::kern::RegionBuilder", "nullptr">:$body)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
  }];
}

def Kern_ScatterOp : Kern_GenericOp<"scatter"> {
  let summary = "writes computed elements to computed places, in order";
  let description = [{
    For each index of `shape`, row-major, the region yields an index for each dimension of the output, in range, and a
    value. `kind` says what becomes of the element there: without one it is replaced, else combined with the value.
    Elements no index names keep what they hold. The order is part of the meaning, so there is one work item.

    ```mlir
    kern.scatter combine add range(%begin to %end) shape[%n, 64] outs(%out : memref<?x64xf32>) {
    ^bb0(%i: index, %j: index):
      ...
      kern.yield %row, %j, %x : index, index, f32
    }
    ```
  }];
  let arguments = (ins OptionalAttr<Kern_ReduceKindAttr>:$kind, Index:$begin, Index:$end, Variadic<Index>:$shape,
                       DenseI64ArrayAttr:$static_shape, Variadic<AnyMemRef>:$outs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`combine` $kind^)? `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape)
    `outs` `(` $outs `:` type($outs) `)` $body attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::std::optional<::sinter::kern::ReduceKind>":$kind, "::mlir::Value":$begin,
                                 "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape, "::mlir::Value":$out,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$body)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
  }];
}

def Kern_TopKOp : Kern_GenericOp<"topk"> {
  let summary = "the largest or smallest elements of rows, in order";
  let description = [{
    Rows are all dimensions of `shape` but the last. `outs` are the `k` best values of each row and their indices (i64),
    best first; of equal values the lower index is better. NaN is never chosen while anything else is left.

    ```mlir
    kern.topk largest range(%begin to %end) shape[%rows, %n] k[8]
        outs(%values, %indices : memref<?x8xf32>, memref<?x8xi64>) {
    ^bb0(%i: index, %j: index):
      ...
      kern.yield %x : f32
    }
    ```
  }];
  let arguments = (ins UnitAttr:$largest, Index:$begin, Index:$end, Variadic<Index>:$shape,
                       DenseI64ArrayAttr:$static_shape,
                       Variadic<Index>:$k, DenseI64ArrayAttr:$static_k, Variadic<AnyMemRef>:$outs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`largest` $largest^)? `range` `(` $begin `to` $end `)` `shape` `` custom<DynamicIndexList>($shape, $static_shape)
    `k` `` custom<DynamicIndexList>($k, $static_k) `outs` `(` $outs `:` type($outs) `)` $body attr-dict
  }];
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "bool":$largest, "::mlir::Value":$begin, "::mlir::Value":$end,
                                 "::llvm::ArrayRef<::mlir::OpFoldResult>":$shape, "::mlir::OpFoldResult":$k,
                                 "::mlir::Value":$values,
                                 "::mlir::Value":$indices, CArg<"::sinter::kern::RegionBuilder", "nullptr">:$body)>];
  let extraClassDeclaration = [{
    llvm::SmallVector<mlir::OpFoldResult> getMixedShape();
    mlir::OpFoldResult getMixedK();
  }];
}

#endif // SINTER_KERN_GENERICOPS_TD
