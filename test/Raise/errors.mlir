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

// -----

func.func @main(%c: tensor<i1> {onnx.name = "c"}, %x: tensor<2xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{If is supported where its condition follows from sizes and constants, but this one is known only at run time}}
  %0 = onnx.node "If"(%c) {region_names = ["then_branch", "else_branch"], since = 17} : (tensor<i1>) -> !onnx.unknown regions {
    onnx.yield %x : tensor<2xf32>
  }, {
    onnx.yield %x : tensor<2xf32>
  }
  return %0 : !onnx.unknown
}

// -----

func.func @main(%q: tensor<1x4x32xf32> {onnx.name = "q"}) -> !onnx.unknown {
  // expected-error @+1 {{expected queries [B, S, heads * size] with keys and values of rank 3 or 4, or packed ones of rank 5}}
  %0 = onnx.node "MultiHeadAttention"(%q) {domain = "com.microsoft", attributes = {num_heads = 4}, since = 1} : (tensor<1x4x32xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x4x32xf32> {onnx.name = "x"}, %w: tensor<32x96xf32> {onnx.name = "w"}) -> !onnx.unknown {
  // expected-error @+1 {{do_rotary is not supported in Attention}}
  %0 = onnx.node "Attention"(%x, %w) {domain = "com.microsoft", attributes = {num_heads = 4, do_rotary = 1}, since = 1} : (tensor<1x4x32xf32>, tensor<32x96xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x1x4xf32> {onnx.name = "x"}, %s: tensor<3xi64> {onnx.name = "s"}) -> !onnx.unknown {
  %none = onnx.none
  // expected-error @+1 {{the sizes of a Resize is computed at run time, which is not supported}}
  %0 = onnx.node "Resize"(%x, %none, %none, %s) {since = 13} : (tensor<1x1x4xf32>, none, none, tensor<3xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
