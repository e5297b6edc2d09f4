// REQUIRES: python
// RUN: %python -c "import struct; n = range(24); \
// RUN:   f = open(r'%t.bin', 'wb'); \
// RUN:   f.write(bytes(c <= r for r in n for c in n)); \
// RUN:   f.write(bytes(3 * (c <= r) for r in n for c in n)); \
// RUN:   f.write(struct.pack('<576f', *(0 if r - 5 < c <= r else float('-inf') for r in n for c in n))); \
// RUN:   f.write(bytes(c <= r or (r, c) == (3, 17) for r in n for c in n))"
// RUN: sed s:FILE:%t.bin: %s | sinter-opt -raise-onnx="dims=past=0..15 dims=s=1..8" -cse -bound-attention | FileCheck %s

// A triangle may be a table in the file, of which a step reads some rows: the bounds are in its elements. The last one has an element that is no triangle's.
// CHECK: graph.notes = [
// CHECK-SAME: ["every key is read for every query, because the mask depends on 'almost'", "broken"]
// CHECK-NOT: "triangle"
// CHECK-LABEL: func.func @main
!u = !onnx.unknown
func.func @main(%q: tensor<1x2x?x8xf32> {onnx.name = "q", onnx.dims = [1, 2, "s", 8]}, %pk: tensor<1x2x?x8xf32> {onnx.name = "pk", onnx.dims = [1, 2, "past", 8]},
                %pv: tensor<1x2x?x8xf32> {onnx.name = "pv", onnx.dims = [1, 2, "past", 8]}, %k: tensor<1x2x?x8xf32> {onnx.name = "k", onnx.dims = [1, 2, "s", 8]})
    -> (!u, !u, !u, !u, !u, !u) {
  %bool = onnx.initializer <"FILE", 0, 576> {name = "bool"} : tensor<1x1x24x24xi1>
  %byte = onnx.initializer <"FILE", 576, 576> {name = "byte"} : tensor<1x1x24x24xui8>
  %float = onnx.initializer <"FILE", 1152, 2304> {name = "float"} : tensor<24x24xf32>
  %almost = onnx.initializer <"FILE", 3456, 576> {name = "almost"} : tensor<1x1x24x24xi1> loc("almost")
  %least = onnx.constant dense<0xFF7FFFFF> : tensor<f32>
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %rows = onnx.constant dense<-2> : tensor<1xi64>
  %columns = onnx.constant dense<-1> : tensor<1xi64>
  %0 = onnx.node "Concat"(%pk, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %1 = onnx.node "Concat"(%pv, %k) {attributes = {axis = 2}, since = 13} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !u
  %keyT = onnx.node "Transpose"(%0) {attributes = {perm = array<i64: 0, 1, 3, 2>}, since = 13} : (!u) -> !u
  %scores = onnx.node "MatMul"(%q, %keyT) {since = 13} : (tensor<1x2x?x8xf32>, !u) -> !u
  %total = onnx.node "Shape"(%0) {attributes = {start = 2, end = 3}, since = 15} : (!u) -> !u
  %past = onnx.node "Shape"(%pk) {attributes = {start = 2, end = 3}, since = 15} : (tensor<1x2x?x8xf32>) -> !u
  // CHECK: graph.attention {{[^:]*}} {causal, scale = 1.000000e+00 : f32}
  %2 = onnx.node "Slice"(%bool, %past, %total, %rows) {since = 13} : (tensor<1x1x24x24xi1>, !u, !u, tensor<1xi64>) -> !u
  %3 = onnx.node "Slice"(%2, %zero, %total, %columns) {since = 13} : (!u, tensor<1xi64>, !u, tensor<1xi64>) -> !u
  %bool.x = onnx.node "Where"(%3, %scores, %least) {since = 16} : (!u, !u, tensor<f32>) -> !u
  %bool.p = onnx.node "Softmax"(%bool.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %bool.y = onnx.node "MatMul"(%bool.p, %1) {since = 13} : (!u, !u) -> !u loc("bool triangle")
  // CHECK: graph.attention {{[^:]*}} {causal, scale = 1.000000e+00 : f32}
  %4 = onnx.node "Slice"(%byte, %past, %total, %rows) {since = 13} : (tensor<1x1x24x24xui8>, !u, !u, tensor<1xi64>) -> !u
  %5 = onnx.node "Slice"(%4, %zero, %total, %columns) {since = 13} : (!u, tensor<1xi64>, !u, tensor<1xi64>) -> !u
  %6 = onnx.node "Cast"(%5) {attributes = {to = 9}, since = 13} : (!u) -> !u
  %byte.x = onnx.node "Where"(%6, %scores, %least) {since = 16} : (!u, !u, tensor<f32>) -> !u
  %byte.p = onnx.node "Softmax"(%byte.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %byte.y = onnx.node "MatMul"(%byte.p, %1) {since = 13} : (!u, !u) -> !u loc("byte triangle")
  // CHECK: graph.attention {{[^:]*}} {causal, scale = 1.000000e+00 : f32, window = 5 : i64}
  %7 = onnx.node "Slice"(%float, %past, %total, %rows) {since = 13} : (tensor<24x24xf32>, !u, !u, tensor<1xi64>) -> !u
  %8 = onnx.node "Slice"(%7, %zero, %total, %columns) {since = 13} : (!u, tensor<1xi64>, !u, tensor<1xi64>) -> !u
  %float.x = onnx.node "Add"(%scores, %8) {since = 14} : (!u, !u) -> !u
  %float.p = onnx.node "Softmax"(%float.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %float.y = onnx.node "MatMul"(%float.p, %1) {since = 13} : (!u, !u) -> !u loc("float triangle")
  // CHECK: graph.attention {{.*}} mask %{{[^{]*}} {scale = 1.000000e+00 : f32}
  %9 = onnx.node "Slice"(%almost, %past, %total, %rows) {since = 13} : (tensor<1x1x24x24xi1>, !u, !u, tensor<1xi64>) -> !u
  %10 = onnx.node "Slice"(%9, %zero, %total, %columns) {since = 13} : (!u, tensor<1xi64>, !u, tensor<1xi64>) -> !u
  %almost.x = onnx.node "Where"(%10, %scores, %least) {since = 16} : (!u, !u, tensor<f32>) -> !u
  %almost.p = onnx.node "Softmax"(%almost.x) {attributes = {axis = -1}, since = 13} : (!u) -> !u
  %almost.y = onnx.node "MatMul"(%almost.p, %1) {since = 13} : (!u, !u) -> !u loc("broken")
  return %0, %1, %bool.y, %byte.y, %float.y, %almost.y : !u, !u, !u, !u, !u, !u
}
