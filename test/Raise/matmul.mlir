// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s

// A product with a stored matrix is a linear; the weight stays where it is in the file, K x N read as N x K.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qt.constant [#qt.source<form = dense, rows = 16, columns = 8, transposed = true, payload = #onnx.tensor<<"m.onnx", 0, 512>
// CHECK-SAME: <16x8, #qt.float<f32>>
// CHECK: graph.linear %arg0, %[[W]] : tensor<?x8xf32>
// CHECK-NOT: graph.matmul
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// A transposed weight is read the other way, so both products are the same linear; the bias of a Gemm is arithmetic behind the linear, beta a factor of it.
// CHECK-LABEL: func.func @main
// CHECK: #qt.source<form = dense, rows = 16, columns = 8, payload
// CHECK: %[[Y:.*]] = graph.linear
// CHECK: tensor.extract %[[Y]]
// CHECK: %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK: arith.mulf %{{.*}}, %[[HALF]]
// CHECK: arith.addf
// CHECK-NOT: qt.constant
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!onnx.unknown, !onnx.unknown) {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<16x8xf32>
  %b = onnx.initializer <"m.onnx", 512, 64> {name = "b"} : tensor<16xf32>
  %0 = onnx.node "Gemm"(%x, %w, %b) {attributes = {transB = 1, beta = 0.5 : f32}, since = 13} : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> !onnx.unknown
  %1 = onnx.node "Transpose"(%w) {attributes = {perm = array<i64: 1, 0>}, since = 13} : (tensor<16x8xf32>) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%x, %1) {since = 13} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  return %0, %2 : !onnx.unknown, !onnx.unknown
}

// -----

// Two computed tensors: batch sizes are broadcast in what is read, f16 is summed in f32.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.linear
// CHECK: %[[B:.*]] = tensor.generate
// CHECK: arith.extf
// CHECK: graph.matmul %{{.*}}, %{{.*}} : tensor<3x?x8xf32>, tensor<3x8x?xf32> -> tensor<3x?x?xf32>
// CHECK: arith.truncf
func.func @main(%x: tensor<3x?x8xf16> {onnx.name = "x", onnx.dims = [3, "n", 8]}, %y: tensor<8x?xf16> {onnx.name = "y", onnx.dims = [8, "n"]}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%x, %y) {since = 13} : (tensor<3x?x8xf16>, tensor<8x?xf16>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// With one column there is nothing to add up.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.matmul
// CHECK: arith.mulf
func.func @main(%x: tensor<?x1xf32> {onnx.name = "x", onnx.dims = ["n", 1]}, %y: tensor<1x6xf32> {onnx.name = "y"}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%x, %y) {since = 13} : (tensor<?x1xf32>, tensor<1x6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// CHECK-LABEL: func.func @main
// CHECK: #qt.source<form = matmul_nbits, rows = 16, columns = 64, bits = 4, group = 32
// CHECK: graph.linear %{{.*}} {accuracy_level = 4 : i64} : tensor<?x64xf32>, <16x64, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>>
func.func @main(%x: tensor<?x64xf32> {onnx.name = "x", onnx.dims = ["n", 64]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<16x2x16xui8>
  %s = onnx.initializer <"m.onnx", 512, 128> {name = "s"} : tensor<32xf32>
  %0 = onnx.node "MatMulNBits"(%x, %w, %s) {domain = "com.microsoft", attributes = {N = 16, K = 64, bits = 4, block_size = 32, accuracy_level = 4}, since = 1}
    : (tensor<?x64xf32>, tensor<16x2x16xui8>, tensor<32xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
