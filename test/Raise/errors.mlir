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

// One error for one fault.
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

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %s = onnx.constant dense<[2, 4]> : tensor<2xi64>
  // expected-error @+1 {{expected equal numbers of elements in Reshape, but got 6 and 8}}
  %0 = onnx.node "Reshape"(%x, %s) {since = 14} : (tensor<6xf32>, tensor<2xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> !onnx.unknown {
  %s = onnx.constant dense<[1099511627776, -1]> : tensor<2xi64>
  // expected-error @+1 {{Reshape of 8 elements to a shape of 0}}
  %0 = onnx.node "Reshape"(%x, %s) {since = 14} : (tensor<?x8xf32>, tensor<2xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<6xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %s = onnx.constant dense<[1099511627776, 1099511627776, -1]> : tensor<3xi64>
  // expected-error @+1 {{Reshape of 6 elements to a shape whose other sizes make 9223372036854775807}}
  %0 = onnx.node "Reshape"(%x, %s) {since = 14} : (tensor<6xf32>, tensor<3xi64>) -> !onnx.unknown
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

// -----

func.func @main(%x: tensor<2x8xf32> {onnx.name = "x"}, %w: tensor<5xf32> {onnx.name = "w"}) -> !onnx.unknown {
  // expected-error @+1 {{expected equal sizes of the result and of input 1, but got 5 and 8}}
  %0 = onnx.node "LayerNormalization"(%x, %w) {since = 17} : (tensor<2x8xf32>, tensor<5xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<2x8xf32> {onnx.name = "x"}, %s: tensor<3x2x8xf32> {onnx.name = "s"}, %w: tensor<8xf32> {onnx.name = "w"}) -> !onnx.unknown {
  // expected-error @+1 {{expected input 1 of SkipLayerNormalization to have rank 2 or less, but got 3}}
  %0 = onnx.node "SkipLayerNormalization"(%x, %s, %w) {domain = "com.microsoft", since = 1} : (tensor<2x8xf32>, tensor<3x2x8xf32>, tensor<8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%a: tensor<2x8xf32> {onnx.name = "a"}, %b: tensor<8x4xf32> {onnx.name = "b"}, %c: tensor<3xf32> {onnx.name = "c"}) -> !onnx.unknown {
  // expected-error @+1 {{expected equal sizes of the result and of input 2, but got 3 and 4}}
  %0 = onnx.node "Gemm"(%a, %b, %c) {since = 13} : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%q: tensor<1x4x8xf32> {onnx.name = "q"}, %k: tensor<1x4x8xf32> {onnx.name = "k"}) -> !onnx.unknown {
  // expected-error @+1 {{expected keys and values of rank 3, or neither}}
  %0 = onnx.node "GroupQueryAttention"(%q, %k) {domain = "com.microsoft", attributes = {num_heads = 2, kv_num_heads = 2}, since = 1} : (tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%q: tensor<1x4x8xf32> {onnx.name = "q"}, %k: tensor<1x4x8xf32> {onnx.name = "k"}, %v: tensor<1x4x8xf32> {onnx.name = "v"}) -> !onnx.unknown {
  // expected-error @+1 {{expected a fixed width that divides into 3 heads}}
  %0 = onnx.node "MultiHeadAttention"(%q, %k, %v) {domain = "com.microsoft", attributes = {num_heads = 3}, since = 1} : (tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<2x8xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %s = onnx.constant dense<[3, -1]> : tensor<2xi64>
  // expected-error @+1 {{Reshape of 16 elements to a shape whose other sizes make 3}}
  %0 = onnx.node "Reshape"(%x, %s) {since = 13} : (tensor<2x8xf32>, tensor<2xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x1x4xf32> {onnx.name = "x"}) -> !onnx.unknown {
  %none = onnx.none
  %s = onnx.constant dense<[1.0, 1.0, 0x7FC00000]> : tensor<3xf32>
  // expected-error @+1 {{expected scales above 0 that leave a possible size}}
  %0 = onnx.node "Resize"(%x, %none, %s) {since = 13} : (tensor<1x1x4xf32>, none, tensor<3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<2xi64> {onnx.name = "x"}) -> !onnx.unknown {
  %d = onnx.constant dense<-4> : tensor<i64>
  %v = onnx.constant dense<[0.0, 1.0]> : tensor<2xf32>
  // expected-error @+1 {{output 0 of OneHot has an axis of impossible size -4}}
  %0 = onnx.node "OneHot"(%x, %d, %v) {since = 11} : (tensor<2xi64>, tensor<i64>, tensor<2xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected a kernel of at least 1 and at most 16777216 positions}}
  %0 = onnx.node "MaxPool"(%x) {attributes = {kernel_shape = array<i64: 4611686018427387904, 4>}, since = 12} : (tensor<1x2x8x8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected dilations of at least 1 and at most 16777216}}
  %0 = onnx.node "MaxPool"(%x) {attributes = {kernel_shape = array<i64: 2, 2>, dilations = array<i64: 1, 9223372036854775807>}, since = 12} : (tensor<1x2x8x8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{expected 4 pads, but got 2}}
  %0 = onnx.node "MaxPool"(%x) {attributes = {kernel_shape = array<i64: 2, 2>, pads = array<i64: 1, 1>}, since = 12} : (tensor<1x2x8x8xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<1x3x8x8xf32> {onnx.name = "x"}, %w: tensor<16x3x2x2xf32> {onnx.name = "w"}) -> !onnx.unknown {
  // expected-error @+1 {{com.microsoft.nchwc.Conv (1); those of com.microsoft.nchwc are in the memory layout of one machine: optimize the file at a lower level}}
  %0 = onnx.node "Conv"(%x, %w) {domain = "com.microsoft.nchwc", since = 1} : (tensor<1x3x8x8xf32>, tensor<16x3x2x2xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<3x3xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{axis 'i' twice in one term of the equation 'ii->i' is not supported}}
  %0 = onnx.node "Einsum"(%x) {attributes = {equation = "ii->i"}, since = 12} : (tensor<3x3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<3x3xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{term 'ijk' of the equation 'ijk->ik' does not fit an input of rank 2}}
  %0 = onnx.node "Einsum"(%x) {attributes = {equation = "ijk->ik"}, since = 12} : (tensor<3x3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

// -----

func.func @main(%x: tensor<3x3xf32> {onnx.name = "x"}) -> !onnx.unknown {
  // expected-error @+1 {{the equation 'ij->ik' has an axis behind the arrow that no input has}}
  %0 = onnx.node "Einsum"(%x) {attributes = {equation = "ij->ik"}, since = 12} : (tensor<3x3xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
