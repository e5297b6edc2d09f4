// RUN: sinter-opt %s --kern-lower --canonicalize --cse | FileCheck %s

// Ids are brought into the table before anything is read; eight columns of a row are one word of the panel.
// CHECK-LABEL: func.func @gather
// CHECK: %[[ID:.*]] = arith.index_cast
// CHECK: arith.cmpi slt, %[[ID]], %c0
// CHECK: arith.select
// CHECK: arith.maxsi
// CHECK: arith.minsi %{{.*}}, %c99
// CHECK: arith.shrui {{.*}} : vector<8xi32>
// CHECK: arith.andi {{.*}} : vector<8xi32>
// CHECK: vector.store {{.*}} : memref<?x256xf32>, vector<8xf32>
func.func @gather(%ids: memref<?xi64>, %w: memref<?xi8>, %c: memref<?x256xf32>, %m: index, %begin: index, %end: index) {
  kern.gather_rows range(%begin to %end) rows(%m) ids(%ids : memref<?xi64>) weights(%w : memref<?xi8>) outs(%c : memref<?x256xf32>)
      as !qt.tensor<100x256, #qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>> panel <channels = 64, order = nibbles>
  return
}
