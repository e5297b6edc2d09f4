// What the session carries beside caches, by structure and by name, and what it does not.
// RUN: split-file %s %t
// RUN: sinter-opt %t/window.mlir -raise-onnx | FileCheck %t/window.mlir
// RUN: sinter-opt %t/recurrence.mlir -raise-onnx | FileCheck %t/recurrence.mlir
// RUN: sinter-opt %t/residual.mlir -raise-onnx | FileCheck %t/residual.mlir
// RUN: sinter-opt %t/residual.mlir -raise-onnx="states=x=y" | FileCheck %t/residual.mlir --check-prefix=DECLARED
// RUN: sinter-opt %t/grows.mlir -raise-onnx="dims=n=1..4" | FileCheck %t/grows.mlir
// RUN: sinter-opt %t/label.mlir -raise-onnx="dims=past=0..4 dims=s=1..4" | FileCheck %t/label.mlir
// RUN: sinter-opt %t/mixed.mlir -raise-onnx="dims=n=0..4" | FileCheck %t/mixed.mlir
// RUN: not sinter-opt %t/mixed.mlir -raise-onnx="dims=n=0..4 states=past=present" 2>&1 | FileCheck %s --check-prefix=MIXED
// RUN: sinter-opt %t/lengths.mlir -raise-onnx="dims=n=1..4,m=1..4" | FileCheck %t/lengths.mlir
// RUN: sinter-opt %t/total.mlir -raise-onnx="dims=total=1..16" | FileCheck %t/total.mlir
// RUN: sinter-opt %t/total.mlir -raise-onnx="dims=past+n=1..16" | FileCheck %t/total.mlir
// RUN: sinter-opt %t/total.mlir -raise-onnx="dims=total=1..16 max-seq=32" | FileCheck %t/total.mlir --check-prefix=MORE
// RUN: not sinter-opt %t/residual.mlir -raise-onnx="states=z=y" 2>&1 | FileCheck %s --check-prefix=INPUT
// RUN: not sinter-opt %t/residual.mlir -raise-onnx="states=x=z" 2>&1 | FileCheck %s --check-prefix=OUTPUT
// RUN: not sinter-opt %t/residual.mlir -raise-onnx="states=x=y,w=y" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not sinter-opt %t/grows.mlir -raise-onnx="states=past=present dims=n=1..4" 2>&1 | FileCheck %s --check-prefix=SHAPES
// MIXED: error: --state 'past=present': input 'other' has the same length, but no output appends to it alone: either both are state or neither
// INPUT: error: no input is named 'z' for --state 'z=y': there are 'x', 'w'
// OUTPUT: error: no output is named 'z' for --state 'x=z': there are 'y'
// TWICE: error: --state 'w=y' pairs what another --state has already
// SHAPES: error: --state 'past=present': the input is f32[1, n, 4] and the output f32[1, n + 1, 4]; a state is a cache that grows on axis 2 of 4, or has one fixed shape (see --dim)

//--- window.mlir
// The last columns of what was there and what is new: a convolution's state. The batch, which leads another input too, is 1.
// CHECK: func.func @main(%arg0: tensor<1x3x4xf32> {{{.*}}graph.state = 0 : i64{{.*}}}, %arg1: tensor<1x3x1xf32>
func.func @main(%past: tensor<?x3x4xf32> {onnx.name = "past", onnx.dims = ["b", 3, 4]}, %x: tensor<?x3x1xf32> {onnx.name = "x", onnx.dims = ["b", 3, 1]})
    -> (!onnx.unknown {onnx.name = "next"}) {
  %begin = onnx.constant dense<-4> : tensor<1xi64>
  %end = onnx.constant dense<5> : tensor<1xi64>
  %axis = onnx.constant dense<2> : tensor<1xi64>
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = -1}, since = 13} : (tensor<?x3x4xf32>, tensor<?x3x1xf32>) -> !onnx.unknown
  %1 = onnx.node "Slice"(%0, %begin, %end, %axis) {since = 13} : (!onnx.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  return %1 : !onnx.unknown
}

//--- recurrence.mlir
// past * decay + new.
// CHECK: func.func @main(%arg0: tensor<1x8xf32> {{{.*}}graph.state = 1 : i64
func.func @main(%past: tensor<1x8xf32> {onnx.name = "past"}, %x: tensor<1x8xf32> {onnx.name = "x"})
    -> (!onnx.unknown {onnx.name = "y"}, !onnx.unknown {onnx.name = "next"}) {
  %decay = onnx.node "Sigmoid"(%x) {since = 13} : (tensor<1x8xf32>) -> !onnx.unknown
  %new = onnx.node "Tanh"(%x) {since = 13} : (tensor<1x8xf32>) -> !onnx.unknown
  %0 = onnx.node "Mul"(%decay, %past) {since = 14} : (!onnx.unknown, tensor<1x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Add"(%new, %0) {since = 14} : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "Relu"(%1) {since = 14} : (!onnx.unknown) -> !onnx.unknown
  return %2, %1 : !onnx.unknown, !onnx.unknown
}

//--- residual.mlir
// An output of the shape of an input is no state for that, until the user says so.
// CHECK-NOT: graph.state
// DECLARED: func.func @main(%arg0: tensor<1x8xf32> {{{.*}}graph.state = 0 : i64
// DECLARED-NOT: graph.state
func.func @main(%x: tensor<1x8xf32> {onnx.name = "x"}, %w: tensor<1x8xf32> {onnx.name = "w"}) -> (!onnx.unknown {onnx.name = "y"}) {
  %0 = onnx.node "Tanh"(%x) {since = 13} : (tensor<1x8xf32>) -> !onnx.unknown
  %1 = onnx.node "Mul"(%0, %w) {since = 14} : (!onnx.unknown, tensor<1x8xf32>) -> !onnx.unknown
  %2 = onnx.node "Add"(%x, %1) {since = 14} : (tensor<1x8xf32>, !onnx.unknown) -> !onnx.unknown
  return %2 : !onnx.unknown
}

//--- grows.mlir
// Appended to, but not as a cache: an ordinary input and output, which a note says.
// CHECK: graph.notes = {{\[\[}}"input 'past' and output 'present' are no state that the session carries: they are f32[1, n, 4] and f32[1, n + 1, 4]"]]
// CHECK-NOT: graph.state
func.func @main(%past: tensor<1x?x4xf32> {onnx.name = "past", onnx.dims = [1, "n", 4]}, %x: tensor<1x1x4xf32> {onnx.name = "x"})
    -> (!onnx.unknown {onnx.name = "present"}) {
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = 1}, since = 13} : (tensor<1x?x4xf32>, tensor<1x1x4xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}

//--- mixed.mlir
// Where one layer's present is more than its past and something new, no layer has state: their lengths must agree, and a session's cannot be asked for.
// CHECK: graph.notes = {{\[\[}}"no past is state that the session carries, because no output appends to input 'other', which has the same length, and does nothing else"]]
// CHECK-NOT: graph.state
func.func @main(%past: tensor<1x2x?x4xf32> {onnx.name = "past", onnx.dims = [1, 2, "n", 4]}, %other: tensor<1x2x?x4xf32> {onnx.name = "other", onnx.dims = [1, 2, "n", 4]},
                %x: tensor<1x2x1x4xf32> {onnx.name = "x"}) -> (!onnx.unknown {onnx.name = "present"}, !onnx.unknown {onnx.name = "second"}) {
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x1x4xf32>) -> !onnx.unknown
  %1 = onnx.node "Tanh"(%other) {since = 13} : (tensor<1x2x?x4xf32>) -> !onnx.unknown
  %2 = onnx.node "Concat"(%1, %x) {attributes = {axis = 2}, since = 13} : (!onnx.unknown, tensor<1x2x1x4xf32>) -> !onnx.unknown
  return %0, %2 : !onnx.unknown, !onnx.unknown
}

//--- label.mlir
// An axis that is called a sum with a number is what the graph makes it: here all tokens, of which one run adds s.
// CHECK: func.func @main(%arg0: tensor<1x2x?x4xf32> {{.*}}, %arg1: tensor<1x2x?x4xf32> {{.*}}, %arg2: tensor<1x?xf32>
// CHECK: %[[PAST:.*]] = graph.dim @past
// CHECK: %[[S:.*]] = graph.dim @s
// CHECK: %[[TOTAL:.*]] = arith.addi
// CHECK: graph.bind %arg2[%{{.*}}, %[[TOTAL]]]
func.func @main(%past: tensor<1x2x?x4xf32> {onnx.name = "past", onnx.dims = [1, 2, "past", 4]}, %x: tensor<1x2x?x4xf32> {onnx.name = "x", onnx.dims = [1, 2, "s", 4]},
                %mask: tensor<1x?xf32> {onnx.name = "mask", onnx.dims = [1, "past + 1"]}) -> (!onnx.unknown {onnx.name = "present"}, !onnx.unknown {onnx.name = "y"}) {
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  %1 = onnx.node "Transpose"(%0) {attributes = {perm = array<i64: 0, 1, 3, 2>}, since = 13} : (!onnx.unknown) -> !onnx.unknown
  %2 = onnx.node "MatMul"(%x, %1) {since = 13} : (tensor<1x2x?x4xf32>, !onnx.unknown) -> !onnx.unknown
  %3 = onnx.node "Add"(%2, %mask) {since = 14} : (!onnx.unknown, tensor<1x?xf32>) -> !onnx.unknown
  return %0, %3 : !onnx.unknown, !onnx.unknown
}

//--- lengths.mlir
// Caches that grow by as much have one length, whatever the file calls it; what else is appended has its own.
// CHECK: graph.symbol @p past 0 to 4095
// CHECK-NOT: graph.symbol @q
// CHECK: graph.symbol @r past 0 to 4095
func.func @main(%a: tensor<1x2x?x4xf32> {onnx.name = "a", onnx.dims = [1, 2, "p", 4]}, %b: tensor<1x2x?x4xf32> {onnx.name = "b", onnx.dims = [1, 2, "q", 4]},
                %c: tensor<1x2x?x4xf32> {onnx.name = "c", onnx.dims = [1, 2, "r", 4]}, %x: tensor<1x2x?x4xf32> {onnx.name = "x", onnx.dims = [1, 2, "n", 4]},
                %y: tensor<1x2x?x4xf32> {onnx.name = "y", onnx.dims = [1, 2, "m", 4]})
    -> (!onnx.unknown {onnx.name = "next.a"}, !onnx.unknown {onnx.name = "next.b"}, !onnx.unknown {onnx.name = "next.c"}) {
  %0 = onnx.node "Concat"(%a, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  %1 = onnx.node "Concat"(%b, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  %2 = onnx.node "Concat"(%c, %y) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  return %0, %1, %2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

//--- total.mlir
// A bound of all tokens is the cache's, whether the file gives them a name or calls them a sum.
// CHECK: graph.symbol @past past 0 to 15
// MORE: graph.symbol @past past 0 to 31
func.func @main(%past: tensor<1x2x?x4xf32> {onnx.name = "past", onnx.dims = [1, 2, "past", 4]}, %x: tensor<1x2x?x4xf32> {onnx.name = "x", onnx.dims = [1, 2, "n", 4]},
                %mask: tensor<1x?xf32> {onnx.name = "mask", onnx.dims = [1, "total"]}, %bias: tensor<1x?xf32> {onnx.name = "bias", onnx.dims = [1, "past+n"]})
    -> (!onnx.unknown {onnx.name = "present"}, !onnx.unknown {onnx.name = "y"}) {
  %0 = onnx.node "Concat"(%past, %x) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> !onnx.unknown
  %1 = onnx.node "Add"(%mask, %bias) {since = 14} : (tensor<1x?xf32>, tensor<1x?xf32>) -> !onnx.unknown
  return %0, %1 : !onnx.unknown, !onnx.unknown
}
