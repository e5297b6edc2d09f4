// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse | FileCheck %s

// An index from outside counts from the end where it is negative, and is clamped: no read is out of bounds.
// CHECK-LABEL: func.func @main
// CHECK: tensor.generate %{{.*}} {
// CHECK-NEXT: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK-NEXT: %[[ID:.*]] = tensor.extract %arg0[%[[I]]]
// CHECK: %[[AT:.*]] = arith.index_cast %[[ID]] : i64 to index
// CHECK: arith.addi %[[AT]], %c10
// CHECK: arith.select
// CHECK: arith.minsi
// CHECK: %[[SAFE:.*]] = arith.maxsi
// CHECK: tensor.extract %{{.*}}[%[[SAFE]], %[[J]]] : tensor<10x8xf32>
func.func @main(%ids: tensor<?xi64> {onnx.name = "ids", onnx.dims = ["n"]}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 320> {name = "w"} : tensor<10x8xf32>
  %0 = onnx.node "Gather"(%w, %ids) {attributes = {axis = 0}, since = 13} : (tensor<10x8xf32>, tensor<?xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// Each side of a concat reads only inside its part.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<?x11xf32>
// CHECK: tensor.generate
// CHECK-NEXT: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK: %[[FIRST:.*]] = arith.cmpi slt, %[[J]], %c8
// CHECK: scf.if %[[FIRST]]
// CHECK: tensor.extract %arg0[%[[I]], %[[J]]]
// CHECK: else
// CHECK: %[[K:.*]] = arith.subi %[[J]], %c8
// CHECK: tensor.extract %arg1[%[[I]], %[[K]]]
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %y: tensor<?x3xf32> {onnx.name = "y", onnx.dims = ["n", 3]}) -> !onnx.unknown {
  %0 = onnx.node "Concat"(%x, %y) {attributes = {axis = -1}, since = 13} : (tensor<?x8xf32>, tensor<?x3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// [2:7], [-3:], [::-2] and a bound far behind the end.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<5xf32> {{.*}}, tensor<3xf32> {{.*}}, tensor<4xf32> {{.*}}, tensor<1xf32>
// CHECK: arith.addi %c2{{[_0-9]*}}, %{{.*}} : index
// CHECK: tensor<5xf32>
// CHECK: arith.addi %c5{{[_0-9]*}}, %{{.*}} : index
// CHECK: tensor<3xf32>
// CHECK: %[[BACK:.*]] = arith.muli %{{.*}}, %c-2
// CHECK: arith.addi %c7{{[_0-9]*}}, %[[BACK]]
// CHECK: tensor<4xf32>
// CHECK: arith.addi %c7{{[_0-9]*}}, %{{.*}} : index
func.func @main(%x: tensor<8xf32> {onnx.name = "x"}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %seven = onnx.constant dense<7> : tensor<1xi64>
  %back = onnx.constant dense<-3> : tensor<1xi64>
  %step = onnx.constant dense<-2> : tensor<1xi64>
  %max = onnx.constant dense<9223372036854775807> : tensor<1xi64>
  %min = onnx.constant dense<-9223372036854775808> : tensor<1xi64>
  %0 = onnx.node "Slice"(%x, %two, %seven) {since = 13} : (tensor<8xf32>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  %1 = onnx.node "Slice"(%x, %back, %max) {since = 13} : (tensor<8xf32>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  %2 = onnx.node "Slice"(%x, %max, %min, %zero, %step) {since = 13} : (tensor<8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  %3 = onnx.node "Slice"(%x, %seven, %max) {since = 13} : (tensor<8xf32>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  return %0, %1, %2, %3 : !onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// Seven into three parts: 3, 3 and 1.
// CHECK-LABEL: func.func @main
// CHECK: -> (tensor<?x3xf32> {{.*}}, tensor<?x3xf32> {{.*}}, tensor<?x1xf32>
// CHECK: arith.addi %{{.*}}, %c3
// CHECK: arith.addi %{{.*}}, %c6
func.func @main(%x: tensor<?x7xf32> {onnx.name = "x", onnx.dims = ["n", 7]}) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %0:3 = onnx.node "Split"(%x) {attributes = {axis = 1, num_outputs = 3}, since = 18} : (tensor<?x7xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %0#0, %0#1, %0#2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// The upper triangle above the main diagonal.
// CHECK-LABEL: func.func @main
// CHECK: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK: %[[ROW:.*]] = arith.addi %[[I]], %{{.*}}
// CHECK: %[[KEEP:.*]] = arith.cmpi sge, %[[J]], %[[ROW]]
// CHECK: arith.select %[[KEEP]]
func.func @main(%x: tensor<8x8xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %one = onnx.constant dense<1> : tensor<i64>
  %0 = onnx.node "Trilu"(%x, %one) {attributes = {upper = 1}, since = 14} : (tensor<8x8xf32>, tensor<i64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
