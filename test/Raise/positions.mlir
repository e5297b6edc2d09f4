// A table of positions says how many tokens a cache holds, where nothing else does.
// RUN: split-file %s %t
// RUN: sinter-opt %t/computed.mlir -raise-onnx | FileCheck %t/computed.mlir
// RUN: sinter-opt %t/computed.mlir -raise-onnx="context=20" | FileCheck %t/computed.mlir --check-prefix=CONTEXT
// RUN: sinter-opt %t/computed.mlir -raise-onnx="max-seq=64" | FileCheck %t/computed.mlir --check-prefix=MORE
// RUN: sinter-opt %t/named.mlir -raise-onnx | FileCheck %t/named.mlir
// RUN: sinter-opt %t/types.mlir -raise-onnx | FileCheck %t/types.mlir

//--- computed.mlir
// Two rows are before the first position's.
// CHECK: graph.symbol @past past 0 to 29
// CONTEXT: graph.symbol @past past 0 to 19
// MORE: graph.notes = {{.*}}"a session may hold more than the 30 tokens that there are positions for
// MORE: graph.symbol @past past 0 to 63
func.func @main(%past: tensor<1x2x?x4xf32> {onnx.name = "past", onnx.dims = [1, 2, "past", 4]}, %x: tensor<1x2x?x4xf32> {onnx.name = "x", onnx.dims = [1, 2, "n", 4]})
    -> (!onnx.unknown {onnx.name = "present"}, !onnx.unknown {onnx.name = "y"}) {
  %table = onnx.initializer <"m.onnx", 0, 1024> {name = "wpe"} : tensor<32x8xf32>
  %length = onnx.constant dense<2> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %two = onnx.constant dense<2> : tensor<i64>
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  %1 = onnx.node "Shape"(%past) {since = 13} : (tensor<1x2x?x4xf32>) -> !onnx.unknown
  %2 = onnx.node "Gather"(%1, %length) {since = 13} : (!onnx.unknown, tensor<i64>) -> !onnx.unknown
  %3 = onnx.node "Shape"(%0) {since = 13} : (!onnx.unknown) -> !onnx.unknown
  %4 = onnx.node "Gather"(%3, %length) {since = 13} : (!onnx.unknown, tensor<i64>) -> !onnx.unknown
  %5 = onnx.node "Range"(%2, %4, %one) {since = 11} : (!onnx.unknown, !onnx.unknown, tensor<i64>) -> !onnx.unknown
  %6 = onnx.node "Add"(%5, %two) {since = 14} : (!onnx.unknown, tensor<i64>) -> !onnx.unknown
  %7 = onnx.node "Gather"(%table, %6) {since = 13} : (tensor<32x8xf32>, !onnx.unknown) -> !onnx.unknown
  return %0, %7 : !onnx.unknown, !onnx.unknown
}

//--- named.mlir
// CHECK: graph.symbol @past past 0 to 31
func.func @main(%past: tensor<1x2x?x4xf32> {onnx.name = "past", onnx.dims = [1, 2, "past", 4]}, %x: tensor<1x2x?x4xf32> {onnx.name = "x", onnx.dims = [1, 2, "n", 4]},
                %p: tensor<1x?xi64> {onnx.name = "position_ids", onnx.dims = [1, "n"]}) -> (!onnx.unknown {onnx.name = "present"}, !onnx.unknown {onnx.name = "y"}) {
  %table = onnx.initializer <"m.onnx", 0, 1024> {name = "wpe"} : tensor<32x8xf32>
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%table, %p) {since = 13} : (tensor<32x8xf32>, tensor<1x?xi64>) -> !onnx.unknown
  return %0, %1 : !onnx.unknown, !onnx.unknown
}

//--- types.mlir
// The types of tokens are no positions.
// CHECK: graph.symbol @past past 0 to 4095
func.func @main(%past: tensor<1x2x?x4xf32> {onnx.name = "past", onnx.dims = [1, 2, "past", 4]}, %x: tensor<1x2x?x4xf32> {onnx.name = "x", onnx.dims = [1, 2, "n", 4]},
                %p: tensor<1x?xi64> {onnx.name = "token_type_ids", onnx.dims = [1, "n"]}) -> (!onnx.unknown {onnx.name = "present"}, !onnx.unknown {onnx.name = "y"}) {
  %table = onnx.initializer <"m.onnx", 0, 1024> {name = "wte"} : tensor<32x8xf32>
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  %1 = onnx.node "Gather"(%table, %p) {since = 13} : (tensor<32x8xf32>, tensor<1x?xi64>) -> !onnx.unknown
  return %0, %1 : !onnx.unknown, !onnx.unknown
}
