// RUN: sinter-opt %s -split-input-file -limit-rows | FileCheck %s

!w = !qt.tensor<16x8, #qt.float<f32>>
// The head runs from the first row that is wanted; what is in front of it runs on all rows.
// CHECK: graph.symbol @first {{ *}}first 0 to 8
// CHECK-LABEL: func.func @main
// CHECK-SAME: -> tensor<1x?x16xf32>
// CHECK: %[[X:.*]] = graph.norm "rms" %arg0
// CHECK: %[[FIRST:.*]] = graph.dim @first
// CHECK: %[[ROWS:.*]] = arith.subi %{{.*}}, %[[FIRST]] : index
// CHECK: %[[WANTED:.*]] = tensor.generate %[[ROWS]]
// CHECK-NEXT: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index, %[[K:.*]]: index):
// CHECK: %[[ROW:.*]] = arith.addi %[[J]], %[[FIRST]]
// CHECK: tensor.extract %[[X]][%[[I]], %[[ROW]], %[[K]]]
// CHECK: %[[Y:.*]] = graph.linear %[[WANTED]]
// CHECK: graph.bind %[[Y]][%{{.*}}, %[[ROWS]], %{{.*}}]
graph.symbol @past past 0 to 31
graph.symbol @s input 1 to 8
func.func @main(%x: tensor<1x?x8xf32>, %w: !w) -> tensor<1x?x16xf32> {
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %s = graph.dim @s
  graph.bind %x[%c1, %s, %c8] : tensor<1x?x8xf32>
  %0 = graph.norm "rms" %x {epsilon = 1.0e-5 : f32} : tensor<1x?x8xf32>
  %1 = graph.linear %0, %w : tensor<1x?x8xf32>, <16x8, #qt.float<f32>> -> tensor<1x?x16xf32>
  graph.bind %1[%c1, %s, %c16] : tensor<1x?x16xf32>
  return %1 : tensor<1x?x16xf32>
}

// -----

!w = !qt.tensor<8x8, #qt.float<f32>>
// Not so where something else reads the head, whose rows are all wanted then.
// CHECK-NOT: first
// CHECK: return
graph.symbol @past past 0 to 31
graph.symbol @s input 1 to 8
func.func @main(%x: tensor<1x?x8xf32>, %w: !w) -> (tensor<1x?x8xf32>, tensor<1x?x8xf32>) {
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %s = graph.dim @s
  graph.bind %x[%c1, %s, %c8] : tensor<1x?x8xf32>
  %0 = graph.linear %x, %w : tensor<1x?x8xf32>, <8x8, #qt.float<f32>> -> tensor<1x?x8xf32>
  %1 = graph.norm "rms" %0 {epsilon = 1.0e-5 : f32} : tensor<1x?x8xf32>
  graph.bind %0[%c1, %s, %c8] : tensor<1x?x8xf32>
  graph.bind %1[%c1, %s, %c8] : tensor<1x?x8xf32>
  return %0, %1 : tensor<1x?x8xf32>, tensor<1x?x8xf32>
}

// -----

!w = !qt.tensor<16x8, #qt.float<f32>>
// Nor in a graph without a cache.
// CHECK-NOT: first
// CHECK: return
graph.symbol @s input 1 to 8
func.func @main(%x: tensor<1x?x8xf32>, %w: !w) -> tensor<1x?x16xf32> {
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %s = graph.dim @s
  graph.bind %x[%c1, %s, %c8] : tensor<1x?x8xf32>
  %1 = graph.linear %x, %w : tensor<1x?x8xf32>, <16x8, #qt.float<f32>> -> tensor<1x?x16xf32>
  return %1 : tensor<1x?x16xf32>
}

// -----

!w = !qt.tensor<16x8, #qt.int<8, axis = 1, group = 0, scale = f32, zp = int>>
// Nor where the head's input has one scale for all of its rows.
// CHECK-NOT: first
// CHECK: return
graph.symbol @past past 0 to 31
graph.symbol @s input 1 to 8
func.func @main(%x: tensor<1x?x8xf32>, %w: !w) -> tensor<1x?x16xf32> {
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %s = graph.dim @s
  graph.bind %x[%c1, %s, %c8] : tensor<1x?x8xf32>
  %0 = graph.linear %x, %w {activation = #qt.act<type = ui8, granularity = tensor, zp = true>} : tensor<1x?x8xf32>, <16x8, #qt.int<8, axis = 1, group = 0, scale = f32, zp = int>> -> tensor<1x?x16xf32>
  graph.bind %0[%c1, %s, %c16] : tensor<1x?x16xf32>
  return %0 : tensor<1x?x16xf32>
}
