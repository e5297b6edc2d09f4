// RUN: sinter-opt %s -split-input-file -verify-diagnostics -raise-onnx

// Sizes that do not fit together: one error for one fault.
func.func @main(%x: tensor<1x4x5x5xf32> {onnx.name = "x"}, %s: tensor<3xf32> {onnx.name = "s"}, %b: tensor<4xf32> {onnx.name = "b"}) -> !onnx.unknown {
  // expected-error @+1 {{expected equal numbers of channels, but got 3 and 4}}
  %0 = onnx.node "InstanceNormalization"(%x, %s, %b) {since = 6} : (tensor<1x4x5x5xf32>, tensor<3xf32>, tensor<4xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<2x2x5x8xf32> {onnx.name = "x"}, %n: tensor<3xi64> {onnx.name = "n"}) -> !onnx.unknown {
  %none = onnx.none
  // expected-error @+1 {{expected equal batch sizes, but got 3 and 2}}
  %0 = onnx.node "Attention"(%x, %x, %x, %none, %none, %none, %n) {since = 24} : (tensor<2x2x5x8xf32>, tensor<2x2x5x8xf32>, tensor<2x2x5x8xf32>, none, none, none, tensor<3xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x2x5x8xf32> {onnx.name = "x"}, %c: tensor<9x4xf32> {onnx.name = "c"}, %p: tensor<1x4xi64> {onnx.name = "p"}) -> !onnx.unknown {
  // expected-error @+1 {{expected equal lengths of input and positions, but got 4 and 5}}
  %0 = onnx.node "RotaryEmbedding"(%x, %c, %c, %p) {since = 23} : (tensor<1x2x5x8xf32>, tensor<9x4xf32>, tensor<9x4xf32>, tensor<1x4xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
