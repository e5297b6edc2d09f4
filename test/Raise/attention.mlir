// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=past=0..31 dims=s=1..16" -cse | FileCheck %s

// GroupQueryAttention: packed heads are taken apart, positions rotate queries and keys, past and present are a state.
// CHECK: graph.symbol @past {{ *}}past 0 to 46
// CHECK-LABEL: func.func @main
// CHECK-SAME: %arg1: {{.*}} graph.state = 1
// CHECK-SAME: %arg2: {{.*}} graph.state = 2
// CHECK: arith.negf
// CHECK: } : tensor<1x4x?x8xf32>
// CHECK: arith.negf
// CHECK: } : tensor<1x2x?x8xf32>
// CHECK: %[[V:.*]] = tensor.generate
// CHECK-NOT: arith.mulf
// CHECK: arith.constant 48 : index
// CHECK: } : tensor<1x2x?x8xf32>
// CHECK: %[[KEYS:.*]] = graph.append %arg1, %{{.*}} axis 2
// CHECK: %[[VALUES:.*]] = graph.append %arg2, %[[V]] axis 2
// CHECK: graph.attention %{{.*}}, %[[KEYS]], %[[VALUES]] {causal, scale = 0.353553385 : f32, window = 5 : i64}
// CHECK: return %{{.*}}, %[[KEYS]], %[[VALUES]]
func.func @main(%qkv: tensor<1x?x64xf32> {onnx.name = "qkv", onnx.dims = [1, "s", 64]}, %k: tensor<1x2x?x8xf32> {onnx.name = "k", onnx.dims = [1, 2, "past", 8]},
                %v: tensor<1x2x?x8xf32> {onnx.name = "v", onnx.dims = [1, 2, "past", 8]}, %seqlens: tensor<1xi32> {onnx.name = "seqlens"},
                %total: tensor<i32> {onnx.name = "total"}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %none = onnx.none
  %cos = onnx.initializer <"m.onnx", 0, 512> {name = "cos"} : tensor<32x4xf32>
  %sin = onnx.initializer <"m.onnx", 512, 512> {name = "sin"} : tensor<32x4xf32>
  %0:3 = onnx.node "GroupQueryAttention"(%qkv, %none, %none, %k, %v, %seqlens, %total, %cos, %sin)
    {domain = "com.microsoft", attributes = {num_heads = 4, kv_num_heads = 2, do_rotary = 1, local_window_size = 5}, since = 1}
    : (tensor<1x?x64xf32>, none, none, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1xi32>, tensor<i32>, tensor<32x4xf32>, tensor<32x4xf32>)
    -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %0#0, %0#1, %0#2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// A cache that the file makes as long as the window grows in the session.
// CHECK: graph.symbol {{.*}} past 0 to
// CHECK-LABEL: func.func @main
// CHECK-SAME: %arg1: tensor<1x2x?x8xf32> {{.*}} graph.state = 1
// CHECK: graph.append %arg1
// CHECK: graph.attention {{.*}}window = 5
func.func @main(%qkv: tensor<1x?x64xf32> {onnx.name = "qkv", onnx.dims = [1, "s", 64]}, %k: tensor<1x2x8x8xf32> {onnx.name = "k"},
                %v: tensor<1x2x8x8xf32> {onnx.name = "v"}, %seqlens: tensor<1xi32> {onnx.name = "seqlens"}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %none = onnx.none
  %0:3 = onnx.node "GroupQueryAttention"(%qkv, %none, %none, %k, %v, %seqlens)
    {domain = "com.microsoft", attributes = {num_heads = 4, kv_num_heads = 2, local_window_size = 5, sliding_window_cache = 1}, since = 1}
    : (tensor<1x?x64xf32>, none, none, tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>, tensor<1xi32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %0#0, %0#1, %0#2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}
