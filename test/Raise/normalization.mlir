// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s

// Over two axes: a norm of the last of a view. Scale and bias are arithmetic behind it.
// CHECK-LABEL: func.func @main
// CHECK: tensor.reshape %{{.*}} -> tensor<?x48xf32>
// CHECK: graph.norm "layer" %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<?x48xf32>
// CHECK: tensor.reshape %{{.*}} -> tensor<?x8x6xf32>
// CHECK: tensor.generate
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @main(%x: tensor<?x8x6xf32> {onnx.name = "x", onnx.dims = ["n", 8, 6]}) -> !onnx.unknown {
  %s = onnx.initializer <"m.onnx", 0, 192> {name = "s"} : tensor<8x6xf32>
  %b = onnx.initializer <"m.onnx", 192, 192> {name = "b"} : tensor<8x6xf32>
  %0 = onnx.node "LayerNormalization"(%x, %s, %b) {attributes = {axis = -2, epsilon = 1.0e-5 : f32}, since = 17} : (tensor<?x8x6xf32>, tensor<8x6xf32>, tensor<8x6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// The sum that a skip norm normalises is its fourth output.
// CHECK-LABEL: func.func @main
// CHECK: %[[SUM:.*]] = tensor.generate
// CHECK: arith.addf
// CHECK: %[[Y:.*]] = graph.norm "rms" %[[SUM]] {epsilon = 1.000000e-01 : f32}
// CHECK: %[[Z:.*]] = tensor.generate
// CHECK: tensor.extract %[[Y]]
// CHECK: return %[[Z]], %[[SUM]]
func.func @main(%x: tensor<1x?x8xf32> {onnx.name = "x", onnx.dims = [1, "n", 8]}) -> (!onnx.unknown, !onnx.unknown) {
  %s = onnx.initializer <"m.onnx", 0, 32> {name = "s"} : tensor<8xf32>
  %0:4 = onnx.node "SkipSimplifiedLayerNormalization"(%x, %x, %s) {domain = "com.microsoft", attributes = {epsilon = 1.0e-1 : f32}, since = 1}
    : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<8xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %0#0, %0#3 : !onnx.unknown, !onnx.unknown
}

// -----

// Softmax runs over the last axis: another one is moved there and back. Before opset 13 it ran over all axes from 1 on.
// CHECK-LABEL: func.func @main
// CHECK: ^bb0(%[[A:.*]]: index, %[[B:.*]]: index, %[[C:.*]]: index):
// CHECK-NEXT: tensor.extract %arg0[%[[A]], %[[C]], %[[B]]]
// CHECK: graph.softmax %{{.*}} : tensor<?x6x8xf32>
// CHECK: tensor.reshape %{{.*}} -> tensor<?x48xf32>
// CHECK: graph.softmax %{{.*}} {log} : tensor<?x48xf32>
func.func @main(%x: tensor<?x8x6xf32> {onnx.name = "x", onnx.dims = ["n", 8, 6]}) -> (!onnx.unknown, !onnx.unknown) {
  %0 = onnx.node "Softmax"(%x) {attributes = {axis = 1}, since = 13} : (tensor<?x8x6xf32>) -> !onnx.unknown
  %1 = onnx.node "LogSoftmax"(%x) {since = 11} : (tensor<?x8x6xf32>) -> !onnx.unknown
  return %0, %1 : !onnx.unknown, !onnx.unknown
}
