// Plain state: read from the session's memory, written when everything has been computed, and two states that change places do not meet.
// RUN: sinter-opt %s -form-kernels | FileCheck %s
// CHECK: %[[A:.*]] = kern.state 0 : memref<?xf32>
// CHECK: %[[B:.*]] = kern.state 1 : memref<?xf32>
// The new values have memory of their own first.
// CHECK: %[[NEXT_A:.*]] = kern.buffer[%{{.*}}] bound 8 : memref<?xf32>
// CHECK: kern.dispatch @{{.*}} buffers(%[[NEXT_A]], %[[B]] : {{.*}}) writes [0]
// CHECK: %[[NEXT_B:.*]] = kern.buffer[%{{.*}}] bound 8 : memref<?xf32>
// CHECK: kern.dispatch @{{.*}} buffers(%[[NEXT_B]], %[[A]] : {{.*}}) writes [0]
// CHECK: kern.dispatch @[[COPY:.*]] grid({{.*}}) buffers(%[[A]], %[[NEXT_A]] : {{.*}}) writes [0]
// CHECK: kern.dispatch @[[COPY]] grid({{.*}}) buffers(%[[B]], %[[NEXT_B]] : {{.*}}) writes [0]
func.func @main(%a: tensor<1x8xf32> {graph.state = 0, kv.state = 0}, %b: tensor<1x8xf32> {graph.state = 1, kv.state = 1}) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  graph.bind %a[%c1, %c8] : tensor<1x8xf32>
  graph.bind %b[%c1, %c8] : tensor<1x8xf32>
  return %b, %a : tensor<1x8xf32>, tensor<1x8xf32>
}
