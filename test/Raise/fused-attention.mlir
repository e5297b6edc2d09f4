// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=past=0..31 dims=s=1..16" -cse | FileCheck %s

// Attention with keys and values in one past: its projection is a linear, both halves are appended to in place, and the present is the state.
// CHECK: graph.symbol @past {{ *}}past 0 to 46
// CHECK-LABEL: func.func @main
// CHECK-SAME: %arg1: tensor<2x1x4x?x8xf32> {{.*}} graph.state = 1
// CHECK: graph.linear %arg0
// CHECK: %[[KEYS:.*]] = graph.append %arg1 half 0, %{{.*}} axis 2 : tensor<2x1x4x?x8xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
// CHECK: %[[VALUES:.*]] = graph.append %arg1 half 1, %{{.*}} axis 2
// CHECK: %[[MASK:.*]] = tensor.generate
// CHECK: arith.cmpi sgt
// CHECK: arith.constant -1.000000e+04 : f32
// CHECK: graph.attention %{{.*}}, %[[KEYS]], %[[VALUES]] mask %[[MASK]] : tensor<1x1x1x?xf32> {causal, scale = 0.353553385 : f32}
// CHECK: %[[PRESENT:.*]] = tensor.generate
// CHECK: arith.select
// CHECK: return %{{.*}}, %[[PRESENT]]
func.func @main(%x: tensor<1x?x32xf32> {onnx.name = "x", onnx.dims = [1, "s", 32]}, %p: tensor<2x1x4x?x8xf32> {onnx.name = "p", onnx.dims = [2, 1, 4, "past", 8]},
                %m: tensor<1x?xi32> {onnx.name = "m", onnx.dims = [1, "total"]}) -> (!onnx.unknown, !onnx.unknown) {
  %w = onnx.initializer <"m.onnx", 0, 12288> {name = "w"} : tensor<32x96xf32>
  %b = onnx.initializer <"m.onnx", 12288, 384> {name = "b"} : tensor<96xf32>
  %0:2 = onnx.node "Attention"(%x, %w, %b, %m, %p) {domain = "com.microsoft", attributes = {num_heads = 4, unidirectional = 1}, since = 1}
    : (tensor<1x?x32xf32>, tensor<32x96xf32>, tensor<96xf32>, tensor<1x?xi32>, tensor<2x1x4x?x8xf32>) -> (!onnx.unknown, !onnx.unknown)
  return %0#0, %0#1 : !onnx.unknown, !onnx.unknown
}

// -----

// A past that is no state of the session is read where it is.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.append
// CHECK: scf.if
// CHECK: tensor.extract %arg1
// CHECK: graph.attention
// CHECK-NOT: causal
// CHECK: return
func.func @main(%x: tensor<1x4x96xf32> {onnx.name = "x"}, %p: tensor<1x4x5x8xf32> {onnx.name = "p"}, %v: tensor<1x4x5x8xf32> {onnx.name = "v"}) -> !onnx.unknown {
  %none = onnx.none
  %sizes = onnx.constant dense<[32, 32, 32]> : tensor<3xi64>
  %q:3 = onnx.node "Split"(%x, %sizes) {attributes = {axis = -1}, since = 18} : (tensor<1x4x96xf32>, tensor<3xi64>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  %0 = onnx.node "MultiHeadAttention"(%q#0, %q#1, %q#2, %none, %none, %none, %p, %v) {domain = "com.microsoft", attributes = {num_heads = 4}, since = 1}
    : (!onnx.unknown, !onnx.unknown, !onnx.unknown, none, none, none, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// ONNX's operator: a boolean mask keeps, rows with nothing left give zero.
// CHECK-LABEL: func.func @main
// CHECK: graph.attention %{{.*}} mask %{{.*}} : tensor<1x1x6x6xi1> {causal, scale = 0.353553385 : f32, softcap = 2.000000e+00 : f32, zero_masked_rows}
func.func @main(%q: tensor<2x6x32xf32> {onnx.name = "q"}, %k: tensor<2x6x16xf32> {onnx.name = "k"}, %m: tensor<6x6xi1> {onnx.name = "m"}) -> !onnx.unknown {
  %0 = onnx.node "Attention"(%q, %k, %k, %m) {attributes = {q_num_heads = 4, kv_num_heads = 2, is_causal = 1, softcap = 2.0 : f32}, since = 23}
    : (tensor<2x6x32xf32>, tensor<2x6x16xf32>, tensor<2x6x16xf32>, tensor<6x6xi1>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// What onnxruntime fused is what it was: the attention around it is recognised.
// CHECK-LABEL: func.func @main
// CHECK: graph.attention %arg0, %arg1, %arg1 {scale = 1.250000e-01 : f32}
func.func @main(%q: tensor<1x4x6x8xf32> {onnx.name = "q"}, %k: tensor<1x4x6x8xf32> {onnx.name = "k"}) -> !onnx.unknown {
  %0 = onnx.node "FusedMatMul"(%q, %k) {domain = "com.microsoft", attributes = {transB = 1, alpha = 1.250000e-01 : f32}, since = 1}
    : (tensor<1x4x6x8xf32>, tensor<1x4x6x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Softmax"(%0) {attributes = {axis = -1}, since = 17} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%1, %k) {since = 17} : (!onnx.unknown, tensor<1x4x6x8xf32>) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// Heads of a cache that are repeated for an attention without groups are not: it reads the cache.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[KEYS:.*]] = graph.append %arg1, %arg3
// CHECK-DAG: %[[VALUES:.*]] = graph.append %arg2, %arg3
// CHECK: graph.attention %arg0, %[[KEYS]], %[[VALUES]] {{.*}} : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x?x4x8xf32>
func.func @main(%q: tensor<1x4x?x8xf32> {onnx.name = "q", onnx.dims = [1, 4, "s", 8]}, %pk: tensor<1x2x?x8xf32> {onnx.name = "pk", onnx.dims = [1, 2, "past", 8]},
                %pv: tensor<1x2x?x8xf32> {onnx.name = "pv", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]})
    -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %axis = onnx.constant dense<2> : tensor<1xi64>
  %wide = onnx.constant dense<[1, 1, 2, 1, 1]> : tensor<5xi64>
  %heads = onnx.constant dense<[0, 4, -1, 8]> : tensor<4xi64>
  %k = onnx.node "Concat"(%pk, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !onnx.unknown
  %v = onnx.node "Concat"(%pv, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !onnx.unknown
  %k0 = onnx.node "Unsqueeze"(%k, %axis) {since = 13} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %k1 = onnx.node "Expand"(%k0, %wide) {since = 13} : (!onnx.unknown, tensor<5xi64>) -> !onnx.unknown
  %k2 = onnx.node "Reshape"(%k1, %heads) {since = 14} : (!onnx.unknown, tensor<4xi64>) -> !onnx.unknown
  %v0 = onnx.node "Unsqueeze"(%v, %axis) {since = 13} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %v1 = onnx.node "Expand"(%v0, %wide) {since = 13} : (!onnx.unknown, tensor<5xi64>) -> !onnx.unknown
  %v2 = onnx.node "Reshape"(%v1, %heads) {since = 14} : (!onnx.unknown, tensor<4xi64>) -> !onnx.unknown
  %0 = onnx.node "Attention"(%q, %k2, %v2) {since = 23} : (tensor<1x4x?x8xf32>, !onnx.unknown, !onnx.unknown) -> !onnx.unknown
  return %0, %k, %v : !onnx.unknown, !onnx.unknown, !onnx.unknown
}
