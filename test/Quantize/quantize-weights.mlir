// RUN: sinter-opt %s --quantize-weights | FileCheck %s --check-prefix=AUTO
// RUN: sinter-opt %s --quantize-weights=weights=int4 | FileCheck %s --check-prefix=INT4
// RUN: sinter-opt %s --quantize-weights=weights=int8:group=32 | FileCheck %s --check-prefix=GROUP
// RUN: sinter-opt %s --quantize-weights="weights=int8 activations=f32" | FileCheck %s --check-prefix=FLOATS
// RUN: sinter-opt %s --quantize-weights="weights=bf16 activations=int8" | FileCheck %s --check-prefix=BF16
// RUN: sinter-opt %s --quantize-weights=weights=f32 | FileCheck %s --check-prefix=F32
// RUN: not sinter-opt %s --quantize-weights=weights=int3 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not sinter-opt %s --quantize-weights=weights=int4:group=20 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not sinter-opt %s --quantize-weights=activations=int4 2>&1 | FileCheck %s --check-prefix=ACTIVATIONS

// FORMAT: error: 'int3' is no weight format
// OPTION: error: 'int4:group=20' has the setting 'group=20': expected
// ACTIVATIONS: error: unknown activation format 'int4'

!float = !qt.tensor<8x256, #qt.float<f32>>
!nbits = !qt.tensor<8x256, #qt.int<4, axis = 1, group = 32, scale = f32, zp = 8>>
!affine = !qt.tensor<8x256, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>

// What the file quantizes is left, which a note says where it was asked for.
// AUTO-NOT: graph.notes
// F32-NOT: graph.notes
// INT4: graph.notes = {{.*}}"weights that the file quantizes stay as they are; only --weights=f32 changes them"

// A float weight.
// AUTO-LABEL: func.func @main
// AUTO: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}#qt.float<f32>>
// INT4-LABEL: func.func @main
// INT4: graph.linear %arg0, {{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}}#qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
// GROUP-LABEL: func.func @main
// GROUP: graph.linear %arg0, {{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}}#qt.int<8, axis = 1, group = 32, scale = f32, zp = none>>
// FLOATS-LABEL: func.func @main
// FLOATS: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}#qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
// BF16-LABEL: func.func @main
// BF16: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}#qt.float<bf16>>
// F32-LABEL: func.func @main
// F32: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}#qt.float<f32>>

// A weight that the file quantizes stays, but for f32; it takes integers where the file allows it, or where it is told to.
// AUTO: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}group = 32, scale = f32, zp = 8>>
// INT4: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}group = 32, scale = f32, zp = 8>>
// GROUP: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}group = 32, scale = f32, zp = 8>>
// FLOATS: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}group = 32, scale = f32, zp = 8>>
// BF16: graph.linear %arg0, {{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}}group = 32, scale = f32, zp = 8>>
// F32: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}#qt.float<f32>>

// AUTO: graph.linear %arg0, {{.*}} {activation = #qt.act<type = i8, granularity = group>} : {{.*}}group = 32, scale = f32, zp = 8>>
// FLOATS: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}group = 32, scale = f32, zp = 8>>

// What the file says of activations stays, too, as long as the weight is one of integers.
// AUTO: graph.linear %arg0, {{.*}} params({{.*}}) {activation = #qt.act<type = i8, granularity = tensor, scale = static>}
// FLOATS: graph.linear %arg0, {{.*}} params({{.*}}) {activation = #qt.act<type = i8, granularity = tensor, scale = static>}
// BF16: graph.linear %arg0, {{.*}} {activation = #qt.act<type = i8, granularity = group>}
// BF16: graph.linear %arg0, {{.*}} params({{.*}}) {activation = #qt.act<type = i8, granularity = tensor, scale = static>}
// F32: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}#qt.float<f32>>
// F32: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}#qt.float<f32>>
// F32-NOT: #qt.int

// A linear that takes the whole row in one group gets a scale a token.
// AUTO: graph.linear %arg0, %{{[0-9a-z]+}} : {{.*}}group = 0, scale = f32, zp = none>>
// BF16: graph.linear %arg0, {{.*}} {activation = #qt.act<type = i8, granularity = token>}
func.func @main(%x: tensor<?x256xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = qt.constant [#qt.source<form = dense, rows = 8, columns = 256, payload = #onnx.tensor<#onnx.data<"m.onnx", 0, 8192>, tensor<8x256xf32>>>] : !float
  %n = qt.constant [#qt.source<form = matmul_nbits, rows = 8, columns = 256, bits = 4, group = 32, payload = #onnx.tensor<#onnx.data<"m.onnx", 0, 1024>, tensor<8x8x16xui8>>, scales = #onnx.tensor<#onnx.data<"m.onnx", 0, 256>, tensor<64xf32>>>] : !nbits
  %a = qt.constant [#qt.source<form = affine, rows = 8, columns = 256, bits = 8, payload = #onnx.tensor<#onnx.data<"m.onnx", 0, 2048>, tensor<8x256xi8>>, scales = #onnx.tensor<#onnx.data<"m.onnx", 0, 32>, tensor<8xf32>>>] : !affine
  %s = onnx.constant dense<0.05> : tensor<f32> {name = "s"}
  %0 = graph.linear %x, %w : tensor<?x256xf32>, !float -> tensor<?x8xf32>
  %1 = graph.linear %x, %n : tensor<?x256xf32>, !nbits -> tensor<?x8xf32>
  %2 = graph.linear %x, %n {accuracy_level = 4 : i64} : tensor<?x256xf32>, !nbits -> tensor<?x8xf32>
  %3 = graph.linear %x, %a params(%s : tensor<f32>) {activation = #qt.act<type = i8, granularity = tensor, scale = static>} : tensor<?x256xf32>, !affine -> tensor<?x8xf32>
  %4 = graph.linear %x, %a : tensor<?x256xf32>, !affine -> tensor<?x8xf32>
  return %0, %1, %2, %3, %4 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
