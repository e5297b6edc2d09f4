// RUN: sinter-opt %s -split-input-file -raise-onnx -cse | FileCheck %s

// An If whose condition follows from sizes is the branch it takes.
// CHECK-LABEL: func.func @main
// CHECK-NOT: arith.negf
// CHECK: math.absf
// CHECK-NOT: arith.negf
// CHECK: return
func.func @main(%x: tensor<2x3xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %shape = onnx.node "Shape"(%x) {attributes = {start = 0, end = 1}, since = 17} : (tensor<2x3xf32>) -> !onnx.unknown
  %c = onnx.node "Equal"(%shape, %two) {since = 17} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %0 = onnx.node "If"(%c) {region_names = ["then_branch", "else_branch"], since = 17} : (!onnx.unknown) -> !onnx.unknown regions {
    %1 = onnx.node "Abs"(%x) {since = 17} : (tensor<2x3xf32>) -> !onnx.unknown
    onnx.yield %1 : !onnx.unknown
  }, {
    %1 = onnx.node "Neg"(%x) {since = 17} : (tensor<2x3xf32>) -> !onnx.unknown
    onnx.yield %1 : !onnx.unknown
  }
  return %0 : !onnx.unknown
}

// -----

// A product that is quantized on its way in runs on integers.
// CHECK-LABEL: func.func @main
// CHECK: graph.linear %arg0, %{{.*}} {activation = #qt.act<type = ui8, granularity = tensor, zp = true>}
func.func @main(%x: tensor<4x64xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 2048> {name = "w"} : tensor<64x32xi8>
  %s = onnx.constant dense<0.01> : tensor<f32>
  %0 = onnx.node "DynamicQuantizeMatMul"(%x, %w, %s) {domain = "com.microsoft", since = 1} : (tensor<4x64xf32>, tensor<64x32xi8>, tensor<f32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// Axes by their letters: what is written as an einsum is recognised like any product.
// CHECK-LABEL: func.func @main
// CHECK: graph.attention %arg0, %arg1, %arg2 {scale = 1.000000e+00 : f32}
func.func @main(%q: tensor<1x2x4x8xf32> {onnx.name = "q"}, %k: tensor<1x2x6x8xf32> {onnx.name = "k"}, %v: tensor<1x2x6x8xf32> {onnx.name = "v"}) -> !onnx.unknown {
  %0 = onnx.node "Einsum"(%q, %k) {attributes = {equation = "bhqd,bhkd->bhqk"}, since = 12} : (tensor<1x2x4x8xf32>, tensor<1x2x6x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Softmax"(%0) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Einsum"(%1, %v) {attributes = {equation = "bhqk,bhkd->bhqd"}, since = 12} : (!onnx.unknown, tensor<1x2x6x8xf32>) -> !onnx.unknown
  return %2 : !onnx.unknown
}
