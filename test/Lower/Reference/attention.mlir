// RUN: sinter-opt %s --convert-graph-to-linalg --split-input-file | FileCheck %s

// Two query heads share a key head; the result has heads behind rows.
// CHECK-DAG: #[[KEY:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 2, d3, d4)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)>
// CHECK-LABEL: func.func @causal(
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[KEY]], #{{.*}}], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%arg0, %arg1 :
// CHECK: linalg.generic
// CHECK: linalg.index 2
// CHECK: linalg.index 3
// CHECK: %[[LATER:.*]] = arith.cmpi slt
// CHECK: arith.select %[[LATER]]
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.divf
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[KEY]], #[[OUT]]], iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]}
// CHECK: return %{{.*}} : tensor<1x?x4x8xf32>
func.func @causal(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>) -> tensor<1x?x4x8xf32> {
  %0 = graph.attention %q, %k, %k {scale = 0.5 : f32, causal} : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x?x4x8xf32>
  return %0 : tensor<1x?x4x8xf32>
}

// -----

// With `outside` it is the mask that hides.
// CHECK-DAG: #[[MASK:.*]] = affine_map<(d0, d1, d2, d3) -> (0, 0, d2, d3)>
// CHECK-LABEL: func.func @outside(
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[MASK]], #{{.*}}], {{.*}} ins(%{{.*}}, %arg2 :
// CHECK: math.tanh
// CHECK: arith.addf
// CHECK-NOT: linalg.index
// CHECK: return
func.func @outside(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %m: tensor<1x1x?x?xf32>) -> tensor<1x?x2x8xf32> {
  %0 = graph.attention %q, %k, %k mask %m : tensor<1x1x?x?xf32> {scale = 0.5 : f32, softcap = 30.0 : f32, causal, window = 4, outside = -3.4e38 : f32}
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x?x2x8xf32>
  return %0 : tensor<1x?x2x8xf32>
}
