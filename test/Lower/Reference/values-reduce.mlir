// REQUIRES: runner
// RUN: sinter-opt %s --sinter-reference | %run-main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)
func.func private @printMemrefI64(tensor<*xi64>)

func.func @reductions(%x: tensor<2x?xf32>) {
  // CHECK: data =
  // CHECK-NEXT: [12, 15]
  %0 = graph.reduce "add" %x axes [1] : tensor<2x?xf32> -> tensor<2xf32>
  %a = tensor.cast %0 : tensor<2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  // CHECK: data =
  // CHECK-NEXT: [-5, 8, 10, 21]
  %1 = graph.reduce "mul" %x axes [0] : tensor<2x?xf32> -> tensor<?xf32>
  %b = tensor.cast %1 : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%b) : (tensor<*xf32>) -> ()
  // CHECK: data =
  // CHECK-NEXT: [7]
  %2 = graph.reduce "max" %x axes [0, 1] : tensor<2x?xf32> -> tensor<f32>
  %c = tensor.cast %2 : tensor<f32> to tensor<*xf32>
  call @printMemrefF32(%c) : (tensor<*xf32>) -> ()
  // CHECK: data =
  // CHECK-NEXT: [-1, 2, 2, 3]
  %3 = graph.reduce "min" %x axes [0] : tensor<2x?xf32> -> tensor<?xf32>
  %d = tensor.cast %3 : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%d) : (tensor<*xf32>) -> ()
  return
}

func.func @places(%x: tensor<2x4xi64>) {
  // CHECK: data =
  // CHECK-NEXT: [0, 1]
  %0 = graph.reduce "argmax" %x axes [1] : tensor<2x4xi64> -> tensor<2xi64>
  %a = tensor.cast %0 : tensor<2xi64> to tensor<*xi64>
  call @printMemrefI64(%a) : (tensor<*xi64>) -> ()
  // CHECK: data =
  // CHECK-NEXT: [3, 2]
  %1 = graph.reduce "argmax" %x axes [1] {last} : tensor<2x4xi64> -> tensor<2xi64>
  %b = tensor.cast %1 : tensor<2xi64> to tensor<*xi64>
  call @printMemrefI64(%b) : (tensor<*xi64>) -> ()
  // Over both axes the place is one number.
  // CHECK: data =
  // CHECK-NEXT: [7]
  %2 = graph.reduce "argmin" %x axes [0, 1] : tensor<2x4xi64> -> tensor<i64>
  %c = tensor.cast %2 : tensor<i64> to tensor<*xi64>
  call @printMemrefI64(%c) : (tensor<*xi64>) -> ()
  return
}

func.func @sums(%x: tensor<2x4xi64>) {
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[5,   6,   8,   13],
  // CHECK-NEXT: [3,   12,   21,   14]]
  %0 = graph.scan %x axis 1 : tensor<2x4xi64>
  %a = tensor.cast %0 : tensor<2x4xi64> to tensor<*xi64>
  call @printMemrefI64(%a) : (tensor<*xi64>) -> ()
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[8,   7,   5,   0],
  // CHECK-NEXT: [11,   2,   -7,   0]]
  %1 = graph.scan %x axis 1 {exclusive, reverse} : tensor<2x4xi64>
  %b = tensor.cast %1 : tensor<2x4xi64> to tensor<*xi64>
  call @printMemrefI64(%b) : (tensor<*xi64>) -> ()
  return
}

func.func @best(%x: tensor<2x?xf32>) {
  %k = arith.constant 3 : index
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[5,   4,   3],
  // CHECK-NEXT: [7,   2,   -1]]
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[0,   2,   3],
  // CHECK-NEXT: [3,   1,   0]]
  %0:2 = graph.topk %x, %k {largest} : tensor<2x?xf32> -> tensor<2x3xf32>, tensor<2x3xi64>
  %v = tensor.cast %0#0 : tensor<2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%v) : (tensor<*xf32>) -> ()
  %i = tensor.cast %0#1 : tensor<2x3xi64> to tensor<*xi64>
  call @printMemrefI64(%i) : (tensor<*xi64>) -> ()
  return
}

func.func @main() {
  %f = arith.constant dense<[[5.0, 2.0, 2.0, 3.0], [-1.0, 4.0, 5.0, 7.0]]> : tensor<2x4xf32>
  %rows = tensor.cast %f : tensor<2x4xf32> to tensor<2x?xf32>
  call @reductions(%rows) : (tensor<2x?xf32>) -> ()
  %i = arith.constant dense<[[5, 1, 2, 5], [3, 9, 9, -7]]> : tensor<2x4xi64>
  call @places(%i) : (tensor<2x4xi64>) -> ()
  call @sums(%i) : (tensor<2x4xi64>) -> ()
  %t = arith.constant dense<[[5.0, 1.0, 4.0, 3.0], [-1.0, 2.0, -1.0, 7.0]]> : tensor<2x4xf32>
  %ties = tensor.cast %t : tensor<2x4xf32> to tensor<2x?xf32>
  call @best(%ties) : (tensor<2x?xf32>) -> ()
  return
}
