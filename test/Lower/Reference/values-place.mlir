// REQUIRES: runner
// RUN: sinter-opt %s --sinter-reference | %run-main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)

func.func @scattered(%x: tensor<4x2xf32>, %i: tensor<?x1xi64>, %u: tensor<?x2xf32>) {
  // Row 1 is written twice; -1 is the last row, 9 the nearest that there is.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[0,   1],
  // CHECK-NEXT: [30,   40],
  // CHECK-NEXT: [4,   5],
  // CHECK-NEXT: [70,   80]]
  %0 = graph.scatter %x, %i, %u : tensor<4x2xf32>, tensor<?x1xi64>, tensor<?x2xf32> -> tensor<4x2xf32>
  %a = tensor.cast %0 : tensor<4x2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[0,   1],
  // CHECK-NEXT: [42,   63],
  // CHECK-NEXT: [4,   5],
  // CHECK-NEXT: [126,   147]]
  %1 = graph.scatter %x, %i, %u combine "add" : tensor<4x2xf32>, tensor<?x1xi64>, tensor<?x2xf32> -> tensor<4x2xf32>
  %b = tensor.cast %1 : tensor<4x2xf32> to tensor<*xf32>
  call @printMemrefF32(%b) : (tensor<*xf32>) -> ()
  return
}

func.func @appended(%p: tensor<2x1x1x?x2xf32>, %u: tensor<1x1x1x2xf32>) {
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[[5,    6],
  // CHECK-NEXT: [7,    8],
  // CHECK-NEXT: [9,    10]]]]
  %0 = graph.append %p half 1, %u axis 2 : tensor<2x1x1x?x2xf32>, tensor<1x1x1x2xf32> -> tensor<1x1x?x2xf32>
  %a = tensor.cast %0 : tensor<1x1x?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %x = arith.constant dense<[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]> : tensor<4x2xf32>
  %i = arith.constant dense<[[1], [-1], [1], [9]]> : tensor<4x1xi64>
  %u = arith.constant dense<[[10.0, 20.0], [50.0, 60.0], [30.0, 40.0], [70.0, 80.0]]> : tensor<4x2xf32>
  %ui = tensor.cast %i : tensor<4x1xi64> to tensor<?x1xi64>
  %uu = tensor.cast %u : tensor<4x2xf32> to tensor<?x2xf32>
  call @scattered(%x, %ui, %uu) : (tensor<4x2xf32>, tensor<?x1xi64>, tensor<?x2xf32>) -> ()
  %p = arith.constant dense<[[[[[1.0, 2.0], [3.0, 4.0]]]], [[[[5.0, 6.0], [7.0, 8.0]]]]]> : tensor<2x1x1x2x2xf32>
  %n = arith.constant dense<[[[[9.0, 10.0]]]]> : tensor<1x1x1x2xf32>
  %past = tensor.cast %p : tensor<2x1x1x2x2xf32> to tensor<2x1x1x?x2xf32>
  call @appended(%past, %n) : (tensor<2x1x1x?x2xf32>, tensor<1x1x1x2xf32>) -> ()
  return
}
