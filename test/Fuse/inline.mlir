// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse -form-kernels | FileCheck %s

!u = !onnx.unknown
// Casts, transposes, slices and concats are computed where they are read: one kernel, no buffer but the output's.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: kern.buffer
// CHECK: output 0
// CHECK-NOT: kern.buffer
// CHECK: kern.generate
// CHECK: scf.if
// CHECK: arith.sitofp
func.func @main(%x: tensor<?x8xi32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !u {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %six = onnx.constant dense<6> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %0 = onnx.node "Slice"(%x, %two, %six, %one) {since = 13} : (tensor<?x8xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !u
  %1 = onnx.node "Concat"(%x, %0) {attributes = {axis = 1}, since = 13} : (tensor<?x8xi32>, !u) -> !u
  %2 = onnx.node "Transpose"(%1) {since = 13} : (!u) -> !u
  %3 = onnx.node "Cast"(%2) {attributes = {to = 1}, since = 13} : (!u) -> !u
  return %3 : !u
}

// -----

!u = !onnx.unknown
// A function that a larger tensor would compute again for each of its elements gets memory.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @[[EXP:generate_[0-9]+]] {{.*}} buffers(%{{.*}}, %arg0 :
// CHECK: kern.dispatch @[[SUM:generate_[0-9]+]]
// CHECK-NOT: kern.dispatch
// CHECK: func.func @[[EXP]](
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: func.func @[[SUM]](
// CHECK-NOT: math.exp
// CHECK: arith.mulf
func.func @main(%x: tensor<?x1xf32> {onnx.name = "x", onnx.dims = ["n", 1]}, %y: tensor<?x64xf32> {onnx.name = "y", onnx.dims = ["n", 64]}) -> !u {
  %0 = onnx.node "Exp"(%x) {since = 13} : (tensor<?x1xf32>) -> !u
  %1 = onnx.node "Add"(%0, %x) {since = 14} : (!u, tensor<?x1xf32>) -> !u
  %2 = onnx.node "Mul"(%1, %y) {since = 14} : (!u, tensor<?x64xf32>) -> !u
  return %2 : !u
}

// -----

!u = !onnx.unknown
// A sum does not.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @[[ONE:generate_[0-9]+]] {{.*}} buffers(%{{.*}}, %arg0, %arg1 :
// CHECK-NOT: kern.dispatch
// CHECK: func.func @[[ONE]](
// CHECK: arith.addf
// CHECK: arith.mulf
func.func @main(%x: tensor<?x1xf32> {onnx.name = "x", onnx.dims = ["n", 1]}, %y: tensor<?x64xf32> {onnx.name = "y", onnx.dims = ["n", 64]}) -> !u {
  %0 = onnx.node "Add"(%x, %x) {since = 14} : (tensor<?x1xf32>, tensor<?x1xf32>) -> !u
  %1 = onnx.node "Mul"(%0, %y) {since = 14} : (!u, tensor<?x64xf32>) -> !u
  return %1 : !u
}

// -----

!u = !onnx.unknown
// The sum that a norm reads is part of it, and so is its scale.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @norm_
// CHECK-NOT: kern.dispatch
// CHECK: kern.norm
// CHECK: arith.addf
// CHECK: arith.mulf
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %y: tensor<?x8xf32> {onnx.name = "y", onnx.dims = ["n", 8]}) -> !u {
  %s = onnx.initializer <"m.onnx", 0, 32> {name = "s"} : tensor<8xf32>
  %0 = onnx.node "Add"(%x, %y) {since = 14} : (tensor<?x8xf32>, tensor<?x8xf32>) -> !u
  %1 = onnx.node "RMSNormalization"(%0, %s) {since = 23} : (!u, tensor<8xf32>) -> !u
  return %1 : !u
}

// -----

!u = !onnx.unknown
// A view of memory is that memory.
// CHECK-LABEL: func.func @main
// CHECK: %[[Y:.*]] = kern.buffer
// CHECK-NOT: kern.buffer
// CHECK: kern.output 0 %[[Y]]
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !u {
  %shape = onnx.constant dense<[-1, 2, 4]> : tensor<3xi64>
  %0 = onnx.node "Exp"(%x) {since = 13} : (tensor<?x8xf32>) -> !u
  %1 = onnx.node "Reshape"(%0, %shape) {since = 14} : (!u, tensor<3xi64>) -> !u
  return %1 : !u
}
