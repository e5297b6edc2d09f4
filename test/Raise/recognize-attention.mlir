// RUN: sinter-opt %s -split-input-file -raise-onnx="dims=s=1..16 dims=t=1..32" -cse | FileCheck %s

// softmax((q / 4) k^T / 4 + mask) v: both factors are one scale, the mask is added.
// CHECK-LABEL: func.func @main
// CHECK: %[[MASK:.*]] = tensor.generate
// CHECK: %[[Y:.*]] = graph.attention %arg0, %arg1, %arg2 mask %[[MASK]] : tensor<1x1x?x?xf32> {scale = 6.250000e-02 : f32}
// CHECK-SAME: tensor<1x8x?x16xf32>, tensor<1x8x?x16xf32>, tensor<1x8x?x16xf32> -> tensor<1x?x8x16xf32>
// CHECK: tensor.extract %[[Y]]
// CHECK-NOT: graph.softmax
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x?x16xf32> {onnx.name = "k", onnx.dims = [1, 8, "t", 16]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}, %m: tensor<1x1x?x?xf32> {onnx.name = "m", onnx.dims = [1, 1, "s", "t"]}) -> !onnx.unknown {
  %four = onnx.constant dense<4.0> : tensor<f32>
  %0 = onnx.node "Transpose"(%k) {attributes = {perm = array<i64: 0, 1, 3, 2>}, since = 13} : (tensor<1x8x?x16xf32>) -> !onnx.unknown
  %1 = onnx.node "Div"(%q, %four) {since = 14} : (tensor<1x8x?x16xf32>, tensor<f32>) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%1, %0) {since = 13} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "Div"(%2, %four) {since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %4 = onnx.node "Add"(%3, %m) {since = 14} : (!onnx.unknown, tensor<1x1x?x?xf32>) -> !onnx.unknown
  %5 = onnx.node "Softmax"(%4) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %6 = onnx.node "MatMul"(%5, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown
  return %6 : !onnx.unknown
}

// -----

// Two Where with -inf are one mask of what is kept, the second turned round. NaN rows are made zero.
// CHECK-LABEL: func.func @main
// CHECK: tensor.extract %arg3
// CHECK: %[[DROP:.*]] = tensor.extract %arg4
// CHECK: arith.xori %[[DROP]], %true
// CHECK: arith.andi
// CHECK: graph.attention {{.*}} mask %{{.*}} : tensor<1x1x?x?xi1> {scale = 1.000000e+00 : f32, zero_masked_rows}
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x16x?xf32> {onnx.name = "k", onnx.dims = [1, 8, 16, "t"]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}, %keep: tensor<?x?xi1> {onnx.name = "keep", onnx.dims = ["s", "t"]},
                %drop: tensor<1x1x1x?xi1> {onnx.name = "drop", onnx.dims = [1, 1, 1, "t"]}) -> !onnx.unknown {
  %inf = onnx.constant dense<0xFF800000> : tensor<f32>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x?x16xf32>, tensor<1x8x16x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Where"(%keep, %0, %inf) {since = 16} : (tensor<?x?xi1>, !onnx.unknown, tensor<f32>) -> !onnx.unknown
  %2 = onnx.node "Where"(%drop, %inf, %1) {since = 16} : (tensor<1x1x1x?xi1>, tensor<f32>, !onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "Softmax"(%2) {attributes = {axis = 3}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %4 = onnx.node "IsNaN"(%3) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %5 = onnx.node "Where"(%4, %zero, %3) {since = 16} : (!onnx.unknown, tensor<f32>, !onnx.unknown) -> !onnx.unknown
  %6 = onnx.node "MatMul"(%5, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown
  return %6 : !onnx.unknown
}

// -----

// Grouped heads: keys and values that an Expand repeats are read unrepeated. The keys' transposition is found behind views that keep
// the last two axes, as one exporter flattens the heads around it. A tanh is a softcap.
// CHECK-LABEL: func.func @main
// CHECK-NOT: tensor<1x2x4x
// CHECK: graph.attention %arg0, %arg1, %arg2 {scale = 5.000000e-01 : f32, softcap = 3.000000e+01 : f32}
// CHECK-SAME: tensor<1x8x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32> -> tensor<1x?x8x16xf32>
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x2x?x16xf32> {onnx.name = "k", onnx.dims = [1, 2, "t", 16]},
                %v: tensor<1x2x?x16xf32> {onnx.name = "v", onnx.dims = [1, 2, "t", 16]}) -> !onnx.unknown {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %wide = onnx.constant dense<[1, 1, 4, 1, 1]> : tensor<5xi64>
  %heads = onnx.constant dense<[1, 8, -1, 16]> : tensor<4xi64>
  %flat = onnx.constant dense<[8, -1, 16]> : tensor<3xi64>
  %whole = onnx.constant dense<[1, 8, 16, -1]> : tensor<4xi64>
  %half = onnx.constant dense<0.5> : tensor<f32>
  %cap = onnx.constant dense<30.0> : tensor<f32>
  %0 = onnx.node "Unsqueeze"(%k, %two) {since = 13} : (tensor<1x2x?x16xf32>, tensor<1xi64>) -> !onnx.unknown
  %1 = onnx.node "Expand"(%0, %wide) {since = 13} : (!onnx.unknown, tensor<5xi64>) -> !onnx.unknown
  %2 = onnx.node "Reshape"(%1, %heads) {since = 14} : (!onnx.unknown, tensor<4xi64>) -> !onnx.unknown
  %3 = onnx.node "Reshape"(%2, %flat) {since = 14} : (!onnx.unknown, tensor<3xi64>) -> !onnx.unknown
  %4 = onnx.node "Transpose"(%3) {attributes = {perm = array<i64: 0, 2, 1>}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %5 = onnx.node "Reshape"(%4, %whole) {since = 14} : (!onnx.unknown, tensor<4xi64>) -> !onnx.unknown
  %6 = onnx.node "Unsqueeze"(%v, %two) {since = 13} : (tensor<1x2x?x16xf32>, tensor<1xi64>) -> !onnx.unknown
  %7 = onnx.node "Expand"(%6, %wide) {since = 13} : (!onnx.unknown, tensor<5xi64>) -> !onnx.unknown
  %8 = onnx.node "Reshape"(%7, %heads) {since = 14} : (!onnx.unknown, tensor<4xi64>) -> !onnx.unknown
  %9 = onnx.node "MatMul"(%q, %5) {since = 13} : (tensor<1x8x?x16xf32>, !onnx.unknown) -> !onnx.unknown
  %10 = onnx.node "Mul"(%9, %half) {since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %11 = onnx.node "Div"(%10, %cap) {since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %12 = onnx.node "Tanh"(%11) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %13 = onnx.node "Mul"(%12, %cap) {since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %14 = onnx.node "Softmax"(%13) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %15 = onnx.node "MatMul"(%14, %8) {since = 13} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  return %15 : !onnx.unknown
}

// -----

// A scale that is worked out from the size of a head: 1 / (0 + 64^0.5).
// CHECK-LABEL: func.func @main
// CHECK: graph.attention %arg0, %arg1, %arg1 {scale = 1.250000e-01 : f32}
func.func @main(%q: tensor<1x2x?x64xf32> {onnx.name = "q", onnx.dims = [1, 2, "s", 64]}, %k: tensor<1x2x?x64xf32> {onnx.name = "k", onnx.dims = [1, 2, "t", 64]})
    -> !onnx.unknown {
  %scalar = onnx.constant dense<> : tensor<0xi64>
  %last = onnx.constant dense<3> : tensor<i64>
  %half = onnx.constant dense<0.5> : tensor<f32>
  %0 = onnx.node "Shape"(%k) {since = 13} : (tensor<1x2x?x64xf32>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%0, %last) {since = 13} : (!onnx.unknown, tensor<i64>) -> !onnx.unknown
  %2 = onnx.node "Cast"(%1) {attributes = {to = 1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "Pow"(%2, %half) {since = 15} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %4 = onnx.node "ConstantOfShape"(%scalar) {since = 9} : (tensor<0xi64>) -> !onnx.unknown
  %5 = onnx.node "Add"(%4, %3) {since = 14} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %6 = onnx.node "Transpose"(%k) {attributes = {perm = array<i64: 0, 1, 3, 2>}, since = 13} : (tensor<1x2x?x64xf32>) -> !onnx.unknown
  %7 = onnx.node "MatMul"(%q, %6) {since = 13} : (tensor<1x2x?x64xf32>, !onnx.unknown) -> !onnx.unknown
  %8 = onnx.node "Div"(%7, %5) {since = 14} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %9 = onnx.node "Softmax"(%8) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %10 = onnx.node "MatMul"(%9, %k) {since = 13} : (!onnx.unknown, tensor<1x2x?x64xf32>) -> !onnx.unknown
  return %10 : !onnx.unknown
}

// -----

// Older exporters write the head size's root as a sum with zeros, fill with the least number, add a mask and take the least number where the sum is less.
// CHECK-LABEL: func.func @main
// CHECK: %[[FILL:.*]] = arith.select %{{.*}}, %{{.*}}, %[[LEAST:.*]] : f32
// CHECK: %[[SUM:.*]] = arith.addf %[[FILL]], %{{.*}} : f32
// CHECK: arith.maximumf %[[SUM]], %[[LEAST]] : f32
// CHECK: graph.attention {{.*}} mask %{{.*}} : tensor<1x1x?x?xf32> {scale = 2.500000e-01 : f32}
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q", onnx.dims = [1, 8, "s", 16]}, %k: tensor<1x8x16x?xf32> {onnx.name = "k", onnx.dims = [1, 8, 16, "t"]},
                %v: tensor<1x8x?x16xf32> {onnx.name = "v", onnx.dims = [1, 8, "t", 16]}, %keep: tensor<?x?xi1> {onnx.name = "keep", onnx.dims = ["s", "t"]},
                %m: tensor<1x1x1x?xf32> {onnx.name = "m", onnx.dims = [1, 1, 1, "t"]}) -> !onnx.unknown {
  %least = onnx.constant dense<0xFF7FFFFF> : tensor<f32>
  %half = onnx.constant dense<0.5> : tensor<f32>
  %none = onnx.constant dense<> : tensor<0xi64>
  %0 = onnx.node "MatMul"(%q, %k) {since = 13} : (tensor<1x8x?x16xf32>, tensor<1x8x16x?xf32>) -> !onnx.unknown
  %1 = onnx.node "Shape"(%v) {attributes = {start = -1}, since = 15} : (tensor<1x8x?x16xf32>) -> !onnx.unknown
  %2 = onnx.node "Cast"(%1) {attributes = {to = 1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "Pow"(%2, %half) {since = 15} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %4 = onnx.node "ConstantOfShape"(%none) {attributes = {value = dense<0.0> : tensor<1xf32>}, since = 9} : (tensor<0xi64>) -> !onnx.unknown
  %5 = onnx.node "Add"(%4, %3) {since = 14} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %6 = onnx.node "Div"(%0, %5) {since = 14} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %7 = onnx.node "Where"(%keep, %6, %least) {since = 16} : (tensor<?x?xi1>, !onnx.unknown, tensor<f32>) -> !onnx.unknown
  %8 = onnx.node "Add"(%7, %m) {since = 14} : (!onnx.unknown, tensor<1x1x1x?xf32>) -> !onnx.unknown
  %9 = onnx.node "Max"(%8, %least) {since = 13} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %10 = onnx.node "Softmax"(%9) {attributes = {axis = -1}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %11 = onnx.node "MatMul"(%10, %v) {since = 13} : (!onnx.unknown, tensor<1x8x?x16xf32>) -> !onnx.unknown
  return %11 : !onnx.unknown
}
