// RUN: sinter-opt %s -split-input-file -verify-diagnostics

func.func @heads(%kv: memref<?xi8>, %o: memref<?x?x6x8xf32>, %n: index, %scratch: memref<?xi8>) {
  // expected-error @+1 {{expected the number of query heads to be a multiple of 4 KV heads, but got 'memref<?x?x6x8xf32>'}}
  kern.attention range(%n to %n) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x6x8xf32>) past(%n) tokens(%n) total(%n)
      sequences(%n) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = arith.constant 1.0 : f32
    kern.yield %x : f32
  } {type = !kv.cache<heads = 4, key = 8, value = 8, capacity = 64, #kv.blocked<f32>>, scale = 1.0 : f32}
  return
}

// -----

func.func @channels(%kv: memref<?xi8>, %o: memref<?x?x4x8xf32>, %n: index, %scratch: memref<?xi8>) {
  // expected-error @+1 {{expected results with 16 channels, but got 'memref<?x?x4x8xf32>'}}
  kern.attention range(%n to %n) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x4x8xf32>) past(%n) tokens(%n) total(%n)
      sequences(%n) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = arith.constant 1.0 : f32
    kern.yield %x : f32
  } {type = !kv.cache<heads = 4, key = 8, value = 16, capacity = 64, #kv.blocked<f32>>, scale = 1.0 : f32}
  return
}

// -----

func.func @mask(%kv: memref<?xi8>, %o: memref<?x?x4x8xf32>, %n: index, %scratch: memref<?xi8>) {
  // expected-error @+1 {{expected region 'mask' to yield f32, i1 or both}}
  kern.attention range(%n to %n) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x4x8xf32>) past(%n) tokens(%n) total(%n)
      sequences(%n) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = arith.constant 1.0 : f32
    kern.yield %x : f32
  } mask {
  ^bb0(%sequence: index, %head: index, %token: index, %position: index):
    kern.yield %position : index
  } {type = !kv.cache<heads = 4, key = 8, value = 8, capacity = 64, #kv.blocked<f32>>, scale = 1.0 : f32}
  return
}

// -----

func.func @window(%kv: memref<?xi8>, %o: memref<?x?x4x8xf32>, %n: index, %scratch: memref<?xi8>) {
  // expected-error @+1 {{expected a window of at least 1 position, but got 0}}
  kern.attention range(%n to %n) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x4x8xf32>) past(%n) tokens(%n) total(%n)
      sequences(%n) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = arith.constant 1.0 : f32
    kern.yield %x : f32
  } {type = !kv.cache<heads = 4, key = 8, value = 8, capacity = 64, #kv.blocked<f32>>, scale = 1.0 : f32, window = 0}
  return
}

// -----

func.func @outside(%kv: memref<?xi8>, %o: memref<?x?x4x8xf32>, %n: index, %scratch: memref<?xi8>) {
  // expected-error @+1 {{expected 'outside' to be a finite number below 0, beside a mask and 'causal' or 'window'}}
  kern.attention range(%n to %n) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x4x8xf32>) past(%n) tokens(%n) total(%n)
      sequences(%n) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = arith.constant 1.0 : f32
    kern.yield %x : f32
  } {type = !kv.cache<heads = 4, key = 8, value = 8, capacity = 64, #kv.blocked<f32>>, scale = 1.0 : f32, causal, outside = -6.5504e4 : f32}
  return
}

// -----

func.func @append(%kv: memref<?xi8>, %n: index) {
  // expected-error @+1 {{expected region 'body' to yield one f32}}
  kern.append range(%n to %n) cache(%kv : memref<?xi8>) past(%n) tokens(%n) sequences(%n) {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    kern.yield
  } {type = !kv.cache<heads = 4, key = 8, value = 8, capacity = 64, #kv.blocked<f32>>, part = #kv.part<value>}
  return
}
