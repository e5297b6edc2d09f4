// RUN: sinter-opt %s --kern-lower --split-input-file --verify-diagnostics

func.func @effects(%a: memref<64xf32>, %out: memref<64xf32>, %b: index, %e: index) {
  // expected-error @+1 {{'kern.generate' op cannot be lowered for x86-64-v3}}
  kern.generate range(%b to %e) shape[64] outs(%out : memref<64xf32>) {
  ^bb0(%i: index):
    // expected-error @+2 {{cannot be run in 16 lanes}}
    %f = arith.constant 1.0 : f32
    %x = memref.atomic_rmw addf %f, %a[%i] : (f32, memref<64xf32>) -> f32
    kern.yield %x : f32
  }
  return
}
