// RUN: sinter-opt %s -split-input-file -verify-diagnostics -raise-onnx

// A file may say anything: what a rule takes for granted is checked before it.
func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected 2 inputs or more, but input 1 is missing}}
  %0 = onnx.node "Add"(%x) {since = 14} : (tensor<6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %none = onnx.none
  // expected-error @+1 {{expected 2 inputs or more, but input 0 is missing}}
  %0 = onnx.node "MatMul"(%none, %x) {since = 13} : (none, tensor<6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected at most 1 inputs, but got 2}}
  %0 = onnx.node "Sqrt"(%x, %x) {since = 13} : (tensor<6xf32>, tensor<6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main() -> !onnx.unknown {
  // expected-error @+1 {{expected 1 inputs or more, but input 0 is missing}}
  %0 = onnx.node "Concat"() {attributes = {axis = 0}, since = 13} : () -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xi64> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected floats as input 0, but got 'i64'}}
  %0 = onnx.node "ReduceMean"(%x) {since = 13} : (tensor<6xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected integers as input 1, but got 'f32'}}
  %0 = onnx.node "Gather"(%x, %x) {since = 13} : (tensor<6xf32>, tensor<6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected bools as input 0, but got 'f32'}}
  %0 = onnx.node "Where"(%x, %x, %x) {since = 16} : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected 3 outputs, but got 1}}
  %0 = onnx.node "DynamicQuantizeLinear"(%x) {since = 11} : (tensor<6xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
