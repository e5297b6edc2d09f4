// RUN: sinter-opt %s -raise-onnx=dims=n=0..4 | FileCheck %s

// What a Pad fills is not read from the input, which may be empty.
// CHECK-LABEL: func.func @main
// CHECK: tensor.generate
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult
// CHECK: scf.if %[[INSIDE]] -> (f32) {
// CHECK: tensor.extract %arg0
// CHECK: } else {
// CHECK-NOT: tensor.extract
// CHECK: }
func.func @main(%x: tensor<?xf32> {onnx.name = "x", onnx.dims = ["n"]}) -> !onnx.unknown {
  %pads = onnx.constant dense<[1, 2]> : tensor<2xi64>
  %0 = onnx.node "Pad"(%x, %pads) {since = 13} : (tensor<?xf32>, tensor<2xi64>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
