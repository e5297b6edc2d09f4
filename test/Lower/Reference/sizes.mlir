// RUN: sinter-opt %s --convert-graph-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// A mask of the whole length says what is new once the past is known. What the graph says of sizes is asserted. Nothing of ours is left.
module attributes {onnx.ir_version = 10 : i64, graph.notes = []} {
  graph.symbol @s input 1 to 512
  graph.symbol @past past 0 to 512
  graph.symbol @first first 0 to 512
  // CHECK-LABEL: func.func @main(
  // CHECK-NOT: onnx.
  // CHECK-DAG: %[[TOTAL:.*]] = tensor.dim %arg0, %c0
  // CHECK-DAG: %[[PAST:.*]] = tensor.dim %arg1, %c0
  // CHECK: %[[NEW:.*]] = arith.subi %[[TOTAL]]
  // CHECK: %[[S:.*]] = arith.divsi %[[NEW]]
  // CHECK: cf.assert
  // CHECK-NOT: graph.
  func.func @main(%m: tensor<?xi64> {onnx.name = "m"}, %p: tensor<?xf32> {onnx.name = "p"}) -> (index {onnx.name = "y"}, index) {
    %s = graph.dim @s
    %past = graph.dim @past
    %first = graph.dim @first
    %total = arith.addi %s, %past : index
    graph.bind %m[%total] : tensor<?xi64>
    graph.bind %p[%past] : tensor<?xf32>
    return %s, %first : index, index
  }
}

// -----

module {
  graph.symbol @s input 1 to 512
  func.func @main(%x: tensor<?xf32>) -> index {
    // expected-error @+1 {{has no value: no size of an argument says what 's' is}}
    %s = graph.dim @s
    return %s : index
  }
}

// -----

// Weights that no file has.
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  // expected-error @+2 {{no-such-file}}
  // expected-error @+1 {{failed to legalize}}
  %w = qt.constant [#qt.source<form = dense, rows = 3, columns = 4, payload = #onnx.tensor<<"no-such-file.onnx", 0, 48>, tensor<3x4xf32>>>] : !qt.tensor<3x4, #qt.float<f32>>
  %0 = graph.linear %x, %w : tensor<?x4xf32>, !qt.tensor<3x4, #qt.float<f32>> -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
