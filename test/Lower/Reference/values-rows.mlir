// REQUIRES: runner
// RUN: sinter-opt %s --sinter-reference | %run-main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)

func.func @norms(%x: tensor<?x4xf32>) {
  // sqrt(30 / 4) = 2.7386128; the second row is its negative.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[0.365148,   0.730297,   1.09545,   1.46059],
  // CHECK-NEXT: [-0.365148,   -0.730297,   -1.09545,   -1.46059]]
  %0 = graph.norm "rms" %x {epsilon = 0.0 : f32} : tensor<?x4xf32>
  %r = tensor.cast %0 : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%r) : (tensor<*xf32>) -> ()
  // mean 2.5, variance 1.25; 0.75 + 1.25 = 2.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[-1.06066,   -0.353553,   0.353553,   1.06066],
  %1 = graph.norm "layer" %x {epsilon = 0.75 : f32} : tensor<?x4xf32>
  %l = tensor.cast %1 : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%l) : (tensor<*xf32>) -> ()
  return
}

func.func @softmaxes(%x: tensor<?x4xf32>) {
  // e^-3 + e^-2 + e^-1 + 1 = 1.5530018, its logarithm 0.4401897.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[0.0320586,   0.0871443,   0.236883,   0.643914],
  // CHECK-NEXT: [0.643914,   0.236883,   0.0871443,   0.0320586]]
  %0 = graph.softmax %x : tensor<?x4xf32>
  %s = tensor.cast %0 : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%s) : (tensor<*xf32>) -> ()
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[-3.44019,   -2.44019,   -1.44019,   -0.44019],
  %1 = graph.softmax %x {log} : tensor<?x4xf32>
  %l = tensor.cast %1 : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%l) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [-1.0, -2.0, -3.0, -4.0]]> : tensor<2x4xf32>
  %rows = tensor.cast %x : tensor<2x4xf32> to tensor<?x4xf32>
  call @norms(%rows) : (tensor<?x4xf32>) -> ()
  call @softmaxes(%rows) : (tensor<?x4xf32>) -> ()
  return
}
