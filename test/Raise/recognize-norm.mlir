// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s

// x * (1 / sqrt(mean(x * x) + e)), with the epsilon on either side.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.reduce
// CHECK: graph.norm "rms" %arg0 {epsilon = 9.99999997E-7 : f32} : tensor<?x8xf32>
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !onnx.unknown {
  %e = onnx.constant dense<1.0e-6> : tensor<f32>
  %0 = onnx.node "Mul"(%x, %x) {since = 14} : (tensor<?x8xf32>, tensor<?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "ReduceMean"(%0) {attributes = {axes = array<i64: -1>}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Add"(%e, %1) {since = 14} : (tensor<f32>, !onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "Sqrt"(%2) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %4 = onnx.node "Reciprocal"(%3) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %5 = onnx.node "Mul"(%x, %4) {since = 14} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  return %5 : !onnx.unknown
}

// -----

// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + e)
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.reduce
// CHECK: graph.norm "layer" %arg0 {epsilon = 9.99999974E-6 : f32} : tensor<?x8xf32>
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !onnx.unknown {
  %e = onnx.constant dense<1.0e-5> : tensor<f32>
  %two = onnx.constant dense<2.0> : tensor<f32>
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %0 = onnx.node "ReduceMean"(%x, %axis) {since = 18} : (tensor<?x8xf32>, tensor<1xi64>) -> !onnx.unknown
  %1 = onnx.node "Sub"(%x, %0) {since = 14} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Pow"(%1, %two) {since = 15} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %3 = onnx.node "ReduceMean"(%2, %axis) {since = 18} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %4 = onnx.node "Add"(%3, %e) {since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %5 = onnx.node "Sqrt"(%4) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %6 = onnx.node "Div"(%1, %5) {since = 14} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  return %6 : !onnx.unknown
}

// -----

// Not these: a mean over another axis, and the root of another tensor.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.norm
// CHECK: return
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %y: tensor<?x8xf32> {onnx.name = "y", onnx.dims = ["n", 8]}) -> (!onnx.unknown, !onnx.unknown) {
  %e = onnx.constant dense<1.0e-5> : tensor<f32>
  %0 = onnx.node "Mul"(%x, %x) {since = 14} : (tensor<?x8xf32>, tensor<?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "ReduceMean"(%0) {attributes = {axes = array<i64: 0>}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Add"(%1, %e) {since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %3 = onnx.node "Sqrt"(%2) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %4 = onnx.node "Div"(%x, %3) {since = 14} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  %5 = onnx.node "ReduceMean"(%0) {attributes = {axes = array<i64: 1>}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %6 = onnx.node "Add"(%5, %e) {since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %7 = onnx.node "Sqrt"(%6) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %8 = onnx.node "Div"(%y, %7) {since = 14} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  return %4, %8 : !onnx.unknown, !onnx.unknown
}
