// RUN: sinter-opt %s -split-input-file -verify-diagnostics -form-kernels
// Lowering kernels where there are none changes nothing.
// RUN: sinter-opt %s -split-input-file -kern-lower | FileCheck %s

// expected-error @+1 {{expected a function @main}}
module {
}

// -----

// CHECK: onnx.node "Relu"
func.func @main(%x: tensor<4xf32>) -> !onnx.unknown {
  // expected-error @+1 {{expected no ONNX node: -raise-onnx comes before -form-kernels}}
  %0 = onnx.node "Relu"(%x) {since = 14} : (tensor<4xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
