// RUN: sinter-opt %s --kern-lower | FileCheck %s

// bf16 in pairs on a CPU that multiplies them; floats elsewhere.
!cache = !kv.cache<heads = 2, key = 33, value = 16, capacity = 128, #kv.blocked<bf16>>

// CHECK-LABEL: func @dots
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// CHECK-NOT: kern.attention
func.func @dots(%kv: memref<?xi8>, %q: memref<?x?x4x33xf32>, %o: memref<?x?x4x16xf32>, %past: index, %s: index, %t: index,
                %b: index, %begin: index, %end: index, %scratch: memref<?xi8>)
    attributes {kern.target = #kern.target<cpu = "znver4", features = "+avx512f,+avx512bf16">} {
  kern.attention range(%begin to %end) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x4x16xf32>) past(%past) tokens(%s) total(%t)
      sequences(%b) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = memref.load %q[%sequence, %token, %head, %channel] : memref<?x?x4x33xf32>
    kern.yield %x : f32
  } {type = !cache, scale = 1.25e-1 : f32, causal}
  return
}

// CHECK-LABEL: func @floats
// CHECK-NOT: llvm.call_intrinsic
// CHECK: arith.shli
// CHECK: math.fma
func.func @floats(%kv: memref<?xi8>, %q: memref<?x?x4x33xf32>, %o: memref<?x?x4x16xf32>, %past: index, %s: index, %t: index,
                  %b: index, %begin: index, %end: index, %scratch: memref<?xi8>) {
  kern.attention range(%begin to %end) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x4x16xf32>) past(%past) tokens(%s) total(%t)
      sequences(%b) scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = memref.load %q[%sequence, %token, %head, %channel] : memref<?x?x4x33xf32>
    kern.yield %x : f32
  } {type = !cache, scale = 1.25e-1 : f32, causal}
  return
}

// The last channel of an odd size is stored with a partner of zero.
// CHECK-LABEL: func @append
// CHECK: %[[ON:.*]] = arith.constant dense<[true, false, {{.*}}]> : vector<16xi1>
// CHECK: %[[PAIR:.*]] = arith.select %[[ON]], %{{.*}}, %{{.*}} : vector<16xi1>, vector<16xbf16>
// CHECK: %[[WORDS:.*]] = vector.bitcast %[[PAIR]] : vector<16xbf16> to vector<8xi32>
// CHECK: vector.extract %[[WORDS]][0]
// CHECK-NOT: vector.extract %[[WORDS]][1]
func.func @append(%kv: memref<?xi8>, %k: memref<?x?x2x33xf32>, %past: index, %s: index, %b: index, %begin: index, %end: index) {
  kern.append range(%begin to %end) cache(%kv : memref<?xi8>) past(%past) tokens(%s) sequences(%b) {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %x = memref.load %k[%sequence, %token, %head, %channel] : memref<?x?x2x33xf32>
    kern.yield %x : f32
  } {type = !cache, part = #kv.part<key>}
  return
}

// CHECK-LABEL: func @merge
// CHECK: scf.for
// CHECK: arith.divf
func.func @merge(%o: memref<?x?x4x16xf32>, %partials: memref<?xf32>, %s: index, %t: index, %b: index, %begin: index, %end: index) {
  kern.attention_merge range(%begin to %end) outs(%o : memref<?x?x4x16xf32>) tokens(%s) total(%t) sequences(%b)
      partials(%partials : memref<?xf32>) {type = !cache}
  return
}
