// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=n=1..4 dims=length=3..99" -cse | FileCheck %s

// Patches times the stored weight, which is a matrix already; outside of the input they are zero.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<?x16x5x5xf32>
// CHECK: %[[P:.*]] = tensor.generate
// CHECK: arith.cmpi ult
// CHECK: arith.select
// CHECK: } : tensor<?x5x5x27xf32>
// CHECK: qt.constant [#qt.source<form = dense, rows = 16, columns = 27, payload
// CHECK: graph.linear %[[P]], %{{.*}} : tensor<?x5x5x27xf32>
// CHECK: arith.addf
func.func @main(%x: tensor<?x3x9x9xf32> {onnx.name = "x", onnx.dims = ["n", 3, 9, 9]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 1728> {name = "w"} : tensor<16x3x3x3xf32>
  %b = onnx.initializer <"m.onnx", 1728, 64> {name = "b"} : tensor<16xf32>
  %0 = onnx.node "Conv"(%x, %w, %b) {attributes = {pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}, since = 11}
    : (tensor<?x3x9x9xf32>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// Without padding nothing is compared; a size that is a symbol gives a symbolic size.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<1x4x?xf32>
// CHECK-NOT: arith.cmpi
// CHECK: graph.linear
func.func @main(%x: tensor<1x8x?xf32> {onnx.name = "x", onnx.dims = [1, 8, "length"]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 384> {name = "w"} : tensor<4x8x3xf32>
  %0 = onnx.node "Conv"(%x, %w) {since = 11} : (tensor<1x8x?xf32>, tensor<4x8x3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// Two groups are two products, chosen by the output channel.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: graph.matmul
// CHECK-NOT: graph.matmul
// CHECK: arith.divui
// CHECK: arith.select
func.func @main(%x: tensor<1x8x12xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 192> {name = "w"} : tensor<4x4x3xf32>
  %0 = onnx.node "Conv"(%x, %w) {attributes = {group = 2}, since = 11} : (tensor<1x8x12xf32>, tensor<4x4x3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
