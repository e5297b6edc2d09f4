// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=past=0..31 dims=s=1..16" -cse -bound-attention | FileCheck %s

!u = !onnx.unknown
// Masks as exporters write them, each with an attention of its own.
// CHECK: module attributes {graph.notes = [
// CHECK-SAME: ["every key is read for every query, because the mask depends on input 'bias'", "bias"]
// CHECK-SAME: ["every key is read for every query, because the mask does not hide those after it", "little"]
// CHECK-SAME: ["every key is read for every query, because the mask depends on input 'position_ids'", "given"]
// CHECK-LABEL: func.func @main
func.func @main(%q: tensor<1x2x?x8xf32> {onnx.name = "q", onnx.dims = [1, 2, "s", 8]}, %pk: tensor<1x2x?x8xf32> {onnx.name = "pk", onnx.dims = [1, 2, "past", 8]},
                %pv: tensor<1x2x?x8xf32> {onnx.name = "pv", onnx.dims = [1, 2, "past", 8]}, %k: tensor<1x2x?x8xf32> {onnx.name = "k", onnx.dims = [1, 2, "s", 8]},
                %m: tensor<1x?xi64> {onnx.name = "attention_mask", onnx.dims = [1, "total"]}, %ids: tensor<?x1xi64> {onnx.name = "position_ids", onnx.dims = ["s", 1]},
                %b: tensor<?x?xf32> {onnx.name = "bias", onnx.dims = ["s", "total"]})
    -> (!u, !u, !u, !u, !u, !u, !u, !u, !u, !u, !u, !u, !u) {
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %none = onnx.constant dense<0.0> : tensor<f32>
  %inf = onnx.constant dense<0xFF800000> : tensor<f32>
  %least = onnx.constant dense<0xFF7FFFFF> : tensor<f32>
  %0 = onnx.node "Concat"(%pk, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %1 = onnx.node "Concat"(%pv, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %keyT = onnx.node "Transpose"(%0) {attributes = {perm = array<i64: 0, 1, 3, 2>}, since = 13} : (!u) -> !u
  %scores = onnx.node "MatMul"(%q, %keyT) {since = 13} : (tensor<1x2x?x8xf32>, !u) -> !u
  %2 = onnx.node "Shape"(%0) {attributes = {start = 2, end = 3}, since = 15} : (!u) -> !u
  %total = onnx.node "Squeeze"(%2) {since = 13} : (!u) -> !u
  %3 = onnx.node "Shape"(%pk) {attributes = {start = 2, end = 3}, since = 15} : (tensor<1x2x?x8xf32>) -> !u
  %past = onnx.node "Squeeze"(%3) {since = 13} : (!u) -> !u
  %keys = onnx.node "Range"(%zero, %total, %one) {since = 11} : (tensor<i64>, !u, tensor<i64>) -> !u
  %queries = onnx.node "Range"(%past, %total, %one) {since = 11} : (!u, !u, tensor<i64>) -> !u
  %column = onnx.node "Unsqueeze"(%queries, %axis) {since = 13} : (!u, tensor<1xi64>) -> !u
  %early = onnx.node "LessOrEqual"(%keys, %column) {since = 16} : (!u, !u) -> !u
  %bool = onnx.node "Cast"(%m) {attributes = {to = 9}, since = 13} : (tensor<1x?xi64>) -> !u
  // CHECK: graph.attention {{[^:]*}} {causal, scale = 1.000000e+00 : f32}
  %m1 = onnx.node "Where"(%early, %none, %inf) {since = 16} : (!u, tensor<f32>, tensor<f32>) -> !u
  %plain.x = onnx.node "Add"(%scores, %m1) {since = 14} : (!u, !u) -> !u
  %plain.p = onnx.node "Softmax"(%plain.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %plain = onnx.node "MatMul"(%plain.p, %1) {since = 13} : (!u, !u) -> !u loc("plain")
  // A least number hides a key as well: a row always has its own.
  // CHECK: graph.attention {{[^:]*}} {causal, scale = 1.000000e+00 : f32}
  %m2 = onnx.node "Where"(%early, %none, %least) {since = 16} : (!u, tensor<f32>, tensor<f32>) -> !u
  %finite.x = onnx.node "Add"(%scores, %m2) {since = 14} : (!u, !u) -> !u
  %finite.p = onnx.node "Softmax"(%finite.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %finite = onnx.node "MatMul"(%finite.p, %1) {since = 13} : (!u, !u) -> !u loc("finite")
  // What is above the diagonal of a matrix of least numbers.
  // CHECK: graph.attention {{[^:]*}} {causal, scale = 1.000000e+00 : f32}
  %4 = onnx.node "Shape"(%k) {attributes = {start = 2, end = 3}, since = 15} : (tensor<1x2x?x8xf32>) -> !u
  %shape = onnx.node "Concat"(%4, %2) {attributes = {axis = 0}, since = 13} : (!u, !u) -> !u
  %full = onnx.node "Expand"(%least, %shape) {since = 13} : (tensor<f32>, !u) -> !u
  %next = onnx.node "Add"(%past, %one) {since = 14} : (!u, tensor<i64>) -> !u
  %m3 = onnx.node "Trilu"(%full, %next) {attributes = {upper = 1}, since = 14} : (!u, !u) -> !u
  %triangle.x = onnx.node "Add"(%scores, %m3) {since = 14} : (!u, !u) -> !u
  %triangle.p = onnx.node "Softmax"(%triangle.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %triangle = onnx.node "MatMul"(%triangle.p, %1) {since = 13} : (!u, !u) -> !u loc("triangle")
  // A boolean mask.
  // CHECK: graph.attention {{[^:]*}} {causal, scale = 1.000000e+00 : f32, window = 5 : i64}
  %five = onnx.constant dense<5> : tensor<i64>
  %start = onnx.node "Sub"(%column, %five) {since = 14} : (!u, tensor<i64>) -> !u
  %late = onnx.node "Greater"(%keys, %start) {since = 13} : (!u, !u) -> !u
  %m4 = onnx.node "And"(%early, %late) {since = 7} : (!u, !u) -> !u
  %window.x = onnx.node "Where"(%m4, %scores, %inf) {since = 16} : (!u, !u, tensor<f32>) -> !u
  %window.p = onnx.node "Softmax"(%window.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %window = onnx.node "MatMul"(%window.p, %1) {since = 13} : (!u, !u) -> !u loc("window")
  // Three keys to both sides: those before are skipped, those after have a mask.
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {scale = 1.000000e+00 : f32, window = 4 : i64}
  %three = onnx.constant dense<3> : tensor<i64>
  %far = onnx.node "Sub"(%keys, %column) {since = 14} : (!u, !u) -> !u
  %distance = onnx.node "Abs"(%far) {since = 13} : (!u) -> !u
  %m5 = onnx.node "LessOrEqual"(%distance, %three) {since = 16} : (!u, tensor<i64>) -> !u
  %around.x = onnx.node "Where"(%m5, %scores, %inf) {since = 16} : (!u, !u, tensor<f32>) -> !u
  %around.p = onnx.node "Softmax"(%around.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %around = onnx.node "MatMul"(%around.p, %1) {since = 13} : (!u, !u) -> !u loc("around")
  // With padding, as 1 - keep times the least number: keys after the query are `outside`, as a row may see padding only.
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {causal, outside = -3.40282347E+38 : f32, scale = 1.000000e+00 : f32}
  %there = onnx.node "Gather"(%bool, %keys) {attributes = {axis = 1}, since = 13} : (!u, !u) -> !u
  %seen = onnx.node "And"(%early, %there) {since = 7} : (!u, !u) -> !u
  %hide = onnx.node "Not"(%seen) {since = 1} : (!u) -> !u
  %hidden = onnx.node "Cast"(%hide) {attributes = {to = 1}, since = 13} : (!u) -> !u
  %m6 = onnx.node "Mul"(%hidden, %least) {since = 14} : (!u, tensor<f32>) -> !u
  %product.x = onnx.node "Add"(%scores, %m6) {since = 14} : (!u, !u) -> !u
  %product.p = onnx.node "Softmax"(%product.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %product = onnx.node "MatMul"(%product.p, %1) {since = 13} : (!u, !u) -> !u loc("product")
  // A bias from an input may be no number, also where a key is hidden.
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {scale
  %m7 = onnx.node "Add"(%m1, %b) {since = 14} : (!u, tensor<?x?xf32>) -> !u
  %bias.x = onnx.node "Add"(%scores, %m7) {since = 14} : (!u, !u) -> !u
  %bias.p = onnx.node "Softmax"(%bias.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %bias = onnx.node "MatMul"(%bias.p, %1) {since = 13} : (!u, !u) -> !u loc("bias")
  // Less than -10000 may be made up for by a score.
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {scale
  %small = onnx.constant dense<-1.0e4> : tensor<f32>
  %m8 = onnx.node "Where"(%early, %none, %small) {since = 16} : (!u, tensor<f32>, tensor<f32>) -> !u
  %little.x = onnx.node "Add"(%scores, %m8) {since = 14} : (!u, !u) -> !u
  %little.p = onnx.node "Softmax"(%little.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %little = onnx.node "MatMul"(%little.p, %1) {since = 13} : (!u, !u) -> !u loc("little")
  // Positions of an input may be anything.
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {scale
  %le = onnx.node "LessOrEqual"(%keys, %ids) {since = 16} : (!u, tensor<?x1xi64>) -> !u loc("ordered")
  %m9 = onnx.node "Where"(%le, %none, %inf) {since = 16} : (!u, tensor<f32>, tensor<f32>) -> !u
  %given.x = onnx.node "Add"(%scores, %m9) {since = 14} : (!u, !u) -> !u
  %given.p = onnx.node "Softmax"(%given.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %given = onnx.node "MatMul"(%given.p, %1) {since = 13} : (!u, !u) -> !u loc("given")
  // Padding alone does not depend on the query: nothing to note.
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {scale
  %m10 = onnx.node "Where"(%bool, %none, %inf) {since = 16} : (!u, tensor<f32>, tensor<f32>) -> !u
  %padding.x = onnx.node "Add"(%scores, %m10) {since = 14} : (!u, !u) -> !u
  %padding.p = onnx.node "Softmax"(%padding.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %padding = onnx.node "MatMul"(%padding.p, %1) {since = 13} : (!u, !u) -> !u loc("padding")
  // Filled where it is not 0, and left where it is: such padding is known to be the least number or 0.
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {causal, outside = -3.40282347E+38 : f32, scale = 1.000000e+00 : f32}
  %unit = onnx.constant dense<1.0> : tensor<f32>
  %number = onnx.node "Cast"(%m) {attributes = {to = 1}, since = 13} : (tensor<1x?xi64>) -> !u
  %inverted = onnx.node "Sub"(%unit, %number) {since = 14} : (tensor<f32>, !u) -> !u
  %fill = onnx.node "Cast"(%inverted) {attributes = {to = 9}, since = 13} : (!u) -> !u
  %filled.m = onnx.node "Where"(%fill, %least, %inverted) {since = 16} : (!u, tensor<f32>, !u) -> !u
  %m11 = onnx.node "Add"(%m2, %filled.m) {since = 14} : (!u, !u) -> !u
  %filled.s = onnx.node "Add"(%scores, %m11) {since = 14} : (!u, !u) -> !u
  %filled.x = onnx.node "Max"(%filled.s, %least) {since = 13} : (!u, tensor<f32>) -> !u
  %filled.p = onnx.node "Softmax"(%filled.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %filled = onnx.node "MatMul"(%filled.p, %1) {since = 13} : (!u, !u) -> !u loc("filled")
  return %plain, %finite, %triangle, %window, %around, %product, %bias, %little, %given, %padding, %filled, %0, %1 : !u, !u, !u, !u, !u, !u, !u, !u, !u, !u, !u, !u, !u
}

// -----

!u = !onnx.unknown
// CHECK-LABEL: func.func @main
// CHECK: graph.attention
func.func @main(%q: tensor<1x2x?x8xf32> {onnx.name = "q", onnx.dims = [1, 2, "s", 8]}, %pk: tensor<1x2x?x8xf32> {onnx.name = "pk", onnx.dims = [1, 2, "past", 8]},
                %pv: tensor<1x2x?x8xf32> {onnx.name = "pv", onnx.dims = [1, 2, "past", 8]}, %k: tensor<1x2x?x8xf32> {onnx.name = "k", onnx.dims = [1, 2, "s", 8]},
                %m: tensor<1x?xi64> {onnx.name = "attention_mask", onnx.dims = [1, "total"]}, %ids: tensor<?x1xi64> {onnx.name = "position_ids", onnx.dims = ["s", 1]},
                %b: tensor<?x?xf32> {onnx.name = "bias", onnx.dims = ["s", "total"]})
    -> (!u, !u, !u, !u, !u) {
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %none = onnx.constant dense<0.0> : tensor<f32>
  %inf = onnx.constant dense<0xFF800000> : tensor<f32>
  %least = onnx.constant dense<0xFF7FFFFF> : tensor<f32>
  %0 = onnx.node "Concat"(%pk, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %1 = onnx.node "Concat"(%pv, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %keyT = onnx.node "Transpose"(%0) {attributes = {perm = array<i64: 0, 1, 3, 2>}, since = 13} : (!u) -> !u
  %scores = onnx.node "MatMul"(%q, %keyT) {since = 13} : (tensor<1x2x?x8xf32>, !u) -> !u
  %2 = onnx.node "Shape"(%0) {attributes = {start = 2, end = 3}, since = 15} : (!u) -> !u
  %total = onnx.node "Squeeze"(%2) {since = 13} : (!u) -> !u
  %3 = onnx.node "Shape"(%pk) {attributes = {start = 2, end = 3}, since = 15} : (tensor<1x2x?x8xf32>) -> !u
  %past = onnx.node "Squeeze"(%3) {since = 13} : (!u) -> !u
  %keys = onnx.node "Range"(%zero, %total, %one) {since = 11} : (tensor<i64>, !u, tensor<i64>) -> !u
  %queries = onnx.node "Range"(%past, %total, %one) {since = 11} : (!u, !u, tensor<i64>) -> !u
  %column = onnx.node "Unsqueeze"(%queries, %axis) {since = 13} : (!u, tensor<1xi64>) -> !u
  %early = onnx.node "LessOrEqual"(%keys, %column) {since = 16} : (!u, !u) -> !u
  %bool = onnx.node "Cast"(%m) {attributes = {to = 9}, since = 13} : (tensor<1x?xi64>) -> !u
  %given = onnx.node "Identity"(%b) {since = 16} : (tensor<?x?xf32>) -> !u
  %bias.x = onnx.node "Add"(%scores, %given) {since = 14} : (!u, !u) -> !u
  %bias.p = onnx.node "Softmax"(%bias.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %bias = onnx.node "MatMul"(%bias.p, %1) {since = 13} : (!u, !u) -> !u loc("bias")
  // A gather of attention_mask at the keys' positions, which are clamped in the file: what is left reads it at the key.
  // CHECK: tensor.generate
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %[[KEY:.*]]: index)
  // CHECK-NOT: arith.minsi
  // CHECK-NOT: arith.cmpi sle
  // CHECK: tensor.extract %arg4[%{{.*}}, %[[KEY]]] : tensor<1x?xi64>
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {causal, scale = 1.000000e+00 : f32}
  %there = onnx.node "Gather"(%bool, %keys) {attributes = {axis = 1}, since = 13} : (!u, !u) -> !u
  %seen = onnx.node "And"(%early, %there) {since = 7} : (!u, !u) -> !u
  %m1 = onnx.node "Where"(%seen, %none, %inf) {since = 16} : (!u, tensor<f32>, tensor<f32>) -> !u
  %legacy.x = onnx.node "Add"(%scores, %m1) {since = 14} : (!u, !u) -> !u
  %legacy.p = onnx.node "Softmax"(%legacy.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %legacy = onnx.node "MatMul"(%legacy.p, %1) {since = 13} : (!u, !u) -> !u loc("legacy")
  // By pairs of indices, and a finite number: all of the mask stays.
  // CHECK: tensor.generate
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index, %[[QUERY:.*]]: index, %[[KEY:.*]]: index)
  // CHECK-NOT: arith.minsi
  // CHECK: arith.cmpi sle
  // CHECK: tensor.extract %arg4[%{{.*}}, %[[KEY]]] : tensor<1x?xi64>
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {causal, outside = -3.40282347E+38 : f32, scale = 1.000000e+00 : f32}
  %triple = onnx.constant dense<[1, -1, 1]> : tensor<3xi64>
  %row = onnx.node "Reshape"(%keys, %triple) {since = 14} : (!u, tensor<3xi64>) -> !u
  %first = onnx.node "Mul"(%row, %zero) {since = 14} : (!u, tensor<i64>) -> !u
  %pairs = onnx.node "Concat"(%first, %row) {attributes = {axis = 2}, since = 13} : (!u, !u) -> !u
  %named = onnx.node "GatherND"(%bool, %pairs) {since = 13} : (!u, !u) -> !u
  %both = onnx.node "And"(%early, %named) {since = 7} : (!u, !u) -> !u
  %m2 = onnx.node "Where"(%both, %none, %least) {since = 16} : (!u, tensor<f32>, tensor<f32>) -> !u
  %dynamo.x = onnx.node "Add"(%scores, %m2) {since = 14} : (!u, !u) -> !u
  %dynamo.p = onnx.node "Softmax"(%dynamo.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %dynamo = onnx.node "MatMul"(%dynamo.p, %1) {since = 13} : (!u, !u) -> !u loc("dynamo")
  return %bias, %legacy, %dynamo, %0, %1 : !u, !u, !u, !u, !u
}
