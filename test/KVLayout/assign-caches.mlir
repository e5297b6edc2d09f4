// RUN: sinter-opt %s -split-input-file -assign-caches | FileCheck %s
// RUN: sinter-opt %s -split-input-file -assign-caches=element=bf16 | FileCheck %s --check-prefix=BF16

// Appends to pasts of the session: the cache is a state, with the file's type or the one that is asked for, and room for one token
// more than the past's bound. The cast that reads the file's f16 as f32 is not needed: the kernel reads the cache itself.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %arg0: {{.*}}kv.cache = !kv.cache<heads = 2, key = 16, value = 16, capacity = 32, #kv.blocked<f16>>{{.*}}kv.part = #kv.part<key>, kv.state = 0
// CHECK-SAME: %arg1: {{.*}}kv.part = #kv.part<value>, kv.state = 1
// CHECK: %[[K:.*]] = graph.append %arg0, %{{.*}} {cache = !kv.cache<{{.*}}>, part = #kv.part<key>, state = 0 : i64}
// CHECK: %[[V:.*]] = graph.append %arg1, %{{.*}} {cache = !kv.cache<{{.*}}>, part = #kv.part<value>, state = {{.*}}}
// CHECK: graph.attention %{{.*}}, %[[K]], %[[V]] {cache = !kv.cache<heads = 2, key = 16, value = 16, capacity = 32, #kv.blocked<f16>>
// BF16-LABEL: func.func @main
// BF16: graph.attention {{.*}} #kv.blocked<bf16>
graph.symbol @past past 0 to 31
graph.symbol @s input 1 to 8
func.func @main(%pk: tensor<1x2x?x16xf16> {onnx.name = "pk"}, %pv: tensor<1x2x?x16xf16> {onnx.name = "pv"}, %q: tensor<1x8x?x16xf32> {onnx.name = "q"},
                %k: tensor<1x2x?x16xf16> {onnx.name = "k"}) -> (tensor<1x?x8x16xf32>, tensor<1x2x?x16xf16>, tensor<1x2x?x16xf16>) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %p = graph.dim @past
  %s = graph.dim @s
  %t = arith.addi %p, %s : index
  graph.bind %pk[%c1, %c2, %p, %c16] : tensor<1x2x?x16xf16>
  graph.bind %pv[%c1, %c2, %p, %c16] : tensor<1x2x?x16xf16>
  graph.bind %q[%c1, %c8, %s, %c16] : tensor<1x8x?x16xf32>
  graph.bind %k[%c1, %c2, %s, %c16] : tensor<1x2x?x16xf16>
  %0 = graph.append %pk, %k axis 2 : tensor<1x2x?x16xf16>, tensor<1x2x?x16xf16> -> tensor<1x2x?x16xf16>
  %1 = graph.append %pv, %k axis 2 : tensor<1x2x?x16xf16>, tensor<1x2x?x16xf16> -> tensor<1x2x?x16xf16>
  %2 = tensor.generate %t {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    %x = tensor.extract %0[%a, %b, %c, %d] : tensor<1x2x?x16xf16>
    %y = arith.extf %x : f16 to f32
    tensor.yield %y : f32
  } : tensor<1x2x?x16xf32>
  %3 = graph.attention %q, %2, %1 {scale = 0.25 : f32} : tensor<1x8x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf16> -> tensor<1x?x8x16xf32>
  return %3, %0, %1 : tensor<1x?x8x16xf32>, tensor<1x2x?x16xf16>, tensor<1x2x?x16xf16>
}

// -----

// An encoder's keys are in the arena, in f32 whatever the option says; no argument is a state.
// CHECK-LABEL: func.func @main
// CHECK-NOT: kv.state
// CHECK: graph.attention {{.*}} {cache = !kv.cache<heads = 8, key = 16, value = 16, capacity = 12, #kv.blocked<f32>>
// BF16: graph.attention {{.*}} {cache = !kv.cache<heads = 8, key = 16, value = 16, capacity = 12, #kv.blocked<f32>>
graph.symbol @s input 1 to 12
func.func @main(%q: tensor<1x8x?x16xf32> {onnx.name = "q"}) -> tensor<1x?x8x16xf32> {
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %s = graph.dim @s
  graph.bind %q[%c1, %c8, %s, %c16] : tensor<1x8x?x16xf32>
  %0 = graph.attention %q, %q, %q {scale = 0.25 : f32} : tensor<1x8x?x16xf32>, tensor<1x8x?x16xf32>, tensor<1x8x?x16xf32> -> tensor<1x?x8x16xf32>
  return %0 : tensor<1x?x8x16xf32>
}

// -----

// State of one fixed shape is kept as a tensor; what is no state stays with the caller.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %arg0: tensor<1x8xf32> {graph.state = 1 : i64, kv.state = 0 : i64, onnx.name = "h"}, %arg1: tensor<1x8xf32> {onnx.name = "x"}
func.func @main(%h: tensor<1x8xf32> {onnx.name = "h", graph.state = 1}, %x: tensor<1x8xf32> {onnx.name = "x"}) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  return %x, %h : tensor<1x8xf32>, tensor<1x8xf32>
}
