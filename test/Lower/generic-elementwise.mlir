// RUN: sinter-opt %s --kern-lower --canonicalize --cse | FileCheck %s

// Vectors of 16, no tail where the row is a multiple of 16.
// CHECK-LABEL: func.func @even
// CHECK: scf.for %[[I:.*]] = %{{.*}} to
// CHECK: scf.for %[[J:.*]] = %c0 to %c64 step %c16
// CHECK: vector.load %{{.*}}[%[[I]], %[[J]]] : memref<?x64xf32>, vector<16xf32>
// CHECK: arith.addf {{.*}} : vector<16xf32>
// CHECK: vector.store
// CHECK-NOT: masked
func.func @even(%a: memref<?x64xf32>, %out: memref<?x64xf32>, %n: index, %b: index, %e: index) {
  kern.generate range(%b to %e) shape[%n, 64] outs(%out : memref<?x64xf32>) {
  ^bb0(%i: index, %j: index):
    %x = memref.load %a[%i, %j] : memref<?x64xf32>
    %y = arith.addf %x, %x : f32
    kern.yield %y : f32
  }
  return
}

// A tail is masked; what does not depend on the lane stays scalar.
// CHECK-LABEL: func.func @tail
// CHECK: memref.load %{{.*}}[%{{.*}}] : memref<?xf32>
// CHECK: vector.load
// CHECK: vector.store
// CHECK: vector.maskedload {{.*}} : memref<?x20xf32>
// CHECK: vector.maskedstore
func.func @tail(%a: memref<?x20xf32>, %s: memref<?xf32>, %out: memref<?x20xf32>, %n: index, %b: index, %e: index) {
  kern.generate range(%b to %e) shape[%n, 20] outs(%out : memref<?x20xf32>) {
  ^bb0(%i: index, %j: index):
    %x = memref.load %a[%i, %j] : memref<?x20xf32>
    %f = memref.load %s[%i] : memref<?xf32>
    %y = arith.mulf %x, %f : f32
    kern.yield %y : f32
  }
  return
}

// The loop is split where the innermost index is compared with a constant: no branch, no select, no gather.
// CHECK-LABEL: func.func @rotate
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c16
// CHECK: %[[R:.*]] = arith.remui
// CHECK: vector.load %{{.*}}[%{{.*}}, %[[R]]] : memref<?x32xf32>
// CHECK: arith.negf
// CHECK: scf.for %{{.*}} = %c32 to %c64 step %c16
// CHECK-NOT: arith.negf
// CHECK-NOT: scf.if
// CHECK-NOT: arith.select
// CHECK-NOT: vector.gather
// CHECK: return
func.func @rotate(%a: memref<?x64xf32>, %c: memref<?x32xf32>, %out: memref<?x64xf32>, %n: index, %b: index, %e: index) {
  %c32 = arith.constant 32 : index
  kern.generate range(%b to %e) shape[%n, 64] outs(%out : memref<?x64xf32>) {
  ^bb0(%i: index, %j: index):
    %lt = arith.cmpi ult, %j, %c32 : index
    %r = arith.remui %j, %c32 : index
    %w = memref.load %c[%i, %r] : memref<?x32xf32>
    %v = scf.if %lt -> (f32) {
      %p = arith.addi %j, %c32 : index
      %x = memref.load %a[%i, %p] : memref<?x64xf32>
      %nx = arith.negf %x : f32
      scf.yield %nx : f32
    } else {
      %p = arith.subi %j, %c32 : index
      %x = memref.load %a[%i, %p] : memref<?x64xf32>
      scf.yield %x : f32
    }
    %z = arith.mulf %v, %w : f32
    kern.yield %z : f32
  }
  return
}

// A condition on an outer index is a branch; a transposed read is a gather.
// CHECK-LABEL: func.func @concat
// CHECK: %[[C:.*]] = arith.cmpi ult, %{{.*}}, %{{.*}} : index
// CHECK: scf.if %[[C]] -> (vector<16xf32>)
// CHECK: vector.load
// CHECK: else
// CHECK: vector.gather
func.func @concat(%a: memref<?x32xf32>, %t: memref<32x?xf32>, %out: memref<?x32xf32>, %n: index, %p: index, %b: index, %e: index) {
  kern.generate range(%b to %e) shape[%n, 32] outs(%out : memref<?x32xf32>) {
  ^bb0(%i: index, %j: index):
    %lt = arith.cmpi ult, %i, %p : index
    %v = scf.if %lt -> (f32) {
      %x = memref.load %a[%i, %j] : memref<?x32xf32>
      scf.yield %x : f32
    } else {
      %q = arith.subi %i, %p : index
      %x = memref.load %t[%j, %q] : memref<32x?xf32>
      scf.yield %x : f32
    }
    kern.yield %v : f32
  }
  return
}

// An element of i1 is a byte.
// CHECK-LABEL: func.func @bytes
// CHECK: vector.load %{{.*}} : memref<?x16xi8>, vector<16xi8>
// CHECK: vector.store %{{.*}} : memref<?x16xi8>, vector<16xi8>
func.func @bytes(%a: memref<?x16xi1>, %out: memref<?x16xi1>, %n: index, %b: index, %e: index) {
  %true = arith.constant true
  kern.generate range(%b to %e) shape[%n, 16] outs(%out : memref<?x16xi1>) {
  ^bb0(%i: index, %j: index):
    %x = memref.load %a[%i, %j] : memref<?x16xi1>
    %y = arith.xori %x, %true : i1
    kern.yield %y : i1
  }
  return
}

// A scalar is no vector.
// CHECK-LABEL: func.func @scalar
// CHECK-NOT: vector
// CHECK: memref.store %{{.*}}[] : memref<f32>
func.func @scalar(%a: memref<f32>, %out: memref<f32>, %b: index, %e: index) {
  kern.generate range(%b to %e) shape[] outs(%out : memref<f32>) {
    %x = memref.load %a[] : memref<f32>
    kern.yield %x : f32
  }
  return
}
