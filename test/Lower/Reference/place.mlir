// RUN: sinter-opt %s --convert-graph-to-linalg | FileCheck %s

// In order, so that a later update meets what an earlier one left.
// CHECK-LABEL: func.func @scatter(
// CHECK: scf.for {{.*}} iter_args(%[[OUTER:.*]] = %arg0)
// CHECK: scf.for {{.*}} iter_args(%[[SO:.*]] = %[[OUTER]])
// CHECK: tensor.extract %arg1
// CHECK: arith.minsi
// CHECK: %[[NEW:.*]] = tensor.extract %arg2
// CHECK: %[[OLD:.*]] = tensor.extract %[[SO]]
// CHECK: %[[SUM:.*]] = arith.addf %[[OLD]], %[[NEW]]
// CHECK: tensor.insert %[[SUM]] into %[[SO]]
func.func @scatter(%x: tensor<4x8xf32>, %i: tensor<3x1xi64>, %u: tensor<3x8xf32>) -> tensor<4x8xf32> {
  %0 = graph.scatter %x, %i, %u combine "add" : tensor<4x8xf32>, tensor<3x1xi64>, tensor<3x8xf32> -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @append(
// CHECK: %[[P:.*]] = tensor.dim %arg0, %c2
// CHECK: %[[PAST:.*]] = tensor.insert_slice %arg0 into %{{.*}}[0, 0, 0, 0]
// CHECK: tensor.insert_slice %arg1 into %[[PAST]][0, 0, %[[P]], 0]
func.func @append(%p: tensor<1x2x?x16xf32>, %k: tensor<1x2x3x16xf32>) -> tensor<1x2x?x16xf32> {
  %0 = graph.append %p, %k axis 2 : tensor<1x2x?x16xf32>, tensor<1x2x3x16xf32> -> tensor<1x2x?x16xf32>
  return %0 : tensor<1x2x?x16xf32>
}

// A cache is kept as the new tokens are.
// CHECK-LABEL: func.func @rounded(
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: tensor.insert_slice %{{.*}} : tensor<1x2x?x16xf16> into tensor<1x2x?x16xf16>
func.func @rounded(%p: tensor<1x2x?x16xf32>, %k: tensor<1x2x3x16xf16>) -> tensor<1x2x?x16xf16> {
  %0 = graph.append %p, %k axis 2 : tensor<1x2x?x16xf32>, tensor<1x2x3x16xf16> -> tensor<1x2x?x16xf16>
  return %0 : tensor<1x2x?x16xf16>
}

// CHECK-LABEL: func.func @half(
// CHECK: tensor.extract_slice %arg0[1, 0, 0, 0, 0]
func.func @half(%p: tensor<2x1x2x?x16xf32>, %k: tensor<1x2x3x16xf32>) -> tensor<1x2x?x16xf32> {
  %0 = graph.append %p half 1, %k axis 2 : tensor<2x1x2x?x16xf32>, tensor<1x2x3x16xf32> -> tensor<1x2x?x16xf32>
  return %0 : tensor<1x2x?x16xf32>
}
