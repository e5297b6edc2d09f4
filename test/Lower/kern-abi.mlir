// RUN: sinter-opt %s --kern-abi --split-input-file --verify-diagnostics | FileCheck %s

// The entry loads the tables; what is read only may be assumed not to alias, the rest may not.
// CHECK-LABEL: func.func @axpy(
// CHECK-SAME: %[[OPS:.*]]: !llvm.ptr {llvm.noalias, llvm.readonly}, %[[SCALARS:.*]]: !llvm.ptr {llvm.noalias, llvm.readonly},
// CHECK-SAME: %[[B:.*]]: i64, %[[E:.*]]: i64, %[[S:.*]]: !llvm.ptr {llvm.align = 64 : i64}) attributes {kern.kernel}
// CHECK: %[[A0:.*]] = llvm.getelementptr %[[OPS]][0]
// CHECK: %[[X:.*]] = llvm.load %[[A0]] invariant {alignment = 8 : i64} : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.getelementptr %[[OPS]][1]
// CHECK: llvm.getelementptr %[[SCALARS]][0]
// CHECK: llvm.load {{.*}} -> i64
// CHECK: call @axpy.work(%[[X]],
// CHECK-LABEL: func.func private @axpy.work(
// CHECK-SAME: %[[X:.*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.noalias, llvm.noundef, llvm.readonly}
// CHECK-SAME: %[[Y:[^:]*]]: !llvm.ptr {llvm.noundef}, %[[M:[^:]*]]: index
// CHECK-SAME: %{{[^:]*}}: !llvm.ptr {llvm.noalias, llvm.noundef}) attributes {llvm.linkage = #llvm.linkage<internal>, passthrough = ["alwaysinline"]}
// CHECK: llvm.insertvalue %[[X]], %{{.*}}[1]
// CHECK: builtin.unrealized_conversion_cast {{.*}} to memref<?xf32>
func.func private @axpy(%x: memref<?xf32> {kern.readonly, llvm.align = 64 : i64}, %y: memref<?xf32>, %m: index,
                        %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {
  %c1 = arith.constant 1 : index
  scf.for %i = %begin to %end step %c1 {
    %a = memref.load %x[%i] : memref<?xf32>
    %b = memref.load %y[%i] : memref<?xf32>
    %s = arith.addf %a, %b : f32
    memref.store %s, %y[%i] : memref<?xf32>
  }
  return
}

// Functions that are no kernels stay.
// CHECK: func.func @other(%{{.*}}: memref<?xf32>)
func.func @other(%x: memref<?xf32>) { return }

// -----

// expected-error @+1 {{is a kernel and must end with arguments (index, index, memref<?xi8>): begin, end and scratch}}
func.func private @short(%x: memref<?xf32>, %begin: index) attributes {kern.kernel} { return }

// -----

// expected-error @+1 {{has argument #1 of type 'memref<4x?xf32>', but a kernel takes flat memrefs and then index scalars}}
func.func private @shaped(%x: memref<?xf32>, %y: memref<4x?xf32>, %begin: index, %end: index, %s: memref<?xi8>) attributes {kern.kernel} { return }

// -----

// expected-error @+1 {{is a kernel and must not have results}}
func.func private @result(%begin: index, %end: index, %s: memref<?xi8>) -> index attributes {kern.kernel} { return %begin : index }
