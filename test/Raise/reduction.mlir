// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s

// Reduced axes vanish, keepdims is a view, a mean divides by the number of elements.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<?x1x1xf32> {{.*}}, tensor<8x6xf32> {{.*}}, tensor<f32>
// CHECK: %[[SUM:.*]] = graph.reduce "add" %arg0 axes [1, 2] : tensor<?x8x6xf32> -> tensor<?xf32>
// CHECK: %[[MEAN:.*]] = tensor.generate
// CHECK: %[[COUNT:.*]] = arith.constant 48 : index
// CHECK: arith.divf
// CHECK: tensor.reshape %[[MEAN]]
// CHECK: graph.reduce "max" %arg0 axes [0] : tensor<?x8x6xf32> -> tensor<8x6xf32>
// CHECK: graph.reduce "mul" %arg0 axes [0, 1, 2] : tensor<?x8x6xf32> -> tensor<f32>
func.func @main(%x: tensor<?x8x6xf32> {onnx.name = "x", onnx.dims = ["n", 8, 6]}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %axes = onnx.constant dense<[-1, 1]> : tensor<2xi64>
  %0 = onnx.node "ReduceMean"(%x, %axes) {since = 18} : (tensor<?x8x6xf32>, tensor<2xi64>) -> !onnx.unknown
  %1 = onnx.node "ReduceMax"(%x) {attributes = {axes = array<i64: 0>, keepdims = 0}, since = 13} : (tensor<?x8x6xf32>) -> !onnx.unknown
  %2 = onnx.node "ReduceProd"(%x) {attributes = {keepdims = 0}, since = 13} : (tensor<?x8x6xf32>) -> !onnx.unknown
  return %0, %1, %2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// What is done to an element before the sum and to the sum.
// CHECK-LABEL: func.func @main
// CHECK: arith.mulf
// CHECK: graph.reduce "add"
// CHECK: math.sqrt
// CHECK: graph.reduce "argmax" %arg0 axes [1] {last} : tensor<?x8xf32> -> tensor<?xi64>
// CHECK: graph.scan %arg0 axis 1 {exclusive} : tensor<?x8xf32>
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %axis = onnx.constant dense<-1> : tensor<1xi64>
  %0 = onnx.node "ReduceL2"(%x, %axis) {since = 18} : (tensor<?x8xf32>, tensor<1xi64>) -> !onnx.unknown
  %1 = onnx.node "ArgMax"(%x) {attributes = {axis = -1, keepdims = 0, select_last_index = 1}, since = 13} : (tensor<?x8xf32>) -> !onnx.unknown
  %2 = onnx.node "CumSum"(%x, %axis) {attributes = {exclusive = 1}, since = 14} : (tensor<?x8xf32>, tensor<1xi64>) -> !onnx.unknown
  return %0, %1, %2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// A product of sizes is known: no reduction is left.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<?xf32>
// CHECK-NOT: graph.reduce
// CHECK: tensor.reshape %arg0
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !onnx.unknown {
  %0 = onnx.node "Shape"(%x) {since = 15} : (tensor<?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "ReduceProd"(%0) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Reshape"(%x, %1) {since = 14} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// What has no sign is compared with its top bit turned: a bool's only one, too.
// CHECK-LABEL: func.func @main
// CHECK: %[[TURNED:.*]] = tensor.generate
// CHECK: %[[SIGN:.*]] = arith.constant -128 : i8
// CHECK: arith.xori %{{.*}}, %[[SIGN]] : i8
// CHECK: %[[MAX:.*]] = graph.reduce "max" %[[TURNED]] axes [1]
// CHECK: %[[BYTE:.*]] = tensor.extract %[[MAX]]
// CHECK: arith.xori %[[BYTE]],
// CHECK: arith.xori {{.*}} : i1
// CHECK: graph.reduce "min"
// CHECK: arith.xori {{.*}} : i1
// A sum needs none.
// CHECK-NOT: arith.xori
// CHECK: graph.reduce "add"
// CHECK: graph.reduce "argmax" %[[TURNED]]
func.func @main(%x: tensor<?x8xui8> {onnx.name = "x", onnx.dims = ["n", 8]}, %y: tensor<?x8xi1> {onnx.name = "y", onnx.dims = ["n", 8]}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %0 = onnx.node "ReduceMax"(%x, %axis) {since = 18} : (tensor<?x8xui8>, tensor<1xi64>) -> !onnx.unknown
  %1 = onnx.node "ReduceMin"(%y, %axis) {since = 20} : (tensor<?x8xi1>, tensor<1xi64>) -> !onnx.unknown
  %2 = onnx.node "ReduceSum"(%x, %axis) {since = 18} : (tensor<?x8xui8>, tensor<1xi64>) -> !onnx.unknown
  %3 = onnx.node "ArgMax"(%x) {attributes = {axis = 1}, since = 13} : (tensor<?x8xui8>) -> !onnx.unknown
  return %0, %1, %2, %3 : !onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown
}
