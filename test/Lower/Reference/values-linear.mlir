// REQUIRES: runner
// RUN: sinter-opt %s --sinter-reference | %run-main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)

!float = !qt.tensor<2x4, #qt.float<f32>>
!affine = !qt.tensor<2x4, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
!nbits = !qt.tensor<2x16, #qt.int<4, axis = 1, group = 16, scale = f32, zp = 8>>
!grouped = !qt.tensor<1x16, #qt.int<8, axis = 1, group = 8, scale = f32, zp = none>>

func.func @floats(%x: tensor<?x4xf32>) {
  %w = qt.constant [#qt.source<form = dense, rows = 2, columns = 4, payload = dense<[[1.0, 10.0, 100.0, 1000.0], [1.0, 0.0, 0.0, -1.0]]> : tensor<2x4xf32>>] : !float
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[4321,   -3]]
  %0 = graph.linear %x, %w : tensor<?x4xf32>, !float -> tensor<?x2xf32>
  %a = tensor.cast %0 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  return
}

func.func @codes(%x: tensor<?x4xf32>, %scale: tensor<f32>, %zero: tensor<i8>) {
  %w = qt.constant [#qt.source<form = affine, rows = 2, columns = 4, bits = 8, payload = dense<[[1, -2, 0, 3], [0, 0, 0, 100]]> : tensor<2x4xi8>, scales = dense<[0.5, 1.0]> : tensor<2xf32>>] : !affine
  // (1 - 4 + 12) / 2, and 400.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[4.5,   400]]
  %0 = graph.linear %x, %w : tensor<?x4xf32>, !affine -> tensor<?x2xf32>
  %a = tensor.cast %0 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  // With steps of 1.5 from -5 * 1.5: 1 becomes 1.5, 2 and 3 become 1.5 and 3 (1.333 and 2 steps), 4 becomes 4.5 (2.667).
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[6,   450]]
  %1 = graph.linear %x, %w params(%scale, %zero : tensor<f32>, tensor<i8>) {activation = #qt.act<type = ui8, granularity = tensor, scale = static, zp = true>}
    : tensor<?x4xf32>, !affine -> tensor<?x2xf32>
  %b = tensor.cast %1 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%b) : (tensor<*xf32>) -> ()
  // 4 / 127 a step: 31.75, 63.5, 95.25 and 127 steps become 32, 64, 95 and 127. (32 - 128 + 3 * 127) * 4 / 127 / 2.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[4.48819,   400]]
  %2 = graph.linear %x, %w {activation = #qt.act<type = i8, granularity = token>} : tensor<?x4xf32>, !affine -> tensor<?x2xf32>
  %c = tensor.cast %2 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%c) : (tensor<*xf32>) -> ()
  // 4 / 255 a step, which f32 rounds up: 63.75, almost 127.5, 191.25 and 255 become 64, 127, 191 and 255. (64 - 254 + 765) * 4 / 255 / 2.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[4.5098,   400]]
  %3 = graph.linear %x, %w {activation = #qt.act<type = ui8, granularity = tensor, zp = true>} : tensor<?x4xf32>, !affine -> tensor<?x2xf32>
  %d = tensor.cast %3 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%d) : (tensor<*xf32>) -> ()
  return
}

func.func @groups(%x: tensor<?x16xf32>) {
  %w = qt.constant [#qt.source<form = dense, rows = 1, columns = 16, payload = dense<1.0> : tensor<1x16xf32>>] : !grouped
  // In the first group 127 and seven times 0.4, which is nothing; in the second 0.4 is the largest.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[130.2]]
  %0 = graph.linear %x, %w {activation = #qt.act<type = i8, granularity = group>} : tensor<?x16xf32>, !grouped -> tensor<?x1xf32>
  %a = tensor.cast %0 : tensor<?x1xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  return
}

func.func @rows(%ids: tensor<?xi64>) {
  // Bytes hold two codes, the low one first; 8 is zero, one scale a row.
  %w = qt.constant [#qt.source<form = matmul_nbits, rows = 2, columns = 16, bits = 4, group = 16,
                               payload = dense<[[[16, 50, 84, 118, 152, 186, 220, 254]], [[136, 136, 136, 136, 136, 136, 136, 240]]]> : tensor<2x1x8xui8>,
                               scales = dense<[1.0, 2.0]> : tensor<2xf32>>] : !nbits
  // The last row, the first, the last as the nearest to 7.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   -16,   14],
  // CHECK-NEXT: [-8,   -7,   -6,   -5,   -4,   -3,   -2,   -1,   0,   1,   2,   3,   4,   5,   6,   7],
  // CHECK-NEXT: [0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   -16,   14]]
  %0 = graph.embedding %ids, %w : tensor<?xi64>, !nbits -> tensor<?x16xf32>
  %a = tensor.cast %0 : tensor<?x16xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  return
}

func.func @product(%a: tensor<2x?x2xf32>, %b: tensor<2x2x1xf32>) {
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[21]],
  // CHECK{LITERAL}: [[4003]]]
  %0 = graph.matmul %a, %b : tensor<2x?x2xf32>, tensor<2x2x1xf32> -> tensor<2x?x1xf32>
  %r = tensor.cast %0 : tensor<2x?x1xf32> to tensor<*xf32>
  call @printMemrefF32(%r) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %rows = tensor.cast %x : tensor<1x4xf32> to tensor<?x4xf32>
  call @floats(%rows) : (tensor<?x4xf32>) -> ()
  %scale = arith.constant dense<1.5> : tensor<f32>
  %zero = arith.constant dense<5> : tensor<i8>
  call @codes(%rows, %scale, %zero) : (tensor<?x4xf32>, tensor<f32>, tensor<i8>) -> ()
  %g = arith.constant dense<[[127.0, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]]> : tensor<1x16xf32>
  %wide = tensor.cast %g : tensor<1x16xf32> to tensor<?x16xf32>
  call @groups(%wide) : (tensor<?x16xf32>) -> ()
  %i = arith.constant dense<[-1, 0, 7]> : tensor<3xi64>
  %ids = tensor.cast %i : tensor<3xi64> to tensor<?xi64>
  call @rows(%ids) : (tensor<?xi64>) -> ()
  %a = arith.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %b = arith.constant dense<[[[1.0], [10.0]], [[1.0], [1000.0]]]> : tensor<2x2x1xf32>
  %lhs = tensor.cast %a : tensor<2x1x2xf32> to tensor<2x?x2xf32>
  call @product(%lhs, %b) : (tensor<2x?x2xf32>, tensor<2x2x1xf32>) -> ()
  return
}
