// RUN: sinter-opt %s | sinter-opt | FileCheck %s

!cache = !kv.cache<heads = 4, key = 64, value = 64, capacity = 2048, #kv.blocked<bf16>>

// CHECK-LABEL: func @append
func.func @append(%kv: memref<?xi8>, %k: memref<?x?x4x64xf32>, %past: index, %s: index, %b: index, %begin: index, %end: index) {
  // CHECK: kern.append range(%{{.*}} to %{{.*}}) cache(%{{.*}} : memref<?xi8>) past(%{{.*}}) tokens(%{{.*}}) sequences(%{{.*}}) {
  // CHECK: } {part = #kv.part<key>, type = !kv.cache<heads = 4, key = 64, value = 64, capacity = 2048, #kv.blocked<bf16>>}
  kern.append range(%begin to %end) cache(%kv : memref<?xi8>) past(%past) tokens(%s) sequences(%b) {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = memref.load %k[%sequence, %token, %head, %channel] : memref<?x?x4x64xf32>
    kern.yield %x : f32
  } {type = !cache, part = #kv.part<key>}
  return
}

// CHECK-LABEL: func @attention
func.func @attention(%kv: memref<?xi8>, %q: memref<?x?x32x64xf32>, %o: memref<?x?x32x64xf16>, %mask: memref<?x?xi1>, %sinks: memref<?xf32>,
                     %partials: memref<?xf32>, %past: index, %s: index, %t: index, %b: index, %begin: index, %end: index,
                     %scratch: memref<?xi8>) {
  // CHECK: kern.attention range({{.*}}) cache({{.*}}) outs({{.*}}) past({{.*}}) tokens({{.*}}) total({{.*}}) sequences({{.*}}) sinks({{.*}}) partials({{.*}}) scratch({{.*}}) query {
  // CHECK: } mask {
  // CHECK: kern.yield %{{.*}} : i1
  // CHECK: } {causal, scale = 1.250000e-01 : f32, softcap = 5.000000e+01 : f32, type = !kv.cache{{.*}}, window = 128 : i64, zero_masked_rows}
  kern.attention range(%begin to %end) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x32x64xf16>) past(%past) tokens(%s) total(%t)
      sequences(%b) sinks(%sinks : memref<?xf32>) partials(%partials : memref<?xf32>) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = memref.load %q[%sequence, %token, %head, %channel] : memref<?x?x32x64xf32>
    kern.yield %x : f32
  } mask {
  ^bb0(%sequence: index, %head: index, %token: index, %position: index):
    %m = memref.load %mask[%sequence, %position] : memref<?x?xi1>
    kern.yield %m : i1
  } {type = !cache, scale = 1.25e-1 : f32, softcap = 50.0 : f32, causal, window = 128, zero_masked_rows}
  // CHECK: kern.attention_merge range({{.*}}) outs({{.*}}) tokens({{.*}}) total({{.*}}) sequences({{.*}}) sinks({{.*}}) partials({{.*}}) {type = {{.*}}, zero_masked_rows}
  kern.attention_merge range(%begin to %end) outs(%o : memref<?x?x32x64xf16>) tokens(%s) total(%t) sequences(%b)
      sinks(%sinks : memref<?xf32>) partials(%partials : memref<?xf32>) {type = !cache, zero_masked_rows}
  return
}
