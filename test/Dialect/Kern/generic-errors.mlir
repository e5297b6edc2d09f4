// RUN: sinter-opt %s -split-input-file -verify-diagnostics

func.func @arguments(%out: memref<4x64xf32>, %b: index) {
  // expected-error @+1 {{'kern.generate' op expected region 'body' with arguments ('index', 'index'), but got ('index')}}
  kern.generate range(%b to %b) shape[4, 64] outs(%out : memref<4x64xf32>) {
  ^bb0(%i: index):
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  }
  return
}

// -----

func.func @element(%out: memref<4xf32>, %b: index) {
  // expected-error @+1 {{'kern.generate' op output #0 has elements of 'f32', but the region yields 'f64'}}
  kern.generate range(%b to %b) shape[4] outs(%out : memref<4xf32>) {
  ^bb0(%i: index):
    %x = arith.constant 0.0 : f64
    kern.yield %x : f64
  }
  return
}

// -----

func.func @size(%out: memref<5xf32>, %b: index) {
  // expected-error @+1 {{'kern.generate' op output #0 has size 5 where the shape has 4}}
  kern.generate range(%b to %b) shape[4] outs(%out : memref<5xf32>) {
  ^bb0(%i: index):
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  }
  return
}

// -----

func.func @strided(%out: memref<4xf32, strided<[2]>>, %b: index) {
  // expected-error @+1 {{'kern.generate' op output #0 has rows that are not contiguous}}
  kern.generate range(%b to %b) shape[4] outs(%out : memref<4xf32, strided<[2]>>) {
  ^bb0(%i: index):
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  }
  return
}

// -----

func.func @terminator(%out: memref<4xf32>, %b: index) {
  // expected-error @+1 {{'kern.generate' op expected region 'body' to end with kern.yield}}
  "kern.generate"(%b, %b, %out) <{static_shape = array<i64: 4>, operandSegmentSizes = array<i32: 1, 1, 0, 1>}> ({
  ^bb0(%i: index):
    cf.br ^bb0(%i: index)
  }) : (index, index, memref<4xf32>) -> ()
  return
}

// -----

func.func @kinds(%out: memref<4xf32>, %b: index) {
  // expected-error @+1 {{'kern.reduce' op expected a kind for each of 1 yielded values, but got 2}}
  kern.reduce range(%b to %b) shape[4] over[8] kinds[add, max] outs(%out : memref<4xf32>) {
  ^bb0(%i: index, %k: index):
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  }
  return
}

// -----

func.func @bits(%out: memref<4xf32>, %b: index) {
  // expected-error @+1 {{'kern.reduce' op kind 'and' expects integers, but got 'f32'}}
  kern.reduce range(%b to %b) shape[4] over[8] kinds[and] outs(%out : memref<4xf32>) {
  ^bb0(%i: index, %k: index):
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  }
  return
}

// -----

func.func @word(%out: memref<4xf32>, %b: index) {
  // expected-error @+1 {{unknown kind of reduction 'mean'}}
  kern.reduce range(%b to %b) shape[4] over[8] kinds[mean] outs(%out : memref<4xf32>) {
  }
  return
}

// -----

func.func @rank(%out: memref<f32>, %s: memref<?xi8>, %b: index) {
  // expected-error @+1 {{'kern.softmax' op expected at least one dimension}}
  kern.softmax range(%b to %b) shape[] outs(%out : memref<f32>) scratch(%s : memref<?xi8>) {
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  } apply {
  ^bb0(%y: f32):
    kern.yield %y : f32
  }
  return
}

// -----

func.func @accumulator(%out: memref<4x4xf16>, %s: memref<?xi8>, %b: index) {
  // expected-error @+1 {{'kern.matmul' op expected region 'lhs' to yield one f32, f64, i32 or i64}}
  kern.matmul range(%b to %b) shape[4, 4] depth[8] outs(%out : memref<4x4xf16>) scratch(%s : memref<?xi8>) lhs {
  ^bb0(%i: index, %k: index):
    %x = arith.constant 0.0 : f16
    kern.yield %x : f16
  } rhs {
  ^bb0(%k: index, %j: index):
    %x = arith.constant 0.0 : f16
    kern.yield %x : f16
  } apply {
  ^bb0(%acc: f16, %i: index, %j: index):
    kern.yield %acc : f16
  }
  return
}

// -----

func.func @axis(%out: memref<4xi64>, %b: index) {
  // expected-error @+1 {{'kern.scan' op expected an axis of the shape, but got 1}}
  kern.scan add range(%b to %b) shape[4] axis 1 outs(%out : memref<4xi64>) {
  ^bb0(%i: index):
    %x = arith.constant 0 : i64
    kern.yield %x : i64
  }
  return
}

// -----

func.func @places(%out: memref<4x4xi64>, %b: index) {
  // expected-error @+1 {{'kern.scatter' op expected region 'body' to yield 2 indices and a value}}
  kern.scatter range(%b to %b) shape[4] outs(%out : memref<4x4xi64>) {
  ^bb0(%i: index):
    %x = arith.constant 0 : i64
    kern.yield %i, %x : index, i64
  }
  return
}

// -----

func.func @indices(%v: memref<4x2xf32>, %p: memref<4x2xi32>, %b: index) {
  // expected-error @+1 {{'kern.topk' op output #1 has elements of 'i32', but the region yields 'i64'}}
  kern.topk range(%b to %b) shape[4, 8] k[2] outs(%v, %p : memref<4x2xf32>, memref<4x2xi32>) {
  ^bb0(%i: index, %j: index):
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  }
  return
}

// -----

func.func @unsigned(%out: memref<4xf32>, %b: index) {
  // expected-error @+1 {{'kern.scan' op kind 'umax' expects integers, but got 'f32'}}
  kern.scan umax range(%b to %b) shape[4] axis 0 outs(%out : memref<4xf32>) {
  ^bb0(%i: index):
    %x = arith.constant 0.0 : f32
    kern.yield %x : f32
  }
  return
}
