// RUN: sinter-opt %s -split-input-file -verify-diagnostics -raise-onnx

// All operators without a rule, in one error.
func.func @main(%x: tensor<8xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{operators that are not supported: Mystery (2), com.microsoft.Riddle (1)}}
  %0 = onnx.node "Mystery"(%x) {since = 1} : (tensor<8xf32>) -> !onnx.unknown
  %1 = onnx.node "Riddle"(%0) {domain = "com.microsoft", since = 1} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Mystery"(%1) {since = 1} : (!onnx.unknown) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// expected-error @+1 {{axis 1 of input 'x' has no bound: add --dim 'length=1..512'}}
func.func @main(%x: tensor<?x?xf32> {onnx.name = "x", onnx.dims = ["batch", "length"]}) -> !onnx.unknown {
  %0 = onnx.node "Neg"(%x) {since = 13} : (tensor<?x?xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// expected-error @+1 {{expected a function @main}}
module {}

// -----

func.func @main(%x: tensor<2x3xf32> {onnx.name = "x"}, %y: tensor<4xf32> {onnx.name = "y"}) -> !onnx.unknown {
  // expected-error @+1 {{expected equal sizes in broadcasting, but got 3 and 4}}
  %0 = onnx.node "Add"(%x, %y) {since = 14} : (tensor<2x3xf32>, tensor<4xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %s = onnx.constant dense<[2, 4]> : tensor<2xi64>
  // expected-error @+1 {{expected equal numbers of elements in Reshape, but got 6 and 8}}
  %0 = onnx.node "Reshape"(%x, %s) {since = 14} : (tensor<6xf32>, tensor<2xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}, %s: tensor<2xi64> {onnx.name = "s"}) -> !onnx.unknown {
  // expected-error @+1 {{the shape of a Reshape is computed at run time, which is not supported}}
  %0 = onnx.node "Reshape"(%x, %s) {since = 14} : (tensor<6xf32>, tensor<2xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{axis 1 is outside of a tensor of rank 1}}
  %0 = onnx.node "Softmax"(%x) {attributes = {axis = 1}, since = 13} : (tensor<6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6x6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected a permutation of 2 axes}}
  %0 = onnx.node "Transpose"(%x) {attributes = {perm = array<i64: 0, 0>}, since = 13} : (tensor<6x6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x4x2xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %w = onnx.initializer <"m.onnx", 0, 48> {name = "w"} : tensor<1x4x3xf32>
  // expected-error @+1 {{the kernel is larger than the padded input}}
  %0 = onnx.node "Conv"(%x, %w) {since = 11} : (tensor<1x4x2xf32>, tensor<1x4x3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
