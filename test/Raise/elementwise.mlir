// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s

// The element of a broadcast operand is read at 0 where its size is 1, and at the last indices where its rank is smaller.
// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = graph.dim @n
// CHECK: tensor.generate %[[N]]
// CHECK-NEXT: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK-DAG: %[[X:.*]] = tensor.extract %arg0[%[[I]], %[[J]]] : tensor<?x8xf32>
// CHECK-DAG: %[[B:.*]] = tensor.extract %{{.*}}[%[[J]]] : tensor<8xf32>
// CHECK: %[[SUM:.*]] = arith.addf %[[X]], %[[B]] : f32
// CHECK-NEXT: tensor.yield %[[SUM]]
// CHECK: tensor.generate %[[N]]
// CHECK-NEXT: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK: tensor.extract %arg1[%[[I]], %c0{{.*}}] : tensor<?x1xf32>
// CHECK: arith.mulf
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %c: tensor<?x1xf32> {onnx.name = "c", onnx.dims = ["n", 1]}) -> !onnx.unknown {
  %b = onnx.initializer <"m.onnx", 0, 32> {name = "b"} : tensor<8xf32>
  %0 = onnx.node "Add"(%x, %b) {since = 14} : (tensor<?x8xf32>, tensor<8xf32>) -> !onnx.unknown
  %1 = onnx.node "Mul"(%c, %0) {since = 14} : (tensor<?x1xf32>, !onnx.unknown) -> !onnx.unknown
  return %1 : !onnx.unknown
}

// -----

// Signedness is that of the file's types; a number stays in the file's type at the interface.
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<4xi8> {graph.element = ui8
// CHECK: arith.uitofp {{.*}} : i8 to f32
// CHECK: arith.sitofp {{.*}} : i8 to f32
// CHECK: arith.cmpi ugt
// CHECK: arith.cmpi sgt
func.func @main(%u: tensor<4xui8> {onnx.name = "u"}, %s: tensor<4xi8> {onnx.name = "s"}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %0 = onnx.node "Cast"(%u) {attributes = {to = 1}, since = 13} : (tensor<4xui8>) -> !onnx.unknown
  %1 = onnx.node "Cast"(%s) {attributes = {to = 1}, since = 13} : (tensor<4xi8>) -> !onnx.unknown
  %2 = onnx.node "Greater"(%u, %u) {since = 13} : (tensor<4xui8>, tensor<4xui8>) -> !onnx.unknown
  %3 = onnx.node "Greater"(%s, %s) {since = 13} : (tensor<4xi8>, tensor<4xi8>) -> !onnx.unknown
  return %0, %1, %2, %3 : !onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// A power of two is a product; a zero divisor from outside must not trap; x % y has the sign of y.
// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = tensor.extract %arg0
// CHECK: arith.mulf %[[X]], %[[X]] : f32
// CHECK-NOT: math.powf
// CHECK: %[[D:.*]] = tensor.extract %arg1
// CHECK: %[[ZERO:.*]] = arith.cmpi eq, %[[D]], %{{.*}} : i64
// CHECK: %[[SAFE:.*]] = arith.select %[[ZERO]], %{{.*}}, %[[D]] : i64
// CHECK: arith.divsi %{{.*}}, %[[SAFE]] : i64
// CHECK: %[[REST:.*]] = arith.remsi
// CHECK: arith.addi %[[REST]],
func.func @main(%x: tensor<4xf32> {onnx.name = "x"}, %i: tensor<4xi64> {onnx.name = "i"}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %two = onnx.constant dense<2.0> : tensor<f32>
  %0 = onnx.node "Pow"(%x, %two) {since = 15} : (tensor<4xf32>, tensor<f32>) -> !onnx.unknown
  %1 = onnx.node "Div"(%i, %i) {since = 14} : (tensor<4xi64>, tensor<4xi64>) -> !onnx.unknown
  %2 = onnx.node "Mod"(%i, %i) {since = 13} : (tensor<4xi64>, tensor<4xi64>) -> !onnx.unknown
  return %0, %1, %2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// What is known when compiling leaves no node: 8 > n, so the first branch it is.
// CHECK-LABEL: func.func @main
// CHECK-NOT: arith.cmpi
// CHECK: math.tanh
// CHECK-NOT: arith.select
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !onnx.unknown {
  %eight = onnx.constant dense<8> : tensor<1xi64>
  %0 = onnx.node "Shape"(%x) {attributes = {start = 0, end = 1}, since = 15} : (tensor<?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Greater"(%eight, %0) {since = 13} : (tensor<1xi64>, !onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Where"(%1, %eight, %0) {since = 16} : (!onnx.unknown, tensor<1xi64>, !onnx.unknown) -> !onnx.unknown
  %all = onnx.constant dense<-1> : tensor<1xi64>
  %3 = onnx.node "Concat"(%all, %2) {attributes = {axis = 0}, since = 13} : (tensor<1xi64>, !onnx.unknown) -> !onnx.unknown
  %4 = onnx.node "Reshape"(%x, %3) {since = 14} : (tensor<?x8xf32>, !onnx.unknown) -> !onnx.unknown
  %5 = onnx.node "Tanh"(%4) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  return %5 : !onnx.unknown
}
