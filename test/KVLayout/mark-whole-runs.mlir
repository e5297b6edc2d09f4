// RUN: sinter-opt %s -split-input-file -mark-whole-runs | FileCheck %s

// A sum over the tokens of a run differs from that over the tokens of a piece of it.
// CHECK: module attributes {
// CHECK-SAME: graph.notes = {{.*}}a prompt is run as one piece, because its tokens are mixed by a reduction over the sequence
// CHECK-SAME: graph.whole_runs
module {
  graph.symbol @past past 0 to 31
  graph.symbol @s input 1 to 8
  func.func @main(%past: tensor<1x2x?x4xf32>, %x: tensor<1x2x?x4xf32>) -> (tensor<1x2x?x4xf32>, tensor<1x2x4xf32>) {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %p = graph.dim @past
    %s = graph.dim @s
    graph.bind %past[%c1, %c2, %p, %c4] : tensor<1x2x?x4xf32>
    graph.bind %x[%c1, %c2, %s, %c4] : tensor<1x2x?x4xf32>
    %t = arith.addi %p, %s : index
    %0 = graph.append %past, %x axis 2 : tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32> -> tensor<1x2x?x4xf32>
    graph.bind %0[%c1, %c2, %t, %c4] : tensor<1x2x?x4xf32>
    %1 = graph.reduce "add" %x axes [2] : tensor<1x2x?x4xf32> -> tensor<1x2x4xf32>
    graph.bind %1[%c1, %c2, %c4] : tensor<1x2x4xf32>
    return %0, %1 : tensor<1x2x?x4xf32>, tensor<1x2x4xf32>
  }
}

// -----

// One over all tokens so far does not, nor does one over a token's own channels.
// CHECK: module {
// CHECK-NOT: whole_runs
module {
  graph.symbol @past past 0 to 31
  graph.symbol @s input 1 to 8
  func.func @main(%past: tensor<1x2x?x4xf32>, %x: tensor<1x2x?x4xf32>) -> (tensor<1x2x?x4xf32>, tensor<1x2x4xf32>, tensor<1x2x?xf32>) {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %p = graph.dim @past
    %s = graph.dim @s
    graph.bind %past[%c1, %c2, %p, %c4] : tensor<1x2x?x4xf32>
    graph.bind %x[%c1, %c2, %s, %c4] : tensor<1x2x?x4xf32>
    %t = arith.addi %p, %s : index
    %0 = graph.append %past, %x axis 2 : tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32> -> tensor<1x2x?x4xf32>
    graph.bind %0[%c1, %c2, %t, %c4] : tensor<1x2x?x4xf32>
    %1 = graph.reduce "add" %0 axes [2] : tensor<1x2x?x4xf32> -> tensor<1x2x4xf32>
    graph.bind %1[%c1, %c2, %c4] : tensor<1x2x4xf32>
    %2 = graph.reduce "add" %x axes [3] : tensor<1x2x?x4xf32> -> tensor<1x2x?xf32>
    graph.bind %2[%c1, %c2, %s] : tensor<1x2x?xf32>
    return %0, %1, %2 : tensor<1x2x?x4xf32>, tensor<1x2x4xf32>, tensor<1x2x?xf32>
  }
}
