// RUN: sinter-opt %s --convert-graph-to-linalg | FileCheck %s

// CHECK-LABEL: func.func @reduce(
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "parallel", "reduction"]} ins(%arg0 : tensor<2x?x4xf32>) outs(%{{.*}} : tensor<?xf32>)
// CHECK: arith.addf
// CHECK: arith.constant 0xFF800000 : f32
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK: arith.maximumf
func.func @reduce(%x: tensor<2x?x4xf32>) -> (tensor<?xf32>, tensor<2x?xf32>) {
  %0 = graph.reduce "add" %x axes [0, 2] : tensor<2x?x4xf32> -> tensor<?xf32>
  %1 = graph.reduce "max" %x axes [2] : tensor<2x?x4xf32> -> tensor<2x?xf32>
  return %0, %1 : tensor<?xf32>, tensor<2x?xf32>
}

// The first of equals unless told otherwise.
// CHECK-LABEL: func.func @argmax(
// CHECK: linalg.generic
// CHECK: %[[BETTER:.*]] = arith.cmpf olt
// CHECK-NEXT: arith.select %[[BETTER]]
// CHECK: linalg.generic
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf oeq
// CHECK: arith.ori
func.func @argmax(%x: tensor<4x8xf32>) -> (tensor<4xi64>, tensor<4xi64>) {
  %0 = graph.reduce "argmax" %x axes [1] : tensor<4x8xf32> -> tensor<4xi64>
  %1 = graph.reduce "argmax" %x axes [1] {last} : tensor<4x8xf32> -> tensor<4xi64>
  return %0, %1 : tensor<4xi64>, tensor<4xi64>
}

// CHECK-LABEL: func.func @scan(
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[J:.*]] = linalg.index 2
// CHECK: arith.cmpi slt, %[[I]], %[[J]]
// CHECK-NOT: arith.cmpi eq
// CHECK: arith.addi
func.func @scan(%x: tensor<?x2xi32>) -> tensor<?x2xi32> {
  %0 = graph.scan %x axis 0 {exclusive, reverse} : tensor<?x2xi32>
  return %0 : tensor<?x2xi32>
}

// CHECK-LABEL: func.func @topk(
// CHECK: %[[PLACES:.*]] = linalg.generic {{.*}} ins(%arg0, %arg0 : tensor<2x?xf32>, tensor<2x?xf32>) outs(%{{.*}} : tensor<2x?xi64>)
// CHECK: linalg.generic {{.*}} ins(%arg0, %[[PLACES]] :
func.func @topk(%x: tensor<2x?xf32>) -> (tensor<2x3xf32>, tensor<2x3xi64>) {
  %k = arith.constant 3 : index
  %0:2 = graph.topk %x, %k {largest} : tensor<2x?xf32> -> tensor<2x3xf32>, tensor<2x3xi64>
  return %0#0, %0#1 : tensor<2x3xf32>, tensor<2x3xi64>
}
