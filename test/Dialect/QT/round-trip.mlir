// RUN: sinter-opt %s | sinter-opt | FileCheck %s

// CHECK-LABEL: func.func private @formats(
// CHECK-SAME: !qt.tensor<4096x11008, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
// CHECK-SAME: !qt.tensor<64x100, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
// CHECK-SAME: !qt.tensor<64x100, #qt.int<4, axis = 1, group = 32, scale = bf16, zp = int>>
// CHECK-SAME: !qt.tensor<64x100, #qt.int<4, axis = 1, group = 32, scale = f32, zp = float>>
// CHECK-SAME: !qt.tensor<64x100, #qt.float<bf16>>
func.func private @formats(!qt.tensor<4096x11008, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>,
                           !qt.tensor<64x100, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>,
                           !qt.tensor<64x100, #qt.int<4, axis = 1, group = 32, scale = bf16, zp = int>>,
                           !qt.tensor<64x100, #qt.int<4, axis = 1, group = 32, scale = f32, zp = float>>,
                           !qt.tensor<64x100, #qt.float<bf16>>)

// CHECK-LABEL: func.func private @activations()
// CHECK-SAME: #qt.act<type = i8, granularity = group>
// CHECK-SAME: #qt.act<type = ui8, granularity = tensor, zp = true>
// CHECK-SAME: #qt.act<type = i8, granularity = tensor, scale = static>
func.func private @activations() attributes {
  a = #qt.act<type = i8, granularity = group>,
  b = #qt.act<type = ui8, granularity = tensor, scale = dynamic, zp = true>,
  c = #qt.act<type = i8, granularity = tensor, scale = static>}

// CHECK-LABEL: func.func @constants
func.func @constants() {
  // CHECK: qt.constant [#qt.source<form = dense, rows = 2, columns = 8, payload = #onnx.tensor<<"m.onnx", 0, 64>, tensor<2x8xf32>>>] {name = "w"} : <2x8, #qt.float<f32>>
  %0 = qt.constant [#qt.source<form = dense, rows = 2, columns = 8, payload = #onnx.tensor<#onnx.data<"m.onnx", 0, 64>, tensor<2x8xf32>>>]
      {name = "w"} : !qt.tensor<2x8, #qt.float<f32>>
  // CHECK: form = matmul_nbits, rows = 2, columns = 20, bits = 4, group = 16
  %1 = qt.constant [#qt.source<form = matmul_nbits, rows = 2, columns = 20, bits = 4, group = 16, payload = #onnx.tensor<#onnx.data<"m.onnx", 0, 32>, tensor<2x2x8xui8>>,
                               scales = dense<1.0> : tensor<2x2xf32>, zeros = dense<8> : tensor<2xui8>>]
      : !qt.tensor<2x20, #qt.int<4, axis = 1, group = 16, scale = f32, zp = int>>
  // CHECK: form = affine, rows = 3, columns = 4, transposed = true
  %2 = qt.constant [#qt.source<form = affine, rows = 3, columns = 4, transposed = true, payload = dense<1> : tensor<4x3xi8>, scales = dense<0.5> : tensor<f32>>,
                    #qt.source<form = affine, rows = 2, columns = 4, payload = dense<1> : tensor<2x4xi8>, scales = dense<0.5> : tensor<2xf32>>]
      : !qt.tensor<5x4, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
  return
}
