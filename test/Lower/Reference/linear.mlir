// RUN: sinter-opt %s --convert-graph-to-linalg --split-input-file | FileCheck %s

!float = !qt.tensor<3x4, #qt.float<f32>>

// The last two loops are the output channel and what is summed over.
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[WEIGHT:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @linear(
// CHECK: %[[W:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00], {{.*}}> : tensor<3x4xf32>
// CHECK: linalg.fill
// CHECK: linalg.generic {indexing_maps = [#[[ROW]], #[[WEIGHT]], #[[OUT]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%arg0, %[[W]] : tensor<1x?x4xf32>, tensor<3x4xf32>)
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK-NOT: graph.
// CHECK: return %{{.*}} : tensor<1x?x3xf32>
func.func @linear(%x: tensor<1x?x4xf32>) -> tensor<1x?x3xf32> {
  %w = qt.constant [#qt.source<form = dense, rows = 3, columns = 4, payload = dense<[[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0], [2.0, 0.0, 2.0, 0.0]]> : tensor<3x4xf32>>] : !float
  %0 = graph.linear %x, %w : tensor<1x?x4xf32>, !float -> tensor<1x?x3xf32>
  return %0 : tensor<1x?x3xf32>
}

// -----

!affine = !qt.tensor<2x4, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>

// A weight is what its codes stand for.
// CHECK-LABEL: func.func @decoded(
// CHECK: arith.constant dense<{{\[\[}}5.000000e-01, -1.000000e+00, 0.000000e+00, 1.500000e+00], [1.000000e+00, 2.000000e+00, 3.000000e+00, -4.000000e+00]]> : tensor<2x4xf32>
func.func @decoded(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = qt.constant [#qt.source<form = affine, rows = 2, columns = 4, bits = 8, payload = dense<[[1, -2, 0, 3], [1, 2, 3, -4]]> : tensor<2x4xi8>, scales = dense<[0.5, 1.0]> : tensor<2xf32>>] : !affine
  %0 = graph.linear %x, %w : tensor<?x4xf32>, !affine -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

!grouped = !qt.tensor<2x16, #qt.int<8, axis = 1, group = 8, scale = f32, zp = none>>

// The columns of a group share the largest magnitude.
// CHECK-DAG: #[[GROUP:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 8)>
// CHECK-LABEL: func.func @per_group(
// CHECK: %[[LARGEST:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[GROUP]]], iterator_types = ["parallel", "reduction"]} ins(%arg0 : tensor<?x16xf32>) outs(%{{.*}} : tensor<?x2xf32>)
// CHECK: math.absf
// CHECK: linalg.generic {{.*}} ins(%arg0, %[[LARGEST]] :
// CHECK: math.roundeven
func.func @per_group(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %w = qt.constant [#qt.source<form = dense, rows = 2, columns = 16, payload = dense<1.0> : tensor<2x16xf32>>] : !grouped
  %0 = graph.linear %x, %w {activation = #qt.act<type = i8, granularity = group>} : tensor<?x16xf32>, !grouped -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

!table = !qt.tensor<3x2, #qt.float<f16>>

// CHECK-LABEL: func.func @embedding(
// CHECK: %[[TABLE:.*]] = arith.constant dense<{{.*}}> : tensor<3x2xf32>
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<?xi64>)
// CHECK: arith.cmpi slt
// CHECK: tensor.extract %[[TABLE]]
func.func @embedding(%ids: tensor<?xi64>) -> tensor<?x2xf32> {
  %w = qt.constant [#qt.source<form = dense, rows = 3, columns = 2, payload = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>>] : !table
  %0 = graph.embedding %ids, %w : tensor<?xi64>, !table -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

// f16 is added up in f32, 8 bits in the result's type.
// CHECK-LABEL: func.func @matmul(
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "reduction"]} {{.*}} outs(%{{.*}} : tensor<2x?x3xf32>)
// CHECK: arith.extf
// CHECK: arith.truncf
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<2x2xi32>)
// CHECK: arith.extsi
// CHECK: arith.muli
func.func @matmul(%a: tensor<2x?x4xf16>, %b: tensor<2x4x3xf16>, %c: tensor<2x4xi8>, %d: tensor<4x2xi8>) -> (tensor<2x?x3xf16>, tensor<2x2xi32>) {
  %0 = graph.matmul %a, %b : tensor<2x?x4xf16>, tensor<2x4x3xf16> -> tensor<2x?x3xf16>
  %1 = graph.matmul %c, %d : tensor<2x4xi8>, tensor<4x2xi8> -> tensor<2x2xi32>
  return %0, %1 : tensor<2x?x3xf16>, tensor<2x2xi32>
}
