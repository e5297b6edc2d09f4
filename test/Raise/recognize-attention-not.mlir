// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=s=1..16 dims=t=1..32" -cse | FileCheck %s --implicit-check-not=graph.attention

// Softmax over the queries.
// CHECK-LABEL: func.func @main
// CHECK: graph.softmax
// CHECK: graph.matmul
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x16x?xf32> {onnx.name = "k", onnx.dims = [1, 8, 16, "t"]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x?x16xf32>, tensor<1x8x16x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Softmax"(%0) {attributes = {axis = 2}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%1, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// -10 does not swallow a score: such a Where is no mask.
// CHECK-LABEL: func.func @main
// CHECK: arith.select
// CHECK: graph.softmax
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x16x?xf32> {onnx.name = "k", onnx.dims = [1, 8, 16, "t"]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}, %keep: tensor<?x?xi1> {onnx.name = "keep", onnx.dims = ["s", "t"]}) -> !onnx.unknown {
  %low = onnx.constant dense<-10.0> : tensor<f32>
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x?x16xf32>, tensor<1x8x16x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Where"(%keep, %0, %low) {since = 16} : (tensor<?x?xi1>, !onnx.unknown, tensor<f32>) -> !onnx.unknown
  %2 = onnx.node "Softmax"(%1) {attributes = {axis = 3}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "MatMul"(%2, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown
  return %3 : !onnx.unknown
}

// -----

// The scores are multiplied by a tensor, not by a constant.
// CHECK-LABEL: func.func @main
// CHECK: graph.softmax
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x16x?xf32> {onnx.name = "k", onnx.dims = [1, 8, 16, "t"]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}, %f: tensor<?xf32> {onnx.name = "f", onnx.dims = ["t"]}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x?x16xf32>, tensor<1x8x16x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Mul"(%0, %f) {since = 14} : (!onnx.unknown, tensor<?xf32>) -> !onnx.unknown
  %2 = onnx.node "Softmax"(%1) {attributes = {axis = 3}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "MatMul"(%2, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown
  return %3 : !onnx.unknown
}

// -----

// A mask with more sequences than there are scores repeats them.
// CHECK-LABEL: func.func @main
// CHECK: graph.softmax
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x16x?xf32> {onnx.name = "k", onnx.dims = [1, 8, 16, "t"]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}, %m: tensor<2x1x1x?xf32> {onnx.name = "m", onnx.dims = [2, 1, 1, "t"]}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x?x16xf32>, tensor<1x8x16x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Add"(%0, %m) {since = 14} : (!onnx.unknown, tensor<2x1x1x?xf32>) -> !onnx.unknown
  %2 = onnx.node "Softmax"(%1) {attributes = {axis = 3}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "MatMul"(%2, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown
  return %3 : !onnx.unknown
}
