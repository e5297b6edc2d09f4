// REQUIRES: runner
// RUN: sinter-opt %s --sinter-reference | %run-main | FileCheck %s

// Two query heads share one key head; keys are 0 and ln 3 on one channel, so that a query of 1 weighs them 1 to 3, a query of 0 evenly.
func.func private @printMemrefF32(tensor<*xf32>)

func.func @plain(%q: tensor<1x2x?x1xf32>, %k: tensor<1x1x?x1xf32>, %v: tensor<1x1x?x2xf32>) {
  // Heads stand behind rows: row 0 of head 0, of head 1, then row 1.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[[7,    30],
  // CHECK-NEXT: [6,    20]],
  // CHECK-NEXT: {{\[\[}}6,    20],
  // CHECK-NEXT: [7,    30]]]]
  %0 = graph.attention %q, %k, %v {scale = 1.0 : f32} : tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32> -> tensor<1x?x2x2xf32>
  %a = tensor.cast %0 : tensor<1x?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  // Row 0 sees key 0 only.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[[4,    0],
  // CHECK-NEXT: [4,    0]],
  // CHECK-NEXT: {{\[\[}}6,    20],
  // CHECK-NEXT: [7,    30]]]]
  %1 = graph.attention %q, %k, %v {scale = 1.0 : f32, causal} : tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32> -> tensor<1x?x2x2xf32>
  %b = tensor.cast %1 : tensor<1x?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%b) : (tensor<*xf32>) -> ()
  // A window of one is the key of the row's own position.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[[4,    0],
  // CHECK-NEXT: [4,    0]],
  // CHECK-NEXT: {{\[\[}}8,    40],
  // CHECK-NEXT: [8,    40]]]]
  %2 = graph.attention %q, %k, %v {scale = 1.0 : f32, causal, window = 1} : tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32> -> tensor<1x?x2x2xf32>
  %c = tensor.cast %2 : tensor<1x?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%c) : (tensor<*xf32>) -> ()
  return
}

func.func @masked(%q: tensor<1x2x?x1xf32>, %k: tensor<1x1x?x1xf32>, %v: tensor<1x1x?x2xf32>, %keep: tensor<1x1x2x?xi1>, %bias: tensor<1x2x1x?xf32>, %sinks: tensor<2xf32>) {
  // Row 1 sees nothing.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[[8,    40],
  // CHECK-NEXT: [8,    40]],
  // CHECK-NEXT: {{\[\[}}0,    0],
  // CHECK-NEXT: [0,    0]]]]
  %0 = graph.attention %q, %k, %v mask %keep : tensor<1x1x2x?xi1> {scale = 1.0 : f32, zero_masked_rows}
    : tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32> -> tensor<1x?x2x2xf32>
  %a = tensor.cast %0 : tensor<1x?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  // Without the attribute that is 0 / 0.
  // CHECK: data =
  // CHECK: {{\[\[}}{{-?}}nan,    {{-?}}nan],
  %1 = graph.attention %q, %k, %v mask %keep : tensor<1x1x2x?xi1> {scale = 1.0 : f32}
    : tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32> -> tensor<1x?x2x2xf32>
  %b = tensor.cast %1 : tensor<1x?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%b) : (tensor<*xf32>) -> ()
  // Head 0 has a bias of ln 3 on key 0 (3 to 3, and 3 to 1), head 1 none; both have a sink of weight 2 and 6.
  // Row 0: (3 * 4 + 3 * 8) / 8 and (4 + 8) / 8.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[[4.5,    15],
  // CHECK-NEXT: [1.5,    5]],
  // CHECK-NEXT: {{\[\[}}3.33333,    6.66667],
  // CHECK-NEXT: [2.8,    12]]]]
  %2 = graph.attention %q, %k, %v mask %bias : tensor<1x2x1x?xf32> sinks %sinks : tensor<2xf32> {scale = 1.0 : f32}
    : tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32> -> tensor<1x?x2x2xf32>
  %c = tensor.cast %2 : tensor<1x?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%c) : (tensor<*xf32>) -> ()
  // tanh(ln 3) = 0.8; e^0.8 = 2.2255409.
  // CHECK: data =
  // CHECK-NEXT{LITERAL}: [[[[6.7599
  %3 = graph.attention %q, %k, %v {scale = 1.0 : f32, softcap = 1.0 : f32} : tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32> -> tensor<1x?x2x2xf32>
  %d = tensor.cast %3 : tensor<1x?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%d) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %q0 = arith.constant dense<[[[[1.0], [0.0]], [[0.0], [1.0]]]]> : tensor<1x2x2x1xf32>
  %k0 = arith.constant dense<[[[[0.0], [1.0986123]]]]> : tensor<1x1x2x1xf32>
  %v0 = arith.constant dense<[[[[4.0, 0.0], [8.0, 40.0]]]]> : tensor<1x1x2x2xf32>
  %q = tensor.cast %q0 : tensor<1x2x2x1xf32> to tensor<1x2x?x1xf32>
  %k = tensor.cast %k0 : tensor<1x1x2x1xf32> to tensor<1x1x?x1xf32>
  %v = tensor.cast %v0 : tensor<1x1x2x2xf32> to tensor<1x1x?x2xf32>
  call @plain(%q, %k, %v) : (tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32>) -> ()
  %keep0 = arith.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %bias0 = arith.constant dense<[[[[1.0986123, 0.0]], [[0.0, 0.0]]]]> : tensor<1x2x1x2xf32>
  %sinks = arith.constant dense<[0.6931472, 1.7917595]> : tensor<2xf32>
  %keep = tensor.cast %keep0 : tensor<1x1x2x2xi1> to tensor<1x1x2x?xi1>
  %bias = tensor.cast %bias0 : tensor<1x2x1x2xf32> to tensor<1x2x1x?xf32>
  call @masked(%q, %k, %v, %keep, %bias, %sinks)
    : (tensor<1x2x?x1xf32>, tensor<1x1x?x1xf32>, tensor<1x1x?x2xf32>, tensor<1x1x2x?xi1>, tensor<1x2x1x?xf32>, tensor<2xf32>) -> ()
  return
}
