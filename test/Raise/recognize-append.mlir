// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=past=0..31 dims=s=1..16" | FileCheck %s

// Past and new tokens, joined, are an output: a state, whatever the names. There is room for both: 31 + 16 tokens, so that one more fits behind 46.
// CHECK: graph.symbol @past {{ *}}past 0 to 46
// CHECK: graph.symbol @s {{ *}}input 1 to 16
// CHECK: func.func @main
// CHECK-SAME: %arg0: {{.*}} graph.state = 0
// CHECK: graph.append %arg0, %arg1 axis 2 : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "p", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]}) -> !onnx.unknown {
  %0 = onnx.node "Concat"(%p, %x) {attributes = {axis = -2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Identity"(%0) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// No output: two inputs are joined.
// CHECK: graph.symbol @past {{ *}}input 0 to 31
// CHECK: func.func @main
// CHECK-NOT: graph.state
// CHECK-NOT: graph.append
// CHECK: return
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "past_key_values.0.key", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]}) -> !onnx.unknown {
  %0 = onnx.node "Concat"(%p, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Neg"(%0) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  return %1 : !onnx.unknown
}

// -----

// New tokens in front of the past are no append.
// CHECK: func.func @main
// CHECK-NOT: graph.append
// CHECK: return
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "p", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]}) -> !onnx.unknown {
  %n = onnx.node "Neg"(%x) {since = 13} : (tensor<1x2x?x8xf32>) -> !onnx.unknown
  %0 = onnx.node "Concat"(%n, %p) {attributes = {axis = 2}, since = 13} : (!onnx.unknown, tensor<1x2x?x8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

// A mask that is read element by element gives no equation: an axis that nothing else has is the number of all tokens.
// CHECK: graph.symbol @past {{ *}}past 0 to 46
// CHECK-NEXT: graph.symbol @s {{ *}}input 1 to 16
// CHECK-NEXT: func.func @main
// CHECK: %[[T:.*]] = arith.addi %{{.*}}, %{{.*}} : index
// CHECK: graph.bind %arg2[%c1{{[_0-9]*}}, %[[T]]]
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "p", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]},
                %m: tensor<1x?xi64> {onnx.name = "m", onnx.dims = [1, "total"]}) -> (!onnx.unknown, !onnx.unknown) {
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %0 = onnx.node "Concat"(%p, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%m, %zero) {attributes = {axis = 1}, since = 13} : (tensor<1x?xi64>, tensor<1xi64>) -> !onnx.unknown
  return %0, %1 : !onnx.unknown, !onnx.unknown
}

// -----

// A past that is rounded, in a result that is rounded in the same way: one rounding, and a state,
// also where onnxruntime's own operators do it.
// CHECK: func.func @main
// CHECK-SAME: %arg0: {{.*}} graph.state = 0
// CHECK: graph.append %arg0, %arg1 axis 2
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "p", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]}) -> !onnx.unknown {
  %scale = onnx.constant dense<0.25> : tensor<f32>
  %other = onnx.constant dense<2.500000e-01> : tensor<f32>
  %zero = onnx.constant dense<7> : tensor<ui8>
  %0 = onnx.node "QuantizeLinear"(%p, %other, %zero) {since = 13} : (tensor<1x2x?x8xf32>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  %1 = onnx.node "DequantizeLinear"(%0, %other, %zero) {since = 13} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  %2 = onnx.node "Concat"(%1, %x) {attributes = {axis = 2}, since = 13} : (!onnx.unknown, tensor<1x2x?x8xf32>) -> !onnx.unknown
  %3 = onnx.node "QuantizeLinear"(%2, %scale, %zero) {domain = "com.microsoft", since = 1} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  %4 = onnx.node "DequantizeLinear"(%3, %scale, %zero) {domain = "com.microsoft", since = 1} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  return %4 : !onnx.unknown
}

// -----

// Rounded in another way, a past would change at every run.
// CHECK: func.func @main
// CHECK-NOT: graph.state
// CHECK-NOT: graph.append
// CHECK: return
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "p", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]}) -> !onnx.unknown {
  %scale = onnx.constant dense<0.25> : tensor<f32>
  %other = onnx.constant dense<5.000000e-01> : tensor<f32>
  %zero = onnx.constant dense<7> : tensor<ui8>
  %0 = onnx.node "QuantizeLinear"(%p, %other, %zero) {since = 13} : (tensor<1x2x?x8xf32>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  %1 = onnx.node "DequantizeLinear"(%0, %other, %zero) {since = 13} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  %2 = onnx.node "Concat"(%1, %x) {attributes = {axis = 2}, since = 13} : (!onnx.unknown, tensor<1x2x?x8xf32>) -> !onnx.unknown
  %3 = onnx.node "QuantizeLinear"(%2, %scale, %zero) {since = 13} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  %4 = onnx.node "DequantizeLinear"(%3, %scale, %zero) {since = 13} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  return %4 : !onnx.unknown
}

// -----

// A file in half precision whose inputs and outputs are f32: the cache is what is between the casts.
// CHECK: func.func @main
// CHECK-SAME: %arg0: tensor<1x2x?x8xf32> {{.*}} graph.state = 0
// CHECK: graph.append %arg0, %arg1 axis 2 : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf16> -> tensor<1x2x?x8xf16>
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "p", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf16> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]}) -> !onnx.unknown {
  %0 = onnx.node "Cast"(%p) {attributes = {to = 10}, since = 13} : (tensor<1x2x?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Concat"(%0, %x) {attributes = {axis = 2}, since = 13} : (!onnx.unknown, tensor<1x2x?x8xf16>) -> !onnx.unknown
  %2 = onnx.node "Cast"(%1) {attributes = {to = 1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  return %2 : !onnx.unknown
}

// -----

// A present of another type is not what the past is.
// CHECK: func.func @main
// CHECK-NOT: graph.state
// CHECK-NOT: graph.append
// CHECK: return
func.func @main(%p: tensor<1x2x?x8xf32> {onnx.name = "p", onnx.dims = [1, 2, "past", 8]}, %x: tensor<1x2x?x8xf16> {onnx.name = "x", onnx.dims = [1, 2, "s", 8]}) -> !onnx.unknown {
  %0 = onnx.node "Cast"(%p) {attributes = {to = 10}, since = 13} : (tensor<1x2x?x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Concat"(%0, %x) {attributes = {axis = 2}, since = 13} : (!onnx.unknown, tensor<1x2x?x8xf16>) -> !onnx.unknown
  return %1 : !onnx.unknown
}
