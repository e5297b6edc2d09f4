// RUN: sinter-opt %s | sinter-opt | FileCheck %s

// CHECK-LABEL: func @generate
func.func @generate(%a: memref<?x64xf32>, %out: memref<?x64xf32>, %n: index, %b: index, %e: index) {
  // CHECK: kern.generate range(%{{.*}} to %{{.*}}) shape[%{{.*}}, 64] outs(%{{.*}} : memref<?x64xf32>) {
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
  kern.generate range(%b to %e) shape[%n, 64] outs(%out : memref<?x64xf32>) {
  ^bb0(%i: index, %j: index):
    %x = memref.load %a[%i, %j] : memref<?x64xf32>
    kern.yield %x : f32
  }
  return
}

// CHECK-LABEL: func @scalar
func.func @scalar(%out: memref<i64>, %b: index, %e: index) {
  // CHECK: shape[] outs(
  kern.generate range(%b to %e) shape[] outs(%out : memref<i64>) {
    %c = arith.constant 1 : i64
    kern.yield %c : i64
  }
  return
}

// CHECK-LABEL: func @reduce
func.func @reduce(%a: memref<?x?xf32>, %sum: memref<?xf32>, %arg: memref<?xi64>, %m: index, %n: index, %b: index, %e: index) {
  // CHECK: kern.reduce {{.*}} shape[%{{.*}}] over[%{{.*}}] kinds[add, argmax] outs(
  // CHECK: } finish {
  kern.reduce range(%b to %e) shape[%m] over[%n] kinds[add, argmax] outs(%sum, %arg : memref<?xf32>, memref<?xi64>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%i, %k] : memref<?x?xf32>
    kern.yield %x, %x : f32, f32
  } finish {
  ^bb0(%s: f32, %p: i64, %i: index):
    %d = arith.addf %s, %s : f32
    kern.yield %d, %p : f32, i64
  }
  // CHECK: kern.reduce {{.*}} over[4, 8] kinds[max]
  // CHECK-NOT: finish
  kern.reduce range(%b to %e) shape[%m] over[4, 8] kinds[max] outs(%sum : memref<?xf32>) {
  ^bb0(%i: index, %j: index, %k: index):
    %x = memref.load %a[%j, %k] : memref<?x?xf32>
    kern.yield %x : f32
  }
  return
}

// CHECK-LABEL: func @rows
func.func @rows(%a: memref<?x576xf32>, %w: memref<576xf32>, %o: memref<?x576xf32>, %s: memref<?x576xf32>, %scratch: memref<?xi8>,
                %m: index, %b: index, %e: index) {
  // CHECK: kern.norm rms range({{.*}}) shape[%{{.*}}, 576] epsilon 9.99999974E-6 outs({{.*}}) scratch({{.*}}) {
  // CHECK: } apply {
  kern.norm rms range(%b to %e) shape[%m, 576] epsilon 1.0e-5 outs(%o, %s : memref<?x576xf32>, memref<?x576xf32>)
      scratch(%scratch : memref<?xi8>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%i, %k] : memref<?x576xf32>
    kern.yield %x : f32
  } apply {
  ^bb0(%y: f32, %x: f32, %i: index, %k: index):
    %g = memref.load %w[%k] : memref<576xf32>
    %z = arith.mulf %y, %g : f32
    kern.yield %z, %x : f32, f32
  }
  // CHECK: kern.softmax log range({{.*}}) shape[%{{.*}}, %{{.*}}] bound 2048 outs
  kern.softmax log range(%b to %e) shape[%m, %m] bound 2048 outs(%o : memref<?x576xf32>) scratch(%scratch : memref<?xi8>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%i, %k] : memref<?x576xf32>
    kern.yield %x : f32
  } apply {
  ^bb0(%y: f32, %i: index, %k: index):
    kern.yield %y : f32
  }
  return
}

// CHECK-LABEL: func @matmul
func.func @matmul(%a: memref<?x?x64xf32>, %w: memref<?x64x?xf32>, %o: memref<?x?x?xf32>, %scratch: memref<?xi8>,
                  %h: index, %m: index, %n: index, %b: index, %e: index) {
  // CHECK: kern.matmul range({{.*}}) shape[%{{.*}}, %{{.*}}, %{{.*}}] depth[64] outs({{.*}}) scratch({{.*}}) lhs {
  // CHECK: } rhs {
  // CHECK: } apply {
  kern.matmul range(%b to %e) shape[%h, %m, %n] depth[64] outs(%o : memref<?x?x?xf32>) scratch(%scratch : memref<?xi8>) lhs {
  ^bb0(%i: index, %r: index, %k: index):
    %x = memref.load %a[%i, %r, %k] : memref<?x?x64xf32>
    kern.yield %x : f32
  } rhs {
  ^bb0(%i: index, %k: index, %c: index):
    %x = memref.load %w[%i, %k, %c] : memref<?x64x?xf32>
    kern.yield %x : f32
  } apply {
  ^bb0(%acc: f32, %i: index, %r: index, %c: index):
    kern.yield %acc : f32
  }
  return
}

// CHECK-LABEL: func @scan
func.func @scan(%a: memref<?x?xi64>, %o: memref<?x?xi64>, %m: index, %n: index, %b: index, %e: index) {
  // CHECK: kern.scan add range({{.*}}) shape[%{{.*}}, %{{.*}}] axis 1 exclusive reverse outs
  kern.scan add range(%b to %e) shape[%m, %n] axis 1 exclusive reverse outs(%o : memref<?x?xi64>) {
  ^bb0(%i: index, %k: index):
    %x = memref.load %a[%i, %k] : memref<?x?xi64>
    kern.yield %x : i64
  }
  return
}

// CHECK-LABEL: func @ordered
func.func @ordered(%a: memref<?x?xf32>, %i: memref<?xi64>, %o: memref<?x?xf32>, %v: memref<?x8xf32>, %p: memref<?x8xi64>, %m: index, %n: index,
                   %b: index, %e: index) {
  // CHECK: kern.scatter combine add range({{.*}}) shape[%{{.*}}, %{{.*}}] outs
  kern.scatter combine add range(%b to %e) shape[%m, %n] outs(%o : memref<?x?xf32>) {
  ^bb0(%r: index, %k: index):
    %x = memref.load %a[%r, %k] : memref<?x?xf32>
    kern.yield %r, %k, %x : index, index, f32
  }
  // CHECK: kern.scatter range(
  kern.scatter range(%b to %e) shape[%m, %n] outs(%o : memref<?x?xf32>) {
  ^bb0(%r: index, %k: index):
    %x = memref.load %a[%r, %k] : memref<?x?xf32>
    kern.yield %r, %k, %x : index, index, f32
  }
  // CHECK: kern.topk largest range({{.*}}) shape[%{{.*}}, %{{.*}}] k[8] outs
  kern.topk largest range(%b to %e) shape[%m, %n] k[8] outs(%v, %p : memref<?x8xf32>, memref<?x8xi64>) {
  ^bb0(%r: index, %k: index):
    %x = memref.load %a[%r, %k] : memref<?x?xf32>
    kern.yield %x : f32
  }
  return
}
