// RUN: sinter-opt %s -quantize-weights | FileCheck %s --check-prefixes=ALL,AUTO
// RUN: sinter-opt %s -quantize-weights=weights=int4 | FileCheck %s --check-prefixes=ALL,INT4
// RUN: sinter-opt %s -quantize-weights="weights=int4:group=32 activations=f32" | FileCheck %s --check-prefixes=ALL,GROUP
// RUN: sinter-opt %s -quantize-weights="weights=int8 activations=int8" | FileCheck %s --check-prefixes=ALL,INT8
// RUN: sinter-opt %s -quantize-weights="weights=f32 activations=int8" | FileCheck %s --check-prefixes=ALL,F32

// The first weight is floats in the file, the second 4-bit integers that allow 8-bit activations, the third such that do not say so.
// ALL-LABEL: func.func @main
// ALL-NOT: accuracy_level
// AUTO: graph.linear %arg0, %{{.*}} : tensor<?x64xf32>, <16x64, #qt.float<f32>>
// AUTO: graph.linear %arg0, %{{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}} <16x64, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>>
// AUTO: graph.linear %arg0, %{{.*}} : tensor<?x64xf32>, <16x64, #qt.int<4

// One group in 64 columns: a scale a token is as good.
// INT4: graph.linear %arg0, %{{.*}} {activation = #qt.act<type = i8, granularity = token>} : {{.*}} <16x64, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
// INT4: graph.linear %arg0, %{{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}} <16x64, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>>
// INT4: graph.linear %arg0, %{{.*}} : tensor<?x64xf32>, <16x64, #qt.int<4, axis = 1, group = 32

// GROUP: graph.linear %arg0, %{{.*}} : tensor<?x64xf32>, <16x64, #qt.int<4, axis = 1, group = 32, scale = f16, zp = 8>>
// GROUP: graph.linear %arg0, %{{.*}} : tensor<?x64xf32>, <16x64, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>>

// INT8: graph.linear %arg0, %{{.*}} {activation = #qt.act<type = i8, granularity = token>} : {{.*}} <16x64, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
// INT8: graph.linear %arg0, %{{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}} <16x64, #qt.int<4
// INT8: graph.linear %arg0, %{{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}} <16x64, #qt.int<4

// Floats have no integers to compute with.
// F32-COUNT-3: graph.linear %arg0, %{{.*}} : tensor<?x64xf32>, <16x64, #qt.float<f32>>
func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) {
  %w = qt.constant [#qt.source<form = dense, rows = 16, columns = 64, payload = #onnx.tensor<<"m.onnx", 0, 4096>, tensor<16x64xf32>>>] : !qt.tensor<16x64, #qt.float<f32>>
  %v = qt.constant [#qt.source<form = matmul_nbits, rows = 16, columns = 64, bits = 4, group = 32, payload = #onnx.tensor<<"m.onnx", 4096, 512>, tensor<16x2x16xui8>>,
    scales = #onnx.tensor<<"m.onnx", 4608, 128>, tensor<32xf32>>>] : !qt.tensor<16x64, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>>
  %0 = graph.linear %x, %w : tensor<?x64xf32>, <16x64, #qt.float<f32>> -> tensor<?x16xf32>
  %1 = graph.linear %x, %v {accuracy_level = 4 : i64} : tensor<?x64xf32>, <16x64, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>> -> tensor<?x16xf32>
  %2 = graph.linear %x, %v : tensor<?x64xf32>, <16x64, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>> -> tensor<?x16xf32>
  return %0, %1, %2 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>
}
