// RUN: sinter-opt %s --expand-math | FileCheck %s

// A small integer exponent is multiplications.
// CHECK-LABEL: func.func @cube(
// CHECK-SAME: %[[X:.*]]: f32
// CHECK-DAG: %[[S:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK-DAG: %[[R:.*]] = arith.mulf %[[X]], %[[S]]
// CHECK: return %[[R]]
func.func @cube(%x: f32) -> f32 {
  %c3 = arith.constant 3.0 : f32
  %y = math.powf %x, %c3 : f32
  return %y : f32
}

// Half a power is a root, which has an instruction.
// CHECK-LABEL: func.func @root
// CHECK-NEXT: arith.constant
// CHECK-NEXT: %[[R:.*]] = math.sqrt %{{.*}} : vector<16xf64>
// CHECK-NEXT: return %[[R]]
func.func @root(%x: vector<16xf64>) -> vector<16xf64> {
  %c = arith.constant dense<0.5> : vector<16xf64>
  %y = math.powf %x, %c : vector<16xf64>
  return %y : vector<16xf64>
}

// Instructions stay as they are, on the types that have them.
// CHECK-LABEL: func.func @instructions
// CHECK-NEXT: math.floor %{{.*}} : f32
// CHECK-NEXT: math.fma %{{.*}} : f32
// CHECK-NEXT: arith.truncf %{{.*}} : f64 to f32
// CHECK-NEXT: return
func.func @instructions(%x: f32, %z: f64) -> (f32, f32, f32) {
  %a = math.floor %x : f32
  %b = math.fma %x, %a, %x : f32
  %c = arith.truncf %z : f64 to f32
  return %a, %b, %c : f32, f32, f32
}

// bf16 is computed in f32.
// CHECK-LABEL: func.func @narrow
// CHECK: %[[W:.*]] = arith.extf %{{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK-NEXT: %[[F:.*]] = math.floor %[[W]] : vector<16xf32>
// CHECK-NEXT: arith.truncf %[[F]] : vector<16xf32> to vector<16xbf16>
func.func @narrow(%x: vector<16xbf16>) -> vector<16xbf16> {
  %a = math.floor %x : vector<16xbf16>
  return %a : vector<16xbf16>
}

// From f64 the way over f32 rounds once.
// CHECK-LABEL: func.func @once
// CHECK: arith.truncf %{{.*}} : f64 to f32
// CHECK: arith.bitcast
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @once(%x: f64) -> f16 {
  %a = arith.truncf %x : f64 to f16
  return %a : f16
}

// No function is left.
// CHECK-LABEL: func.func @none
// CHECK-NOT: math.{{exp|sin|log|tanh|erf|round }}
// CHECK: return
func.func @none(%x: vector<16xf32>, %n: i32) -> (vector<16xf32>, i32) {
  %a = math.exp %x : vector<16xf32>
  %b = math.sin %a : vector<16xf32>
  %c = math.log %b : vector<16xf32>
  %d = math.tanh %c : vector<16xf32>
  %e = math.erf %d : vector<16xf32>
  %f = math.round %e : vector<16xf32>
  %p = math.ipowi %n, %n : i32
  return %f, %p : vector<16xf32>, i32
}

// AVX-512 scales in one instruction, on vectors of 16 f32.
module attributes {kern.target = #kern.target<cpu = "znver4", features = "+avx512f">} {
  // CHECK-LABEL: func.func @scale
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
  // CHECK-NOT: scalef
  // CHECK: return
  func.func @scale(%x: vector<16xf32>, %s: f32) -> (vector<16xf32>, f32) {
    %a = math.exp %x : vector<16xf32>
    %b = math.exp %s : f32
    return %a, %b : vector<16xf32>, f32
  }
}
