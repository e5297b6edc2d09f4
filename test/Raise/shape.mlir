// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=n=1..4 dims=s=1..16 dims=past_s=0..32" -cse | FileCheck %s

// Shape, Gather, Unsqueeze, Mul, Concat, Reshape: the arithmetic of sizes vanishes, one view is left.
// CHECK: graph.symbol @n {{ *}}input 1 to 4
// CHECK: graph.symbol @s {{ *}}input 1 to 16
// CHECK-LABEL: func.func @main
// CHECK-SAME: -> (tensor<?x?x4x16xf32>
// CHECK-NOT: tensor.generate
// CHECK: %[[N:.*]] = graph.dim @n
// CHECK: %[[S:.*]] = graph.dim @s
// CHECK: %[[SIZES:.*]] = tensor.from_elements %[[N]], %[[S]], %c4, %c16
// CHECK: %[[Y:.*]] = tensor.reshape %arg0(%[[SIZES]])
// CHECK: graph.bind %[[Y]][%[[N]], %[[S]], %c4, %c16]
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["n", "s", 64]}) -> !onnx.unknown {
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %axis = onnx.constant dense<0> : tensor<1xi64>
  %rest = onnx.constant dense<[4, -1]> : tensor<2xi64>
  %0 = onnx.node "Shape"(%x) {since = 15} : (tensor<?x?x64xf32>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%0, %zero) {attributes = {axis = 0}, since = 13} : (!onnx.unknown, tensor<i64>) -> !onnx.unknown
  %2 = onnx.node "Gather"(%0, %one) {attributes = {axis = 0}, since = 13} : (!onnx.unknown, tensor<i64>) -> !onnx.unknown
  %3 = onnx.node "Unsqueeze"(%1, %axis) {since = 13} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %4 = onnx.node "Unsqueeze"(%2, %axis) {since = 13} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %5 = onnx.node "Concat"(%3, %4, %rest) {attributes = {axis = 0}, since = 13} : (!onnx.unknown, !onnx.unknown, tensor<2xi64>) -> !onnx.unknown
  %6 = onnx.node "Reshape"(%x, %5) {since = 14} : (tensor<?x?x64xf32>, !onnx.unknown) -> !onnx.unknown
  return %6 : !onnx.unknown
}

// -----

// -1 is divided out as a polynomial: n * s * 64 / 64.
// CHECK-LABEL: func.func @main
// CHECK: %[[P:.*]] = arith.muli %{{.*}}, %{{.*}} : index
// CHECK: tensor.from_elements %[[P]], %c64
// CHECK-NOT: floordiv
// CHECK: graph.bind %{{.*}}[%[[P]], %c64]
func.func @main(%x: tensor<?x?x64xf32> {onnx.name = "x", onnx.dims = ["n", "s", 64]}) -> !onnx.unknown {
  %shape = onnx.constant dense<[-1, 64]> : tensor<2xi64>
  %0 = onnx.node "Reshape"(%x, %shape) {since = 14} : (tensor<?x?x64xf32>, tensor<2xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// Axes from an attribute (opset 11) and counted from the end; what was inserted is removed again.
// CHECK-LABEL: func.func @main
// CHECK-SAME: -> (tensor<?x8x1xf32>
// CHECK-SAME: tensor<?x1xf32>
// CHECK-COUNT-3: tensor.reshape
// CHECK-NOT: tensor.reshape
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!onnx.unknown, !onnx.unknown) {
  %0 = onnx.node "Unsqueeze"(%x) {attributes = {axes = array<i64: 0, -1>}, since = 11} : (tensor<?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Squeeze"(%0) {attributes = {axes = array<i64: 0>}, since = 11} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Flatten"(%1) {attributes = {axis = 3}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  return %1, %2 : !onnx.unknown, !onnx.unknown
}

// -----

// The size of a range is an expression, its elements arithmetic on the index.
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = graph.dim @s
// CHECK: tensor.generate %[[S]]
// CHECK: arith.index_cast
// CHECK: } : tensor<?xi64>
// CHECK: tensor.generate %[[S]]
// CHECK-NEXT: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK: tensor.extract %arg0[%[[J]], %[[I]]] : tensor<8x?xf32>
func.func @main(%x: tensor<8x?xf32> {onnx.name = "x", onnx.dims = [8, "s"]}) -> (!onnx.unknown, !onnx.unknown) {
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %0 = onnx.node "Shape"(%x) {since = 15} : (tensor<8x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%0, %one) {attributes = {axis = 0}, since = 13} : (!onnx.unknown, tensor<i64>) -> !onnx.unknown
  %2 = onnx.node "Range"(%zero, %1, %one) {since = 11} : (tensor<i64>, !onnx.unknown, tensor<i64>) -> !onnx.unknown
  %3 = onnx.node "Transpose"(%x) {since = 13} : (tensor<8x?xf32>) -> !onnx.unknown
  return %2, %3 : !onnx.unknown, !onnx.unknown
}

// -----

// A computed tensor without elements is one, too.
// CHECK-LABEL: func.func @main
// CHECK: tensor.generate
// CHECK: } : tensor<0xi64>
func.func @main() -> !onnx.unknown {
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %0 = onnx.node "Range"(%zero, %zero, %one) {since = 11} : (tensor<i64>, tensor<i64>, tensor<i64>) -> !onnx.unknown
  %1 = onnx.node "Neg"(%0) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  return %1 : !onnx.unknown
}

// -----

// total = past + sequence is found from the shapes; a name with a plus is such a sum, too.
// CHECK: graph.symbol @past_s
// CHECK-NOT: graph.symbol
// CHECK: func.func @main
// CHECK: %[[S:.*]] = graph.dim @s
// CHECK: %[[P:.*]] = graph.dim @past_s
// CHECK: %[[T:.*]] = arith.addi %{{.*}}, %{{.*}} : index
// CHECK: graph.bind %arg2[%c1, %[[T]]]
func.func @main(%x: tensor<1x?xf32> {onnx.name = "x", onnx.dims = [1, "s"]}, %p: tensor<1x?xf32> {onnx.name = "p", onnx.dims = [1, "past_s"]},
                %m: tensor<1x?xf32> {onnx.name = "m", onnx.dims = [1, "past_s + s"]}, %t: tensor<1x?xf32> {onnx.name = "t", onnx.dims = [1, "total"]}) -> !onnx.unknown {
  %0 = onnx.node "Concat"(%p, %x) {attributes = {axis = 1}, since = 13} : (tensor<1x?xf32>, tensor<1x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Add"(%0, %t) {since = 14} : (!onnx.unknown, tensor<1x?xf32>) -> !onnx.unknown
  %2 = onnx.node "Add"(%1, %m) {since = 14} : (!onnx.unknown, tensor<1x?xf32>) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// A floor division of a size as exporters write it: with a correction for negative sizes, of which there are none. And the root of a constant.
// CHECK: func.func @main
// CHECK-NOT: math.sqrt
// CHECK: return %{{.*}} : tensor<3x?xf32>
func.func @main(%x: tensor<?x6xf32> {onnx.name = "x", onnx.dims = ["n", 6]}) -> !onnx.unknown {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %nine = onnx.constant dense<9.0> : tensor<1xf32>
  %half = onnx.constant dense<0.5> : tensor<f32>
  %n = onnx.node "Shape"(%x) {attributes = {start = 0, end = 1}, since = 18} : (tensor<?x6xf32>) -> !onnx.unknown
  %quotient = onnx.node "Div"(%n, %two) {since = 18} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %sign = onnx.node "Sign"(%n) {since = 18} : (!onnx.unknown) -> !onnx.unknown
  %positive = onnx.node "Equal"(%sign, %one) {since = 18} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %negative = onnx.node "Not"(%positive) {since = 18} : (!onnx.unknown) -> !onnx.unknown
  %rest = onnx.node "Mod"(%n, %two) {since = 18} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %uneven = onnx.node "Cast"(%rest) {attributes = {to = 9}, since = 18} : (!onnx.unknown) -> !onnx.unknown
  %wrong = onnx.node "And"(%negative, %uneven) {since = 18} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %one_less = onnx.node "Cast"(%wrong) {attributes = {to = 7}, since = 18} : (!onnx.unknown) -> !onnx.unknown
  %floor = onnx.node "Sub"(%quotient, %one_less) {since = 18} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %root = onnx.node "Pow"(%nine, %half) {since = 18} : (tensor<1xf32>, tensor<f32>) -> !onnx.unknown
  %three = onnx.node "Cast"(%root) {attributes = {to = 7}, since = 18} : (!onnx.unknown) -> !onnx.unknown
  %zero = onnx.constant dense<0.0> : tensor<1xf32>
  %shape = onnx.node "Concat"(%three, %floor) {attributes = {axis = 0}, since = 18} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %0 = onnx.node "Expand"(%zero, %shape) {since = 18} : (tensor<1xf32>, !onnx.unknown) -> !onnx.unknown
  return %0 : !onnx.unknown
}
