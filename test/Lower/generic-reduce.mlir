// RUN: sinter-opt %s --kern-lower --canonicalize --cse | FileCheck %s

// 16 lanes along the row, then a tree: halves, quarters, eighths.
// CHECK-LABEL: func.func @rows
// CHECK: scf.for {{.*}} step %c16 iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>)
// CHECK: vector.load
// CHECK: arith.addf {{.*}} : vector<16xf32>
// CHECK: scf.if
// CHECK: vector.maskedload
// CHECK: arith.select {{.*}} : vector<16xi1>, vector<16xf32>
// CHECK: vector.shuffle {{.*}} [8, 9, 10, 11, 12, 13, 14, 15] : vector<16xf32>
// CHECK: arith.addf {{.*}} : vector<8xf32>
// CHECK: arith.addf {{.*}} : vector<4xf32>
// CHECK: arith.addf {{.*}} : vector<2xf32>
// CHECK: memref.store
func.func @rows(%a: memref<?x?xf32>, %o: memref<?xf32>, %m: index, %n: index, %b: index, %e: index) {
  kern.reduce range(%b to %e) shape[%m] over[%n] kinds[add] outs(%o : memref<?xf32>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%i, %k] : memref<?x?xf32>
    kern.yield %x : f32
  }
  return
}

// Over an outer dimension the lanes are 16 outputs.
// CHECK-LABEL: func.func @columns
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>)
// CHECK: vector.load
// CHECK: arith.maximumf
// CHECK-NOT: vector.shuffle
// CHECK: vector.store
// CHECK-NOT: vector.gather
// CHECK: return
func.func @columns(%a: memref<?x64xf32>, %o: memref<64xf32>, %m: index, %b: index, %e: index) {
  kern.reduce range(%b to %e) shape[64] over[%m] kinds[max] outs(%o : memref<64xf32>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%k, %i] : memref<?x64xf32>
    kern.yield %x : f32
  }
  return
}

// The row is evaluated once, kept in scratch, and read twice.
// CHECK-LABEL: func.func @norm
// CHECK: %[[ROW:.*]] = memref.view {{.*}} : memref<?xi8> to memref<64xf32>
// CHECK: vector.load %arg0
// CHECK: math.fma
// CHECK: vector.store %{{.*}}, %[[ROW]]
// CHECK: math.sqrt
// CHECK: vector.load %[[ROW]]
// CHECK-NOT: vector.load %arg0
// CHECK: return
func.func @norm(%a: memref<?x64xf32>, %o: memref<?x64xf32>, %m: index, %b: index, %e: index, %scratch: memref<?xi8>) {
  kern.norm rms range(%b to %e) shape[%m, 64] epsilon 1.0e-5 outs(%o : memref<?x64xf32>) scratch(%scratch : memref<?xi8>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%i, %k] : memref<?x64xf32>
    kern.yield %x : f32
  } apply {
  ^bb0(%y: f32, %x: f32, %i: index, %k: index):
    kern.yield %y : f32
  }
  return
}

// Without a bound there is no scratch: the exponentials are taken again.
// CHECK-LABEL: func.func @softmax
// CHECK-NOT: memref.view
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: math.exp
// CHECK: return
func.func @softmax(%a: memref<?x?xf32>, %o: memref<?x?xf32>, %m: index, %n: index, %b: index, %e: index, %scratch: memref<?xi8>) {
  kern.softmax range(%b to %e) shape[%m, %n] outs(%o : memref<?x?xf32>) scratch(%scratch : memref<?xi8>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%i, %k] : memref<?x?xf32>
    kern.yield %x : f32
  } apply {
  ^bb0(%y: f32, %i: index, %k: index):
    kern.yield %y : f32
  }
  return
}
