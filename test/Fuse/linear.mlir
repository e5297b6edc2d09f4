// RUN: sinter-opt %s -split-input-file -raise-onnx=dims=n=1..4 -cse -form-kernels | FileCheck %s

!u = !onnx.unknown
// The bias is an epilogue. Two linears that differ in their buffers only are one kernel with two dispatches.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qt.constant {{.*}}"m.onnx", 0, 512
// CHECK: kern.dispatch @[[LINEAR:linear_[0-9]+]] grid(%{{.*}}) buffers(%arg0, %[[W]], %{{.*}}, %{{.*}} :
// CHECK: %[[V:.*]] = qt.constant {{.*}}"m.onnx", 512, 512
// CHECK: kern.dispatch @[[LINEAR]] grid(%{{.*}}) buffers(%arg0, %[[V]],
// CHECK-NOT: kern.dispatch
// CHECK: kern.output 0
// CHECK: func.func @[[LINEAR]](
// CHECK: kern.linear
// CHECK: epilogue {
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[ROW:.*]]: index, %[[COL:.*]]: index):
// CHECK-NEXT: %[[BIAS:.*]] = memref.load %{{.*}}[%[[COL]]] : memref<16xf32>
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[ACC]], %[[BIAS]]
// CHECK-NEXT: kern.yield %[[SUM]]
// CHECK-NOT: func.func
func.func @main(%x: tensor<1x?x8xf32> {onnx.name = "x", onnx.dims = [1, "n", 8]}) -> (!u, !u) {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %v = onnx.initializer <"m.onnx", 512, 512> {name = "v"} : tensor<8x16xf32>
  %b = onnx.initializer <"m.onnx", 1024, 64> {name = "b"} : tensor<16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<1x?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "Add"(%0, %b) {since = 14} : (!u, tensor<16xf32>) -> !u
  %2 = onnx.node "MatMul"(%x, %v) {since = 13} : (tensor<1x?x8xf32>, tensor<8x16xf32>) -> !u
  %3 = onnx.node "Add"(%2, %b) {since = 14} : (!u, tensor<16xf32>) -> !u
  return %1, %3 : !u, !u
}

// -----

!u = !onnx.unknown
// A linear that two read has memory of its own, and no epilogue.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @linear_{{.*}} buffers(%arg0, %{{.*}}, %{{.*}} : tensor<?x8xf32>, !qt.tensor<16x8, #qt.float<f32>>, memref<?xf32>)
// CHECK: kern.dispatch @generate_
// CHECK: kern.dispatch @generate_
// CHECK: kern.linear
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32,
// CHECK-NEXT: kern.yield %[[ACC]]
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!u, !u) {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "Neg"(%0) {since = 13} : (!u) -> !u
  %2 = onnx.node "Abs"(%0) {since = 13} : (!u) -> !u
  return %1, %2 : !u, !u
}

// -----

!u = !onnx.unknown
// What is read at another index than the linear's own cannot be its epilogue.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @linear_
// CHECK: kern.dispatch @generate_
// CHECK: func.func @generate_
// CHECK: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
// CHECK: memref.load %{{.*}}[%[[J]], %[[I]]]
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !u {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "Transpose"(%0) {since = 13} : (!u) -> !u
  return %1 : !u
}

// -----

!u = !onnx.unknown
// An activation that was taken apart is an epilogue as a whole, although its input is read twice on the way.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @[[LINEAR:linear_[0-9]+]]
// CHECK-NOT: kern.dispatch
// CHECK: kern.output 0
// CHECK: func.func @[[LINEAR]](
// CHECK: epilogue {
// CHECK: math.erf
// CHECK: kern.yield
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !u {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %b = onnx.initializer <"m.onnx", 512, 64> {name = "b"} : tensor<16xf32>
  %root = onnx.constant dense<1.414214> : tensor<f32>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "Add"(%0, %b) {since = 14} : (!u, tensor<16xf32>) -> !u
  %2 = onnx.node "Div"(%1, %root) {since = 14} : (!u, tensor<f32>) -> !u
  %3 = onnx.node "Erf"(%2) {since = 13} : (!u) -> !u
  %4 = onnx.node "Add"(%3, %one) {since = 14} : (!u, tensor<f32>) -> !u
  %5 = onnx.node "Mul"(%1, %4) {since = 14} : (!u, !u) -> !u
  return %5 : !u
}

// -----

!u = !onnx.unknown
// The same, but somebody else reads the sum: it is what is stored, and the rest is computed from it.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @linear_
// CHECK: kern.dispatch @generate_
// CHECK: epilogue {
// CHECK: arith.addf
// CHECK-NOT: math.erf
// CHECK: kern.yield
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!u, !u) {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %b = onnx.initializer <"m.onnx", 512, 64> {name = "b"} : tensor<16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "Add"(%0, %b) {since = 14} : (!u, tensor<16xf32>) -> !u
  %2 = onnx.node "Erf"(%1) {since = 13} : (!u) -> !u
  %3 = onnx.node "Mul"(%1, %2) {since = 14} : (!u, !u) -> !u
  return %1, %3 : !u, !u
}

// -----

!u = !onnx.unknown
// Two linears of different inputs whose sum goes on, as where attention and feed-forward are parallel: the sum is computed behind one of them, and the other has memory.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @linear_
// CHECK: kern.dispatch @linear_
// CHECK-NOT: kern.dispatch
// CHECK: kern.output 0
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %y: tensor<?x8xf32> {onnx.name = "y", onnx.dims = ["n", 8]}) -> !u {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %v = onnx.initializer <"m.onnx", 512, 512> {name = "v"} : tensor<8x16xf32>
  %b = onnx.initializer <"m.onnx", 1024, 64> {name = "b"} : tensor<16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "MatMul"(%y, %v) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %2 = onnx.node "Add"(%1, %b) {since = 14} : (!u, tensor<16xf32>) -> !u
  %3 = onnx.node "Add"(%0, %2) {since = 14} : (!u, !u) -> !u
  %4 = onnx.node "Relu"(%3) {since = 14} : (!u) -> !u
  return %4 : !u
}

// -----

!u = !onnx.unknown
// Of one input, they are one kernel: a gate, here with biases and a SiLU, and what it gates. Only the product is stored.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qt.constant {{.*}}"m.onnx", 0, 512
// CHECK: %[[V:.*]] = qt.constant {{.*}}"m.onnx", 512, 512
// CHECK: kern.dispatch @[[LINEAR:linear_[0-9]+]] {{.*}}%[[W]]{{.*}}%[[V]]
// CHECK-NOT: kern.dispatch
// CHECK: kern.output 0
// CHECK: func.func @[[LINEAR]](
// CHECK: kern.linear {{.*}} weights(%{{.*}}, %{{.*}} : memref<?xi8>, memref<?xi8>)
// CHECK: ^bb0(%[[GATE:.*]]: f32, %[[UP:.*]]: f32, %{{.*}}: index, %[[COL:.*]]: index):
// CHECK-DAG: %[[GATED:.*]] = arith.addf %[[GATE]], %{{.*}} : f32
// CHECK-DAG: arith.addf %[[UP]], %{{.*}} : f32
// CHECK-DAG: math.exp
// CHECK: kern.yield
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !u {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %v = onnx.initializer <"m.onnx", 512, 512> {name = "v"} : tensor<8x16xf32>
  %b = onnx.initializer <"m.onnx", 1024, 64> {name = "b"} : tensor<16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "Add"(%0, %b) {since = 14} : (!u, tensor<16xf32>) -> !u
  %2 = onnx.node "Sigmoid"(%1) {since = 13} : (!u) -> !u
  %3 = onnx.node "Mul"(%1, %2) {since = 14} : (!u, !u) -> !u
  %4 = onnx.node "MatMul"(%x, %v) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %5 = onnx.node "Add"(%4, %b) {since = 14} : (!u, tensor<16xf32>) -> !u
  %6 = onnx.node "Mul"(%3, %5) {since = 14} : (!u, !u) -> !u
  return %6 : !u
}

// -----

!u = !onnx.unknown
// Not so where somebody else reads the gate: it has memory.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @linear_
// CHECK: kern.dispatch @linear_
// CHECK: kern.output 0
// CHECK: kern.linear {{.*}} weights(%{{.*}} : memref<?xi8>)
func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> (!u, !u) {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %v = onnx.initializer <"m.onnx", 512, 512> {name = "v"} : tensor<8x16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "MatMul"(%x, %v) {since = 13} : (tensor<?x8xf32>, tensor<8x16xf32>) -> !u
  %2 = onnx.node "Mul"(%0, %1) {since = 14} : (!u, !u) -> !u
  return %0, %2 : !u, !u
}

// -----

!u = !onnx.unknown
// Nor where a transpose is between them.
// CHECK-LABEL: func.func @main
// CHECK: kern.dispatch @linear_
// CHECK: kern.dispatch @linear_
// CHECK: kern.output 0
func.func @main(%x: tensor<16x8xf32> {onnx.name = "x", onnx.dims = [16, 8]}) -> !u {
  %w = onnx.initializer <"m.onnx", 0, 512> {name = "w"} : tensor<8x16xf32>
  %v = onnx.initializer <"m.onnx", 512, 512> {name = "v"} : tensor<8x16xf32>
  %0 = onnx.node "MatMul"(%x, %w) {since = 13} : (tensor<16x8xf32>, tensor<8x16xf32>) -> !u
  %1 = onnx.node "MatMul"(%x, %v) {since = 13} : (tensor<16x8xf32>, tensor<8x16xf32>) -> !u
  %2 = onnx.node "Transpose"(%0) {since = 13} : (!u) -> !u
  %3 = onnx.node "Mul"(%2, %1) {since = 14} : (!u, !u) -> !u
  return %3 : !u
}
