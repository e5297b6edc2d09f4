// RUN: sinter-opt %s -split-input-file --raise-onnx=dims=rows=1..8 | FileCheck %s

// The scales' product is made first, as onnxruntime's quantizer writes it; the second linear has them one after the other, and one of its own a channel.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qt.constant {{.*}}form = affine, rows = 3, columns = 4, transposed = true, bits = 8{{.*}} : <3x4, #qt.int<8, axis = 1, group = 0, scale = f32, zp = int>>
// CHECK: %[[Y:.*]] = graph.linear %arg0, %[[W]] {activation = #qt.act<type = ui8, granularity = tensor, zp = true>} : tensor<?x4xf32>
// CHECK: %[[V:.*]] = qt.constant {{.*}} : <3x4, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
// CHECK: %[[Z:.*]] = graph.linear %arg0, %[[V]] {activation = #qt.act<type = ui8, granularity = tensor, zp = true>} : tensor<?x4xf32>
// CHECK: return %[[Y]], %[[Z]]
module attributes {onnx.ir_version = 8 : i64, onnx.opset = {ai.onnx = 17 : i64}} {
  func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["rows", 4], onnx.name = "x"}) -> (!onnx.unknown {onnx.name = "y"}, !onnx.unknown {onnx.name = "z"}) {
    %w = onnx.initializer <"m.onnx", 0, 12> {name = "w"} : tensor<4x3xi8>
    %ws = onnx.constant dense<0.02> : tensor<f32> {name = "ws"}
    %wz = onnx.constant dense<1> : tensor<i8> {name = "wz"}
    %vs = onnx.constant dense<[0.02, 0.03, 0.04]> : tensor<3xf32> {name = "vs"}
    %none = onnx.none
    %q:3 = onnx.node "DynamicQuantizeLinear"(%x) {since = 17 : i64} : (tensor<?x4xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
    %s = onnx.node "Mul"(%q#1, %ws) {since = 17 : i64} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
    %i = onnx.node "MatMulInteger"(%q#0, %w, %q#2, %wz) {since = 17 : i64} : (!onnx.unknown, tensor<4x3xi8>, !onnx.unknown, tensor<i8>) -> !onnx.unknown
    %c = onnx.node "Cast"(%i) {attributes = {to = 1 : i64}, since = 17 : i64} : (!onnx.unknown) -> !onnx.unknown
    %y = onnx.node "Mul"(%c, %s) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    %j = onnx.node "MatMulInteger"(%q#0, %w, %q#2, %none) {since = 17 : i64} : (!onnx.unknown, tensor<4x3xi8>, !onnx.unknown, none) -> !onnx.unknown
    %d = onnx.node "Cast"(%j) {attributes = {to = 1 : i64}, since = 17 : i64} : (!onnx.unknown) -> !onnx.unknown
    %t = onnx.node "Mul"(%q#1, %d) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    %z = onnx.node "Mul"(%t, %vs) {since = 17 : i64} : (!onnx.unknown, tensor<3xf32>) -> !onnx.unknown
    return %y, %z : !onnx.unknown, !onnx.unknown
  }
}

// -----

// The zero point, then the scale, are not those of the quantized values; then a weight is computed: nothing is recognised.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.linear
// CHECK-COUNT-3: graph.matmul
// CHECK-NOT: graph.linear
// CHECK: return
module attributes {onnx.ir_version = 8 : i64, onnx.opset = {ai.onnx = 17 : i64}} {
  func.func @main(%x: tensor<5x4xf32> {onnx.dims = [5, 4], onnx.name = "x"}, %v: tensor<4x3xi8> {onnx.dims = [4, 3], onnx.name = "v"}, %n: tensor<5x4xf32> {onnx.dims = [5, 4], onnx.name = "n"}) -> (!onnx.unknown {onnx.name = "y"}, !onnx.unknown {onnx.name = "z"}, !onnx.unknown {onnx.name = "u"}) {
    %w = onnx.initializer <"m.onnx", 0, 12> {name = "w"} : tensor<4x3xi8>
    %ws = onnx.constant dense<0.02> : tensor<f32> {name = "ws"}
    %q:3 = onnx.node "DynamicQuantizeLinear"(%x) {since = 17 : i64} : (tensor<5x4xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
    %o:3 = onnx.node "DynamicQuantizeLinear"(%n) {since = 17 : i64} : (tensor<5x4xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
    %s = onnx.node "Mul"(%q#1, %ws) {since = 17 : i64} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
    %r = onnx.node "Mul"(%o#1, %ws) {since = 17 : i64} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
    %i = onnx.node "MatMulInteger"(%q#0, %w, %o#2) {since = 17 : i64} : (!onnx.unknown, tensor<4x3xi8>, !onnx.unknown) -> !onnx.unknown
    %c = onnx.node "Cast"(%i) {attributes = {to = 1 : i64}, since = 17 : i64} : (!onnx.unknown) -> !onnx.unknown
    %y = onnx.node "Mul"(%c, %s) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    %j = onnx.node "MatMulInteger"(%q#0, %w, %q#2) {since = 17 : i64} : (!onnx.unknown, tensor<4x3xi8>, !onnx.unknown) -> !onnx.unknown
    %d = onnx.node "Cast"(%j) {attributes = {to = 1 : i64}, since = 17 : i64} : (!onnx.unknown) -> !onnx.unknown
    %z = onnx.node "Mul"(%d, %r) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    %k = onnx.node "MatMulInteger"(%q#0, %v, %q#2) {since = 17 : i64} : (!onnx.unknown, tensor<4x3xi8>, !onnx.unknown) -> !onnx.unknown
    %e = onnx.node "Cast"(%k) {attributes = {to = 1 : i64}, since = 17 : i64} : (!onnx.unknown) -> !onnx.unknown
    %u = onnx.node "Mul"(%e, %s) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    return %y, %z, %u : !onnx.unknown, !onnx.unknown, !onnx.unknown
  }
}

// -----

// A static scale and zero point are operands. The first linear reads what was quantized; the second what was dequantized, by other numbers than it
// was quantized by; the third has unsigned activations without a zero point, which is 0 then.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[S:.*]] = onnx.constant dense<5.000000e-02> : tensor<f32>
// CHECK-DAG: %[[ZERO:.*]] = tensor.bitcast %{{.*}} : tensor<ui8> to tensor<i8>
// CHECK-DAG: %[[R:.*]] = onnx.constant dense<6.000000e-02> : tensor<f32>
// CHECK: graph.linear %arg0, %{{.*}} params(%[[S]], %[[ZERO]] : tensor<f32>, tensor<i8>) {activation = #qt.act<type = ui8, granularity = tensor, scale = static, zp = true>} : tensor<?x4xf32>, <3x4, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
// CHECK: %[[D:.*]] = tensor.generate
// CHECK: graph.linear %[[D]], %{{.*}} params(%[[R]], %[[ZERO]] : {{.*}}) {activation = #qt.act<type = ui8, granularity = tensor, scale = static, zp = true>}
// CHECK: %[[NOTHING:.*]] = onnx.constant dense<0> : tensor<i8>
// CHECK: graph.linear %arg0, %{{.*}} params(%[[S]], %[[NOTHING]] : {{.*}}) {activation = #qt.act<type = ui8, granularity = tensor, scale = static, zp = true>}
module attributes {onnx.ir_version = 8 : i64, onnx.opset = {ai.onnx = 17 : i64}} {
  func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["rows", 4], onnx.name = "x"}) -> (!onnx.unknown {onnx.name = "y"}, !onnx.unknown {onnx.name = "z"}, !onnx.unknown {onnx.name = "u"}) {
    %w = onnx.initializer <"m.onnx", 0, 12> {name = "w"} : tensor<4x3xi8>
    %ws = onnx.constant dense<[0.02, 0.03, 0.04]> : tensor<3xf32> {name = "ws"}
    %s = onnx.constant dense<0.05> : tensor<f32> {name = "s"}
    %r = onnx.constant dense<0.06> : tensor<f32> {name = "r"}
    %zero = onnx.constant dense<128> : tensor<ui8> {name = "zero"}
    %v = onnx.node "DequantizeLinear"(%w, %ws) {attributes = {axis = 1 : i64}, since = 17 : i64} : (tensor<4x3xi8>, tensor<3xf32>) -> !onnx.unknown
    %q = onnx.node "QuantizeLinear"(%x, %s, %zero) {since = 17 : i64} : (tensor<?x4xf32>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
    %d = onnx.node "DequantizeLinear"(%q, %s, %zero) {since = 17 : i64} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
    %y = onnx.node "MatMul"(%d, %v) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    %e = onnx.node "DequantizeLinear"(%q, %r, %zero) {since = 17 : i64} : (!onnx.unknown, tensor<f32>, tensor<ui8>) -> !onnx.unknown
    %z = onnx.node "Gemm"(%e, %v) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    %p = onnx.node "QuantizeLinear"(%x, %s) {since = 17 : i64} : (tensor<?x4xf32>, tensor<f32>) -> !onnx.unknown
    %f = onnx.node "DequantizeLinear"(%p, %s) {since = 17 : i64} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
    %u = onnx.node "MatMul"(%f, %v) {since = 17 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    return %y, %z, %u : !onnx.unknown, !onnx.unknown, !onnx.unknown
  }
}

// -----

// A scale a column of the activations, and 16-bit ones, have no integer kernel: the weight is still read as integers.
// CHECK-LABEL: func.func @main
// CHECK: graph.linear %{{[^ ]+}}, %{{[^ ]+}} : tensor<?x4xf32>
// CHECK: graph.linear %{{[^ ]+}}, %{{[^ ]+}} : tensor<?x4xf32>
// CHECK-NOT: params
module attributes {onnx.ir_version = 8 : i64, onnx.opset = {ai.onnx = 21 : i64}} {
  func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["rows", 4], onnx.name = "x"}) -> (!onnx.unknown {onnx.name = "y"}, !onnx.unknown {onnx.name = "z"}) {
    %w = onnx.initializer <"m.onnx", 0, 12> {name = "w"} : tensor<4x3xi8>
    %ws = onnx.constant dense<0.02> : tensor<f32> {name = "ws"}
    %s = onnx.constant dense<[0.05, 0.06, 0.07, 0.08]> : tensor<4xf32> {name = "s"}
    %zero = onnx.constant dense<[1, 2, 3, 4]> : tensor<4xi8> {name = "zero"}
    %wide = onnx.constant dense<7> : tensor<i16> {name = "wide"}
    %v = onnx.node "DequantizeLinear"(%w, %ws) {since = 21 : i64} : (tensor<4x3xi8>, tensor<f32>) -> !onnx.unknown
    %q = onnx.node "QuantizeLinear"(%x, %s, %zero) {attributes = {axis = 1 : i64}, since = 21 : i64} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xi8>) -> !onnx.unknown
    %d = onnx.node "DequantizeLinear"(%q, %s, %zero) {attributes = {axis = 1 : i64}, since = 21 : i64} : (!onnx.unknown, tensor<4xf32>, tensor<4xi8>) -> !onnx.unknown
    %y = onnx.node "MatMul"(%d, %v) {since = 21 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    %p = onnx.node "QuantizeLinear"(%x, %ws, %wide) {since = 21 : i64} : (tensor<?x4xf32>, tensor<f32>, tensor<i16>) -> !onnx.unknown
    %e = onnx.node "DequantizeLinear"(%p, %ws, %wide) {since = 21 : i64} : (!onnx.unknown, tensor<f32>, tensor<i16>) -> !onnx.unknown
    %z = onnx.node "MatMul"(%e, %v) {since = 21 : i64} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
    return %y, %z : !onnx.unknown, !onnx.unknown
  }
}

// -----

// QLinearMatMul is a linear where its right side is stored, and an exact sum of integers where it is computed; both are quantized after it.
// CHECK-LABEL: func.func @main
// CHECK: %[[Y:.*]] = graph.linear %arg0, %{{.*}} params({{.*}}) {activation = #qt.act<type = ui8, granularity = tensor, scale = static, zp = true>}
// CHECK: tensor.generate
// CHECK: tensor.extract %[[Y]]
// CHECK: math.roundeven
// CHECK: graph.matmul {{.*}} -> tensor<?x4xi32>
module attributes {onnx.ir_version = 8 : i64, onnx.opset = {ai.onnx = 17 : i64}} {
  func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["rows", 4], onnx.name = "x"}, %b: tensor<4x4xi8> {onnx.dims = [4, 4], onnx.name = "b"}) -> (!onnx.unknown {onnx.name = "y"}, !onnx.unknown {onnx.name = "z"}) {
    %w = onnx.initializer <"m.onnx", 0, 16> {name = "w"} : tensor<4x4xi8>
    %s = onnx.constant dense<0.05> : tensor<f32> {name = "s"}
    %zero = onnx.constant dense<128> : tensor<ui8> {name = "zero"}
    %wz = onnx.constant dense<0> : tensor<i8> {name = "wz"}
    %q = onnx.node "QuantizeLinear"(%x, %s, %zero) {since = 17 : i64} : (tensor<?x4xf32>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
    %y = onnx.node "QLinearMatMul"(%q, %s, %zero, %w, %s, %wz, %s, %zero) {since = 17 : i64} : (!onnx.unknown, tensor<f32>, tensor<ui8>, tensor<4x4xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
    %z = onnx.node "QLinearMatMul"(%y, %s, %zero, %b, %s, %wz, %s, %zero) {since = 17 : i64} : (!onnx.unknown, tensor<f32>, tensor<ui8>, tensor<4x4xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
    return %y, %z : !onnx.unknown, !onnx.unknown
  }
}
