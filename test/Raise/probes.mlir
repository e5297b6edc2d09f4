// Values inside of the graph become outputs; what is one already stays one.
// RUN: sinter-opt %s -raise-onnx="probes=inner,/split" | FileCheck %s
// RUN: sinter-opt %s -raise-onnx="probes=y,inner,/sigmoid" | FileCheck %s --check-prefix=ONCE
// RUN: not sinter-opt %s -raise-onnx="probes=iner" 2>&1 | FileCheck %s --check-prefix=NEAR
// RUN: not sinter-opt %s -raise-onnx="probes=something_else" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not sinter-opt %s -raise-onnx="probes=x" 2>&1 | FileCheck %s --check-prefix=INPUT
// RUN: not sinter-opt %s -raise-onnx="probes=half" 2>&1 | FileCheck %s --check-prefix=CONSTANT

// A value by its name, a node by its own: all it gives, under the names of the values.
// CHECK: func.func @main
// CHECK-SAME: -> (tensor<8xf32> {{{.*}}onnx.name = "y"}, tensor<8xf32> {{{.*}}onnx.name = "inner"}, tensor<4xf32> {{{.*}}onnx.name = "left"}, tensor<4xf32> {{{.*}}onnx.name = "right"})
// ONCE: -> (tensor<8xf32> {{{[^}]*}}onnx.name = "y"}, tensor<8xf32> {{{[^}]*}}onnx.name = "inner"}) {

// NEAR: error: --probe 'iner': no node or value has this name, did you mean 'inner'?
// NONE: error: --probe 'something_else': no node or value has this name{{$}}
// INPUT: error: --probe 'x': it is an input
// CONSTANT: error: --probe 'half': it is a constant
func.func @main(%x: tensor<8xf32> {onnx.name = "x"}) -> (!onnx.unknown {onnx.name = "y"}) {
  %half = onnx.constant dense<5.0e-01> : tensor<f32> {name = "half"}
  %0 = onnx.node "Sigmoid"(%x) {name = "/sigmoid", output_names = ["inner"], since = 13} : (tensor<8xf32>) -> !onnx.unknown loc("/sigmoid")
  %1 = onnx.node "Mul"(%0, %half) {name = "/mul", output_names = ["y"], since = 14} : (!onnx.unknown, tensor<f32>) -> !onnx.unknown loc("/mul")
  %2:2 = onnx.node "Split"(%1) {attributes = {axis = 0, num_outputs = 2}, name = "/split", output_names = ["left", "right"], since = 18} : (!onnx.unknown) -> (!onnx.unknown, !onnx.unknown) loc("/split")
  return %1 : !onnx.unknown
}
