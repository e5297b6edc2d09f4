// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s

// A dequantized weight is the weight of a linear in the file's own format: nothing is left of the node.
// CHECK-LABEL: func.func @main
// CHECK: qt.constant [#qt.source<form = affine, rows = 16, columns = 8, transposed = true, bits = 8, {{.*}} <16x8, #qt.int<8, axis = 1, group = 0, scale = f32
// CHECK: graph.linear
// CHECK-NOT: arith.subi
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 128> {name = "w"} : tensor<8x16xi8>
  %s = onnx.initializer <"m.onnx", 128, 64> {name = "s"} : tensor<16xf32>
  %z = onnx.initializer <"m.onnx", 192, 16> {name = "z"} : tensor<16xi8>
  %0 = onnx.node "DequantizeLinear"(%w, %s, %z) {attributes = {axis = 1}, since = 13} : (tensor<8x16xi8>, tensor<16xf32>, tensor<16xi8>) -> !onnx.unknown
  %1 = onnx.node "MatMul"(%x, %0) {since = 13} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  return %1 : !onnx.unknown
}

// -----

// saturate(round half to even(x / scale) + zero), and back by the scale of each channel.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<?x8xi8> {graph.element = ui8}, tensor<?x8xf32>
// CHECK: %[[Q:.*]] = arith.divf
// CHECK: %[[R:.*]] = math.roundeven %[[Q]]
// CHECK: arith.addf %[[R]],
// CHECK: arith.maximumf
// CHECK: arith.constant 2.550000e+02
// CHECK: arith.minimumf
// CHECK: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK: arith.extui {{.*}} : i8 to i32
// CHECK: tensor.extract %{{.*}}[%[[J]]] : tensor<8xf32>
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!onnx.unknown, !onnx.unknown) {
  %s = onnx.constant dense<0.5> : tensor<f32>
  %z = onnx.constant dense<128> : tensor<ui8>
  %c = onnx.initializer <"m.onnx", 0, 32> {name = "c"} : tensor<8xf32>
  %0 = onnx.node "QuantizeLinear"(%x, %s, %z) {since = 13} : (tensor<?x8xf32>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  %1 = onnx.node "DequantizeLinear"(%0, %c) {attributes = {axis = 1}, since = 13} : (!onnx.unknown, tensor<8xf32>) -> !onnx.unknown
  return %0, %1 : !onnx.unknown, !onnx.unknown
}

// -----

// The range of the whole tensor, with zero in it.
// CHECK-LABEL: func.func @main
// CHECK-DAG: graph.reduce "min" %arg0 axes [0, 1]
// CHECK-DAG: graph.reduce "max" %arg0 axes [0, 1]
// CHECK: arith.minimumf %{{.*}}, %{{.*}}
// CHECK: arith.maximumf %{{.*}}, %{{.*}}
// CHECK: } : tensor<f32>
// CHECK: } : tensor<i8>
// CHECK: } : tensor<?x8xi8>
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %0:3 = onnx.node "DynamicQuantizeLinear"(%x) {since = 11} : (tensor<?x8xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %0#0, %0#1, %0#2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// An embedding that is kept quantized.
// CHECK-LABEL: func.func @main
// CHECK: graph.embedding %arg0, %{{.*}} : tensor<?xi64>, <10x32, #qt.int<4, axis = 1, group = 16, scale = f32, zp = 8>> -> tensor<?x32xf32>
func.func @main(%ids: tensor<?xi64> {onnx.name = "ids", onnx.dims = ["n"]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 160> {name = "w"} : tensor<10x16xui8>
  %s = onnx.initializer <"m.onnx", 160, 80> {name = "s"} : tensor<10x2xf32>
  %0 = onnx.node "GatherBlockQuantized"(%w, %ids, %s) {domain = "com.microsoft", attributes = {bits = 4, block_size = 16, gather_axis = 0, quantize_axis = 1}, since = 1}
    : (tensor<10x16xui8>, tensor<?xi64>, tensor<10x2xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// A table of 4-bit values that no product takes is read from its bytes, two values in each.
// CHECK-LABEL: func.func @main
// CHECK: %[[BYTES:.*]] = onnx.initializer <"m.onnx", 0, 32> : tensor<32xi8>
// CHECK: %[[BYTE:.*]] = tensor.extract %[[BYTES]]
// CHECK: %[[HIGH:.*]] = arith.shrui
// CHECK: arith.andi
// CHECK: arith.xori
// CHECK: arith.mulf
func.func @main(%x: tensor<2x64xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 32> {name = "w"} : tensor<64xi4>
  %s = onnx.constant dense<0.1> : tensor<f32>
  %0 = onnx.node "DequantizeLinear"(%w, %s) {since = 21} : (tensor<64xi4>, tensor<f32>) -> !onnx.unknown
  %1 = onnx.node "Mul"(%x, %0) {since = 21} : (tensor<2x64xf32>, !onnx.unknown) -> !onnx.unknown
  return %1 : !onnx.unknown
}
