// RUN: sinter-opt %s | sinter-opt | FileCheck %s

// CHECK-LABEL: func.func @linear
func.func @linear(%x: memref<?x256xf32>, %a: memref<?xi8>, %w: memref<?xi8>, %b: memref<?xf32>, %c: memref<?x100xf32>,
                  %m: index, %begin: index, %end: index, %scratch: memref<?xi8>) {
  // CHECK: kern.quantize_rows range(%{{.*}} to %{{.*}}) rows(%{{.*}}) ins(%{{.*}} : memref<?x256xf32>) outs(%{{.*}} : memref<?xi8>)
  // CHECK-SAME: for !qt.tensor<100x256, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>> activation <type = i8, granularity = token>
  kern.quantize_rows range(%begin to %end) rows(%m) ins(%x : memref<?x256xf32>) outs(%a : memref<?xi8>)
      for !qt.tensor<100x256, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>> activation <type = i8, granularity = token>
  // CHECK: kern.linear range(%{{.*}} to %{{.*}}) rows(%{{.*}}) ins(%{{.*}} : memref<?xi8>) weights(%{{.*}} : memref<?xi8>) outs(%{{.*}} : memref<?x100xf32>)
  // CHECK-SAME: panel <channels = 64, order = nibbles> activation <type = i8, granularity = token> strategy <mr = 6, nr = 4, decode_rows = 3, row_block = 504, segment = 256> epilogue
  kern.linear range(%begin to %end) rows(%m) ins(%a : memref<?xi8>) weights(%w : memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%scratch : memref<?xi8>) as !qt.tensor<100x256, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
      panel <channels = 64, order = nibbles> activation <type = i8, granularity = token>
      strategy <mr = 6, nr = 4, decode_rows = 3, row_block = 504, segment = 256> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    %bias = memref.load %b[%col] : memref<?xf32>
    %sum = arith.addf %acc, %bias : f32
    kern.yield %sum : f32
  }
  // CHECK: as !qt.tensor<100x256, #qt.float<bf16>> panel <channels = 64, order = floats> epilogue
  kern.linear range(%begin to %end) rows(%m) ins(%x : memref<?x256xf32>) weights(%w : memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%scratch : memref<?xi8>) as !qt.tensor<100x256, #qt.float<bf16>> panel <channels = 64, order = floats> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

// CHECK-LABEL: func.func @gated
func.func @gated(%a: memref<?xi8>, %w: memref<?xi8>, %v: memref<?xi8>, %c: memref<?x100xf32>, %m: index, %begin: index, %end: index, %scratch: memref<?xi8>) {
  // CHECK: weights(%{{.*}}, %{{.*}} : memref<?xi8>, memref<?xi8>) outs(%{{.*}} : memref<?x100xf32>)
  // CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: index, %{{.*}}: index):
  kern.linear range(%begin to %end) rows(%m) ins(%a : memref<?xi8>) weights(%w, %v : memref<?xi8>, memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%scratch : memref<?xi8>) as !qt.tensor<100x256, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
      panel <channels = 64, order = nibbles> activation <type = i8, granularity = token> epilogue {
  ^bb0(%gate: f32, %up: f32, %row: index, %col: index):
    %product = arith.mulf %gate, %up : f32
    kern.yield %product : f32
  }
  return
}

// CHECK-LABEL: func.func @gather
func.func @gather(%ids: memref<?xi64>, %w: memref<?xi8>, %c: memref<?x256xf32>, %x: memref<?x256xf32>, %extremes: memref<?x2xf32>, %a: memref<?xi8>,
                  %m: index, %begin: index, %end: index) {
  // CHECK: kern.gather_rows range(%{{.*}} to %{{.*}}) rows(%{{.*}}) ids(%{{.*}} : memref<?xi64>) weights(%{{.*}} : memref<?xi8>) outs(%{{.*}} : memref<?x256xf32>)
  kern.gather_rows range(%begin to %end) rows(%m) ids(%ids : memref<?xi64>) weights(%w : memref<?xi8>) outs(%c : memref<?x256xf32>)
      as !qt.tensor<100x256, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>> panel <channels = 64, order = bytes>
  // CHECK: kern.row_range
  kern.row_range range(%begin to %end) rows(%m) ins(%x : memref<?x256xf32>) outs(%extremes : memref<?x2xf32>)
  // CHECK: kern.quantize_rows {{.*}} params(%{{.*}} : memref<?x2xf32>)
  kern.quantize_rows range(%begin to %end) rows(%m) ins(%x : memref<?x256xf32>) params(%extremes : memref<?x2xf32>) outs(%a : memref<?xi8>)
      for !qt.tensor<100x256, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>> activation #qt.act<type = ui8, granularity = tensor, zp = true>
  return
}
