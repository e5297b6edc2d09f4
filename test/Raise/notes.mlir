// What looks like attention or like a linear, but is none: notes that say why, counted over the places.
// RUN: split-file %s %t
// RUN: sinter-opt %t/axis.mlir -raise-onnx="dims=s=1..16 dims=t=1..32" | FileCheck %t/axis.mlir
// RUN: sinter-opt %t/rank.mlir -raise-onnx | FileCheck %t/rank.mlir
// RUN: sinter-opt %t/scores.mlir -raise-onnx | FileCheck %t/scores.mlir
// RUN: sinter-opt %t/constant.mlir -raise-onnx | FileCheck %t/constant.mlir

//--- axis.mlir
// CHECK: module attributes {graph.notes = {{\[\[}}"not fused to attention, because the softmax is not along the last axis", "/attn/MatMul_1"]]}
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x16x?xf32> {onnx.name = "k", onnx.dims = [1, 8, 16, "t"]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x?x16xf32>, tensor<1x8x16x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Softmax"(%0) {attributes = {axis = 2}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%1, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown loc("/attn/MatMul_1")
  return %2 : !onnx.unknown
}

//--- rank.mlir
// Two places, one line.
// CHECK: graph.notes = {{\[\[}}"not fused to attention, because its tensors have rank 3 instead of 4", "/0/MatMul", "/1/MatMul"]]
func.func @main(%q: tensor<8x4x16xf32> {onnx.name = "q"}, %k: tensor<8x16x6xf32> {onnx.name = "k"}, %v: tensor<8x6x16xf32> {onnx.name = "v"}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<8x4x16xf32>, tensor<8x16x6xf32>) -> !onnx.unknown
  %1 = onnx.node "Softmax"(%0) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%1, %v) {since = 13} : (!onnx.unknown, tensor<8x6x16xf32>) -> !onnx.unknown loc("/0/MatMul")
  %3 = onnx.node "MatMul"(%2, %k) {since = 13} : (!onnx.unknown, tensor<8x16x6xf32>) -> !onnx.unknown
  %4 = onnx.node "Softmax"(%3) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %5 = onnx.node "MatMul"(%4, %v) {since = 13} : (!onnx.unknown, tensor<8x6x16xf32>) -> !onnx.unknown loc("/1/MatMul")
  return %5 : !onnx.unknown
}

//--- scores.mlir
// CHECK: "not fused to attention, because the scores are no product with scales and masks: they come from Abs"
func.func @main(%q: tensor<1x8x4x16xf32> {onnx.name = "q"}, %k: tensor<1x8x16x6xf32> {onnx.name = "k"}, %v: tensor<1x8x6x16xf32> {onnx.name = "v"}) -> !onnx.unknown {
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x4x16xf32>, tensor<1x8x16x6xf32>) -> !onnx.unknown
  %1 = onnx.node "Abs"(%0) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Softmax"(%1) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "MatMul"(%2, %v) {since = 13} : (!onnx.unknown, tensor<1x8x6x16xf32>) -> !onnx.unknown
  return %3 : !onnx.unknown
}

//--- constant.mlir
// The first product is a linear; the second one's constant is computed, the third multiplies what is computed twice.
// CHECK: graph.notes = {{\[\[}}"a product with a constant is no linear, because the constant is computed or has a form that no weight format has", "/computed/MatMul"]]
func.func @main(%x: tensor<4x16xf32> {onnx.name = "x"}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %w = onnx.initializer <"m.onnx", 0, 1024> {name = "w"} : tensor<16x16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<4x16xf32>, tensor<16x16xf32>) -> !onnx.unknown loc("/plain/MatMul")
  %1 = onnx.node "Abs"(%w) {since = 13} : (tensor<16x16xf32>) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%x, %1) {since = 13} : (tensor<4x16xf32>, !onnx.unknown) -> !onnx.unknown loc("/computed/MatMul")
  %3 = onnx.node "Transpose"(%x) {attributes = {perm = array<i64: 1, 0>}, since = 13} : (tensor<4x16xf32>) -> !onnx.unknown
  %4 = onnx.node "MatMul"(%3, %0) {since = 13} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown loc("/both/MatMul")
  return %0, %2, %4 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}
