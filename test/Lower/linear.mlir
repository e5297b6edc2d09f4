// RUN: sinter-opt %s --kern-lower --canonicalize --cse | FileCheck %s

!w4 = !qt.tensor<128x256, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>>
!w8 = !qt.tensor<100x256, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>>
!wf = !qt.tensor<64x96, #qt.float<f32>>
#vnni = #kern.target<cpu = "znver4", features = "+avx512f,+avx512bw,+avx512vl,+avx512vnni">

// Few rows: one loop over a group reads the panel itself, a step of 8 columns at a time, a case for each number of rows.
// CHECK-LABEL: func.func @int4
// CHECK: %[[FEW:.*]] = arith.cmpi sle, %{{.*}}, %c3
// CHECK: scf.if %[[FEW]]
// CHECK: scf.index_switch
// CHECK: case 1
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c1 iter_args({{.*}}) -> (vector<16xi32>, vector<16xi32>, vector<16xi32>, vector<16xi32>)
// CHECK: vector.load %[[W:arg1]][{{.*}}] {alignment = 64 : i64} : memref<?xi8>, vector<64xi8>
// CHECK: arith.andi
// CHECK: arith.shrui {{.*}} : vector<16xi32>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: math.fma
// CHECK: case 3
// Many rows: a group is unpacked into scratch, then tiles of 6 rows x 4 vectors run over it.
// CHECK: } else {
// An item is a panel and a block of at most 258 rows.
// CHECK: %[[BLOCKS:.*]] = arith.divui %{{.*}}, %c258
// CHECK: scf.for %[[ITEM:.*]] = %{{.*}} to %{{.*}} step %c1
// CHECK: arith.remui %[[ITEM]], %[[BLOCKS]]
// CHECK: arith.divui %[[ITEM]], %[[BLOCKS]]
// CHECK: vector.store {{.*}} : memref<16384xi8>, vector<64xi8>
// CHECK: scf.for {{.*}} step %c6
// While a tile is computed, the weights of the next group are asked for.
// CHECK: memref.prefetch %[[W]][{{.*}}], read, locality<3>, data
// CHECK: memref.prefetch %{{.*}}[{{.*}}], write, locality<3>, data : memref<?x128xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c1 iter_args
// CHECK: vector.load {{.*}} : memref<16384xi8>, vector<64xi8>
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// The epilogue runs on vectors of columns; 128 rows of the weight need no masks.
// CHECK: vector.load {{.*}} : memref<?xf32>, vector<16xf32>
// CHECK: arith.addf {{.*}} : vector<16xf32>
// CHECK-NOT: maskedstore
func.func @int4(%a: memref<?xi8>, %w: memref<?xi8>, %b: memref<?xf32>, %c: memref<?x128xf32>, %m: index, %begin: index, %end: index, %scratch: memref<?xi8>)
    attributes {kern.target = #vnni} {
  kern.linear range(%begin to %end) rows(%m) ins(%a : memref<?xi8>) weights(%w : memref<?xi8>) outs(%c : memref<?x128xf32>)
      scratch(%scratch : memref<?xi8>) as !w4 panel <channels = 64, order = nibbles> activation #qt.act<type = i8, granularity = token> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    %bias = memref.load %b[%col] : memref<?xf32>
    %sum = arith.addf %acc, %bias : f32
    kern.yield %sum : f32
  }
  return
}

// Without VNNI, four bits may use the saturating instruction, eight may not. Rows of the weight beyond the last are masked.
// One row reads a panel's channels in order: all eight vectors of them are accumulated together.
// CHECK-LABEL: func.func @avx2_int4
// CHECK: case 1
// CHECK-NOT: scf.for {{.*}} step %c16
// CHECK: iter_args({{.*}}) -> (vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<8xi32>)
// CHECK: llvm.x86.avx2.pmadd.ub.sw
// CHECK-NOT: vpdpbusd
// CHECK-LABEL: func.func @avx2_int8
// CHECK-NOT: pmadd.ub.sw
// CHECK: llvm.x86.avx2.pmadd.wd
// CHECK-NOT: pmadd.ub.sw
// CHECK: vector.maskedstore {{.*}} : memref<?x100xf32>, vector<16xi1>, vector<16xf32>
// CHECK-NOT: pmadd.ub.sw
// CHECK-LABEL: func.func @floats
func.func @avx2_int4(%a: memref<?xi8>, %w: memref<?xi8>, %c: memref<?x128xf32>, %m: index, %begin: index, %end: index, %scratch: memref<?xi8>) {
  kern.linear range(%begin to %end) rows(%m) ins(%a : memref<?xi8>) weights(%w : memref<?xi8>) outs(%c : memref<?x128xf32>)
      scratch(%scratch : memref<?xi8>) as !w4 panel <channels = 64, order = nibbles> activation #qt.act<type = i8, granularity = token> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

func.func @avx2_int8(%a: memref<?xi8>, %w: memref<?xi8>, %c: memref<?x100xf32>, %m: index, %begin: index, %end: index, %scratch: memref<?xi8>) {
  kern.linear range(%begin to %end) rows(%m) ins(%a : memref<?xi8>) weights(%w : memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%scratch : memref<?xi8>) as !w8 panel <channels = 64, order = bytes> activation #qt.act<type = i8, granularity = token> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

// f32 weights are read where they are, whatever the number of rows; the strategy is obeyed.
// CHECK-NOT: llvm.call_intrinsic
// CHECK: scf.for {{.*}} step %c2
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>)
// CHECK: vector.load %arg1
// CHECK-COUNT-2: math.fma {{.*}} : vector<8xf32>
// CHECK-LABEL: func.func @gated
func.func @floats(%x: memref<?x96xf32>, %w: memref<?xi8>, %c: memref<?x64xf32>, %m: index, %begin: index, %end: index, %scratch: memref<?xi8>) {
  kern.linear range(%begin to %end) rows(%m) ins(%x : memref<?x96xf32>) weights(%w : memref<?xi8>) outs(%c : memref<?x64xf32>)
      scratch(%scratch : memref<?xi8>) as !wf panel <channels = 64, order = floats>
      strategy <mr = 2, nr = 1, decode_rows = 0, row_block = 64, segment = 32> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

// Two weights have accumulators of their own and one epilogue.
// CHECK: case 1
// CHECK: vector.load %arg1[{{.*}}] {alignment = 64 : i64} : memref<?xi8>, vector<64xi8>
// CHECK: vector.load %arg2[{{.*}}] {alignment = 64 : i64} : memref<?xi8>, vector<64xi8>
// CHECK: scf.for %[[AT:.*]] = %c0 to %c64 step %c16
// CHECK: %[[GATE:.*]] = vector.load %{{.*}}[%[[AT]]] {{.*}} : memref<16512xf32>, vector<16xf32>
// CHECK: %[[UP:.*]] = vector.load %{{.*}}[%[[AT]]] {{.*}} : memref<16512xf32>, vector<16xf32>
// CHECK: arith.mulf %[[GATE]], %[[UP]] : vector<16xf32>
// CHECK: case 2
func.func @gated(%a: memref<?xi8>, %w: memref<?xi8>, %v: memref<?xi8>, %c: memref<?x128xf32>, %m: index, %begin: index, %end: index, %scratch: memref<?xi8>)
    attributes {kern.target = #vnni} {
  kern.linear range(%begin to %end) rows(%m) ins(%a : memref<?xi8>) weights(%w, %v : memref<?xi8>, memref<?xi8>) outs(%c : memref<?x128xf32>)
      scratch(%scratch : memref<?xi8>) as !w4 panel <channels = 64, order = nibbles> activation #qt.act<type = i8, granularity = group> epilogue {
  ^bb0(%gate: f32, %up: f32, %row: index, %col: index):
    %product = arith.mulf %gate, %up : f32
    kern.yield %product : f32
  }
  return
}
