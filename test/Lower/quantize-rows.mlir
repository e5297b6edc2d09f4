// RUN: sinter-opt %s --kern-lower --canonicalize --cse | FileCheck %s

!w = !qt.tensor<100x256, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
!odd = !qt.tensor<100x203, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>

// A scale a row: the largest magnitude first, then codes and a sum for each of the weight's groups.
// CHECK-LABEL: func.func @token
// CHECK: scf.for %{{.*}} = %c0 to %c256 step %c16
// CHECK: arith.maxsi
// CHECK: vector.reduction <maxsi>
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1
// CHECK: math.roundeven {{.*}} : vector<16xf32>
// CHECK: arith.fptosi {{.*}} : vector<16xf32> to vector<16xi32>
// CHECK: vector.bitcast {{.*}} : vector<16xi8> to vector<4xi32>
// CHECK: vector.reduction <add>
// CHECK-NOT: masked
func.func @token(%x: memref<?x256xf32>, %a: memref<?xi8>, %m: index, %begin: index, %end: index) {
  kern.quantize_rows range(%begin to %end) rows(%m) ins(%x : memref<?x256xf32>) outs(%a : memref<?xi8>) for !w activation #qt.act<type = i8, granularity = token>
  return
}

// A scale a group: its largest magnitude inside the loop over groups.
// CHECK-LABEL: func.func @group
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1
// CHECK: vector.reduction <maxsi>
// CHECK: vector.reduction <add>
func.func @group(%x: memref<?x256xf32>, %a: memref<?xi8>, %m: index, %begin: index, %end: index) {
  kern.quantize_rows range(%begin to %end) rows(%m) ins(%x : memref<?x256xf32>) outs(%a : memref<?xi8>) for !w activation #qt.act<type = i8, granularity = group>
  return
}

// As DynamicQuantizeLinear: the extremes of all rows, 255 steps, and a zero point that columns beyond the last do not get.
// CHECK-LABEL: func.func @dynamic
// CHECK: memref.load %{{.*}}[%{{.*}}, %c0] : memref<?x2xf32>
// CHECK: arith.divf %{{.*}}, %cst{{.*}} : f32
// CHECK: math.roundeven %{{.*}} : f32
// CHECK: vector.maskedload
// CHECK: arith.divf {{.*}} : vector<8xf32>
// CHECK: arith.select {{.*}} : vector<8xi1>, vector<8xi32>
func.func @dynamic(%x: memref<?x203xf32>, %e: memref<?x2xf32>, %a: memref<?xi8>, %m: index, %begin: index, %end: index) {
  kern.row_range range(%begin to %end) rows(%m) ins(%x : memref<?x203xf32>) outs(%e : memref<?x2xf32>)
  kern.quantize_rows range(%begin to %end) rows(%m) ins(%x : memref<?x203xf32>) params(%e : memref<?x2xf32>) outs(%a : memref<?xi8>)
      for !odd activation #qt.act<type = ui8, granularity = tensor, zp = true>
  return
}
