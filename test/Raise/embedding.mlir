// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s --check-prefixes=CHECK,FILE
// RUN: sinter-opt %s -split-input-file '-raise-onnx=dims=n=1..4 embeddings' -cse | FileCheck %s --check-prefixes=CHECK,WEIGHTS

// A table that a product reads, too: one copy serves both.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qt.constant {{.*}} <64x8, #qt.float<f32>>
// CHECK: %[[X:.*]] = graph.embedding %arg0, %[[W]]
// CHECK: graph.linear %[[X]], %[[W]]
func.func @main(%ids: tensor<?xi64> {onnx.name = "ids", onnx.dims = ["n"]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 2048> {name = "w"} : tensor<8x64xf32>
  %0 = onnx.node "Transpose"(%w) {attributes = {perm = [1, 0]}, since = 13} : (tensor<8x64xf32>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%0, %ids) {since = 13} : (!onnx.unknown, tensor<?xi64>) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%1, %w) {since = 13} : (!onnx.unknown, tensor<8x64xf32>) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// A table of tokens of its own is a weight where weights are quantized; left in the file it is read from there.
// CHECK-LABEL: func.func @main
// FILE-NOT: graph.embedding
// WEIGHTS: graph.embedding %{{.*}}, %{{.*}} : tensor<1x?xi64>, <64x8, #qt.float<f32>> -> tensor<1x?x8xf32>
func.func @main(%ids: tensor<?xi64> {onnx.name = "ids", onnx.dims = ["n"]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 2048> {name = "w"} : tensor<64x8xf32>
  %m = onnx.initializer <"m.onnx", 2048, 128> {name = "m"} : tensor<8x4xf32>
  %axis = onnx.constant dense<0> : tensor<1xi64>
  %0 = onnx.node "Unsqueeze"(%ids, %axis) {since = 13} : (tensor<?xi64>, tensor<1xi64>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%w, %0) {since = 13} : (tensor<64x8xf32>, !onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%1, %m) {since = 13} : (!onnx.unknown, tensor<8x4xf32>) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// No tables of tokens: few rows; computed ids; as wide as no linear; another axis.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.embedding
func.func @main(%ids: tensor<?xi64> {onnx.name = "ids", onnx.dims = ["n"]}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %few = onnx.initializer <"m.onnx", 0, 512> {name = "few"} : tensor<16x8xf32>
  %w = onnx.initializer <"m.onnx", 512, 2048> {name = "w"} : tensor<64x8xf32>
  %narrow = onnx.initializer <"m.onnx", 2560, 1024> {name = "narrow"} : tensor<64x4xf32>
  %m = onnx.initializer <"m.onnx", 4096, 512> {name = "m"} : tensor<8x16xf32>
  %one = onnx.constant dense<1> : tensor<i64>
  %0 = onnx.node "Gather"(%few, %ids) {since = 13} : (tensor<16x8xf32>, tensor<?xi64>) -> !onnx.unknown
  %1 = onnx.node "Add"(%ids, %one) {since = 13} : (tensor<?xi64>, tensor<i64>) -> !onnx.unknown
  %2 = onnx.node "Gather"(%w, %1) {since = 13} : (tensor<64x8xf32>, !onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "Gather"(%narrow, %ids) {since = 13} : (tensor<64x4xf32>, tensor<?xi64>) -> !onnx.unknown
  %4 = onnx.node "Gather"(%w, %ids) {attributes = {axis = 1}, since = 13} : (tensor<64x8xf32>, tensor<?xi64>) -> !onnx.unknown
  %5 = onnx.node "MatMul"(%2, %m) {since = 13} : (!onnx.unknown, tensor<8x16xf32>) -> !onnx.unknown
  return %0, %5, %3, %4 : !onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// Padding of the last block that is cut off behind the gather: the rows are those that the head has.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qt.constant {{.*}} <10x24, #qt.int<4, axis = 1, group = 16, scale = f32, zp = 8>>
// CHECK: %[[X:.*]] = graph.embedding %arg0, %[[W]]
// CHECK: graph.linear %[[X]], %[[W]]
func.func @main(%ids: tensor<?xi64> {onnx.name = "ids", onnx.dims = ["n"]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 160> {name = "w"} : tensor<10x2x8xui8>
  %s = onnx.initializer <"m.onnx", 160, 80> {name = "s"} : tensor<10x2xf32>
  %shape = onnx.constant dense<[10, 16]> : tensor<2xi64>
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %end = onnx.constant dense<24> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %0 = onnx.node "Reshape"(%w, %shape) {since = 14} : (tensor<10x2x8xui8>, tensor<2xi64>) -> !onnx.unknown
  %1 = onnx.node "GatherBlockQuantized"(%0, %ids, %s) {domain = "com.microsoft", attributes = {bits = 4, block_size = 16, gather_axis = 0, quantize_axis = 1}, since = 1}
    : (!onnx.unknown, tensor<?xi64>, tensor<10x2xf32>) -> !onnx.unknown
  %2 = onnx.node "Slice"(%1, %zero, %end, %last) {since = 13} : (!onnx.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  %3 = onnx.node "MatMulNBits"(%2, %w, %s) {domain = "com.microsoft", attributes = {K = 24, N = 10, bits = 4, block_size = 16}, since = 1}
    : (!onnx.unknown, tensor<10x2x8xui8>, tensor<10x2xf32>) -> !onnx.unknown
  return %3 : !onnx.unknown
}
