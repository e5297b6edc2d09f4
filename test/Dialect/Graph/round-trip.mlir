// RUN: sinter-opt %s | sinter-opt | FileCheck %s
// RUN: sinter-opt %s --mlir-print-op-generic | sinter-opt | FileCheck %s

// CHECK: graph.symbol @n {{ *}}input 1 to 512
graph.symbol @n input 1 to 512
// CHECK: graph.symbol @past {{ *}}past 0 to 511
graph.symbol @past past 0 to 511
// CHECK: graph.symbol @first {{ *}}first 0 to 511
graph.symbol @first first 0 to 511

// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<?x8xf32>, %ids: tensor<?xi64>, %w: !qt.tensor<16x8, #qt.float<f32>>) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %c8 = arith.constant 8 : index
  // CHECK: %[[N:.*]] = graph.dim @n
  %n = graph.dim @n
  // CHECK: graph.bind %arg0[%[[N]], %c8] : tensor<?x8xf32>
  graph.bind %x[%n, %c8] : tensor<?x8xf32>
  // CHECK: graph.norm "rms" %arg0 {epsilon = 9.99999974E-6 : f32} : tensor<?x8xf32>
  %0 = graph.norm "rms" %x {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>
  // CHECK: graph.linear %{{.*}}, %arg2 {activation = #qt.act<type = i8, granularity = token>} : tensor<?x8xf32>, <16x8, #qt.float<f32>> -> tensor<?x16xf32>
  %1 = graph.linear %0, %w {activation = #qt.act<type = i8, granularity = token>} : tensor<?x8xf32>, <16x8, #qt.float<f32>> -> tensor<?x16xf32>
  // CHECK: graph.embedding %arg1, %arg2 : tensor<?xi64>, <16x8, #qt.float<f32>> -> tensor<?x8xf32>
  %2 = graph.embedding %ids, %w : tensor<?xi64>, <16x8, #qt.float<f32>> -> tensor<?x8xf32>
  return %1, %2 : tensor<?x16xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<4x8xf32>) -> (tensor<4xi64>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x4xf32>) {
  // CHECK: graph.reduce "argmax" %arg0 axes [1] {last} : tensor<4x8xf32> -> tensor<4xi64>
  %0 = graph.reduce "argmax" %x axes [1] {last} : tensor<4x8xf32> -> tensor<4xi64>
  // CHECK: graph.softmax %arg0 {log} : tensor<4x8xf32>
  %1 = graph.softmax %x {log} : tensor<4x8xf32>
  // CHECK: graph.scan %arg0 axis 1 {reverse} : tensor<4x8xf32>
  %2 = graph.scan %x axis 1 {reverse} : tensor<4x8xf32>
  %t = tensor.empty() : tensor<8x4xf32>
  // CHECK: graph.matmul %arg0, %{{.*}} : tensor<4x8xf32>, tensor<8x4xf32> -> tensor<4x4xf32>
  %3 = graph.matmul %x, %t : tensor<4x8xf32>, tensor<8x4xf32> -> tensor<4x4xf32>
  return %0, %1, %2, %3 : tensor<4xi64>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x4xf32>
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<1x8x3x16xf32>, %p: tensor<1x2x?x16xf32>, %k: tensor<1x2x3x16xf32>, %m: tensor<1x1x3x?xi1>, %s: tensor<8xf32>) -> tensor<1x3x8x16xf32> {
  // CHECK: graph.append %arg1, %arg2 axis 2 : tensor<1x2x?x16xf32>, tensor<1x2x3x16xf32> -> tensor<1x2x?x16xf32>
  %0 = graph.append %p, %k axis 2 : tensor<1x2x?x16xf32>, tensor<1x2x3x16xf32> -> tensor<1x2x?x16xf32>
  // CHECK: graph.attention %arg0, %{{.*}}, %{{.*}} mask %arg3 : tensor<1x1x3x?xi1> sinks %arg4 : tensor<8xf32> {causal, scale = 2.500000e-01 : f32, softcap = 3.000000e+01 : f32, window = 4 : i64}
  %1 = graph.attention %q, %0, %0 mask %m : tensor<1x1x3x?xi1> sinks %s : tensor<8xf32> {scale = 0.25 : f32, softcap = 30.0 : f32, causal, window = 4}
    : tensor<1x8x3x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32> -> tensor<1x3x8x16xf32>
  return %1 : tensor<1x3x8x16xf32>
}

// CHECK-LABEL: func.func @stacked
func.func @stacked(%p: tensor<2x1x2x?x16xf32>, %k: tensor<1x2x3x16xf32>) -> tensor<1x2x?x16xf32> {
  // CHECK: graph.append %arg0 half 1, %arg1 axis 2 : tensor<2x1x2x?x16xf32>, tensor<1x2x3x16xf32> -> tensor<1x2x?x16xf32>
  %0 = graph.append %p half 1, %k axis 2 : tensor<2x1x2x?x16xf32>, tensor<1x2x3x16xf32> -> tensor<1x2x?x16xf32>
  return %0 : tensor<1x2x?x16xf32>
}

// CHECK-LABEL: func.func @places
func.func @places(%x: tensor<4x8xf32>, %i: tensor<3x1xi64>, %u: tensor<3x8xf32>) -> (tensor<4x8xf32>, tensor<4x2xf32>, tensor<4x2xi64>) {
  %k = arith.constant 2 : index
  // CHECK: graph.scatter %arg0, %arg1, %arg2 combine "add" : tensor<4x8xf32>, tensor<3x1xi64>, tensor<3x8xf32> -> tensor<4x8xf32>
  %0 = graph.scatter %x, %i, %u combine "add" : tensor<4x8xf32>, tensor<3x1xi64>, tensor<3x8xf32> -> tensor<4x8xf32>
  // CHECK: graph.topk %arg0, %{{.*}} {largest} : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi64>
  %1:2 = graph.topk %x, %k {largest} : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi64>
  return %0, %1#0, %1#1 : tensor<4x8xf32>, tensor<4x2xf32>, tensor<4x2xi64>
}
