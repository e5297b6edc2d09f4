// RUN: sinter-opt %s | sinter-opt | FileCheck %s
// RUN: sinter-opt %s --mlir-print-op-generic | sinter-opt | FileCheck %s

// CHECK: module attributes {onnx.opset = {ai.onnx = 17 : i64, com.microsoft = 1 : i64}}
module attributes {onnx.opset = {"ai.onnx" = 17, "com.microsoft" = 1}} {
  // CHECK-LABEL: func.func @main
  // CHECK-SAME: onnx.dims = ["batch_size", 16], onnx.name = "x"
  func.func @main(%x: tensor<?x16xf32> {onnx.name = "x", onnx.dims = ["batch_size", 16]}, %c: tensor<i1>)
      -> (!onnx.unknown {onnx.name = "y", onnx.dims = [""], onnx.type = f32}) {
    // CHECK: %fc.weight = onnx.initializer <"dir/m.onnx", 128, 1024> {name = "fc.weight"} : tensor<16x16xf32>
    %w = onnx.initializer #onnx.data<"dir/m.onnx", 128, 1024> {name = "fc.weight"} : tensor<16x16xf32>
    // CHECK: onnx.initializer <"m.onnx", 0, 70, varint64> : tensor<66xi64>
    %v = onnx.initializer <"m.onnx", 0, 70, varint64> : tensor<66xi64>
    // CHECK: onnx.initializer <"m.onnx", 0, 50> : tensor<99xi4>
    %i4 = onnx.initializer <"m.onnx", 0, 50> : tensor<99xi4>
    // CHECK: onnx.initializer <"m.onnx", 0, 99> : tensor<99xi1>
    %i1 = onnx.initializer <"m.onnx", 0, 99> : tensor<99xi1>
    // CHECK: %shape = onnx.constant dense<[0, -1]> : tensor<2xi64> {name = "shape"}
    %s = onnx.constant dense<[0, -1]> : tensor<2xi64> {name = "shape"}
    // CHECK: %none = onnx.none
    %none = onnx.none
    // CHECK: %Gemm = onnx.node "Gemm"(%arg0, %fc.weight, %none) {attributes = {alpha = 1.000000e+00 : f32, transB = 1 : i64}, name = "/fc/Gemm", output_names = ["h"], since = 17 : i64} : (tensor<?x16xf32>, tensor<16x16xf32>, none) -> !onnx.unknown
    %h = onnx.node "Gemm"(%x, %w, %none) {attributes = {alpha = 1.0 : f32, transB = 1}, name = "/fc/Gemm", output_names = ["h"], since = 17}
      : (tensor<?x16xf32>, tensor<16x16xf32>, none) -> !onnx.unknown
    // CHECK: onnx.node "Gelu"(%Gemm) {domain = "com.microsoft", since = 1 : i64} : (!onnx.unknown) -> !onnx.unknown
    %g = onnx.node "Gelu"(%h) {domain = "com.microsoft", since = 1} : (!onnx.unknown) -> !onnx.unknown
    // CHECK: onnx.node "If"(%arg1) {region_names = ["then_branch", "else_branch"], since = 17 : i64} : (tensor<i1>) -> !onnx.unknown regions {
    // CHECK-NEXT:   onnx.yield %Gemm : !onnx.unknown
    // CHECK-NEXT: }, {
    // CHECK-NEXT:   onnx.yield %Gelu : !onnx.unknown
    // CHECK-NEXT: }
    %i = onnx.node "If"(%c) {region_names = ["then_branch", "else_branch"], since = 17} : (tensor<i1>) -> !onnx.unknown regions {
      onnx.yield %h : !onnx.unknown
    }, {
      onnx.yield %g : !onnx.unknown
    }
    // CHECK: onnx.node "ConstantOfShape"(%shape) {attributes = {value = #onnx.tensor<<"m.onnx", 0, 400>, tensor<10x10xf32>>}, since = 17 : i64}
    %t = onnx.node "ConstantOfShape"(%s) {attributes = {value = #onnx.tensor<#onnx.data<"m.onnx", 0, 400>, tensor<10x10xf32>>}, since = 17}
      : (tensor<2xi64>) -> !onnx.unknown
    return %i : !onnx.unknown
  }
}
