// RUN: sinter-opt %s --convert-graph-to-linalg | FileCheck %s

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>

// One sum of squares, one division.
// CHECK-LABEL: func.func @rms(
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]], iterator_types = ["parallel", "reduction"]} ins(%arg0 : tensor<?x8xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[ALL]]], iterator_types = ["parallel", "parallel"]} ins(%arg0, %[[SUM]] :
// CHECK: arith.sitofp
// CHECK: math.sqrt
// CHECK: arith.divf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @rms(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = graph.norm "rms" %x {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// The mean goes first, and is no part of the squares.
// CHECK-LABEL: func.func @layer(
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} ins(%arg0 : tensor<?x8xf32>)
// CHECK: %[[CENTRED:.*]] = linalg.generic {{.*}} ins(%arg0, %[[SUM]] :
// CHECK: arith.subf
// CHECK: %[[SQUARES:.*]] = linalg.generic {{.*}} ins(%[[CENTRED]] :
// CHECK: arith.mulf
// CHECK: linalg.generic {{.*}} ins(%[[CENTRED]], %[[SQUARES]] :
func.func @layer(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = graph.norm "layer" %x {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @softmax(
// CHECK: arith.maximumf
// CHECK: arith.subf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%x: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %0 = graph.softmax %x : tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @log_softmax(
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: math.log
// CHECK: arith.subf
// CHECK-NOT: arith.divf
// CHECK: return
func.func @log_softmax(%x: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %0 = graph.softmax %x {log} : tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}
