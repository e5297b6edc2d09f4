// RUN: sinter-opt %s -raise-onnx="dims=past=0..31 dims=s=1..16" -cse -assign-caches -form-kernels | FileCheck %s

!u = !onnx.unknown
// The new keys and values are written into the session's cache, once; the mask is part of the attention, and what is behind it has no copy
// of [heads, rows, total]. Both halves have kernels that copy them from and to a plain tensor.
// CHECK-LABEL: func.func @main
// CHECK: kern.state
// CHECK: kern.dispatch @append_
// CHECK: kern.dispatch @attention_
// CHECK-NOT: kern.dispatch @softmax
// CHECK: kern.append
// CHECK: kern.attention
// CHECK: arith.cmpi
// CHECK: arith.select
// CHECK-DAG: func.func @load_0
// CHECK-DAG: func.func @store_0
// CHECK-DAG: func.func @load_1
// CHECK-DAG: func.func @store_1
func.func @main(%q: tensor<1x4x?x8xf32> {onnx.name = "q", onnx.dims = [1, 4, "s", 8]}, %pk: tensor<1x2x?x8xf32> {onnx.name = "pk", onnx.dims = [1, 2, "past", 8]},
                %pv: tensor<1x2x?x8xf32> {onnx.name = "pv", onnx.dims = [1, 2, "past", 8]}, %k: tensor<1x2x?x8xf32> {onnx.name = "k", onnx.dims = [1, 2, "s", 8]},
                %m: tensor<1x?xi64> {onnx.name = "m", onnx.dims = [1, "total"]}) -> (!u, !u, !u) {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %wide = onnx.constant dense<[1, 1, 2, 1, 1]> : tensor<5xi64>
  %heads = onnx.constant dense<[1, 4, -1, 8]> : tensor<4xi64>
  %axes = onnx.constant dense<[1, 2]> : tensor<2xi64>
  %zero = onnx.constant dense<0> : tensor<i64>
  %low = onnx.constant dense<-3.4e38> : tensor<f32>
  %0 = onnx.node "Concat"(%pk, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %1 = onnx.node "Concat"(%pv, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %2 = onnx.node "Unsqueeze"(%0, %two) {since = 13} : (!u, tensor<1xi64>) -> !u
  %3 = onnx.node "Expand"(%2, %wide) {since = 13} : (!u, tensor<5xi64>) -> !u
  %4 = onnx.node "Reshape"(%3, %heads) {since = 14} : (!u, tensor<4xi64>) -> !u
  %5 = onnx.node "Transpose"(%4) {attributes = {perm = array<i64: 0, 1, 3, 2>}, since = 13} : (!u) -> !u
  %6 = onnx.node "Unsqueeze"(%1, %two) {since = 13} : (!u, tensor<1xi64>) -> !u
  %7 = onnx.node "Expand"(%6, %wide) {since = 13} : (!u, tensor<5xi64>) -> !u
  %8 = onnx.node "Reshape"(%7, %heads) {since = 14} : (!u, tensor<4xi64>) -> !u
  %9 = onnx.node "MatMul"(%q, %5) {since = 13} : (tensor<1x4x?x8xf32>, !u) -> !u
  %10 = onnx.node "Unsqueeze"(%m, %axes) {since = 13} : (tensor<1x?xi64>, tensor<2xi64>) -> !u
  %11 = onnx.node "Equal"(%10, %zero) {since = 13} : (!u, tensor<i64>) -> !u
  %12 = onnx.node "Where"(%11, %low, %9) {since = 16} : (!u, tensor<f32>, !u) -> !u
  %13 = onnx.node "Softmax"(%12) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %14 = onnx.node "MatMul"(%13, %8) {since = 13} : (!u, !u) -> !u
  return %14, %0, %1 : !u, !u, !u
}
