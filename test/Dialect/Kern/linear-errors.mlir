// RUN: sinter-opt %s -split-input-file -verify-diagnostics

func.func @columns(%x: memref<?x255xf32>, %w: memref<?xi8>, %c: memref<?x100xf32>, %n: index, %s: memref<?xi8>) {
  // expected-error @+1 {{'kern.linear' op expected an input of type memref<?x256xf32>, but got 'memref<?x255xf32>'}}
  kern.linear range(%n to %n) rows(%n) ins(%x : memref<?x255xf32>) weights(%w : memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%s : memref<?xi8>) as !qt.tensor<100x256, #qt.float<f32>> panel <channels = 64, order = floats> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

// -----

func.func @order(%x: memref<?x256xf32>, %w: memref<?xi8>, %c: memref<?x100xf32>, %n: index, %s: memref<?xi8>) {
  // expected-error @+1 {{'kern.linear' op expected a panel of floats for '!qt.tensor<100x256, #qt.float<f32>>'}}
  kern.linear range(%n to %n) rows(%n) ins(%x : memref<?x256xf32>) weights(%w : memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%s : memref<?xi8>) as !qt.tensor<100x256, #qt.float<f32>> panel <channels = 64, order = nibbles> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

// -----

func.func @yields(%x: memref<?x256xf32>, %w: memref<?xi8>, %c: memref<?x100xf32>, %n: index, %s: memref<?xi8>) {
  // expected-error @+1 {{'kern.linear' op expected an epilogue that yields 1 values}}
  kern.linear range(%n to %n) rows(%n) ins(%x : memref<?x256xf32>) weights(%w : memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%s : memref<?xi8>) as !qt.tensor<100x256, #qt.float<f32>> panel <channels = 64, order = floats> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield
  }
  return
}

// -----

func.func @epilogue(%x: memref<?x256xf32>, %w: memref<?xi8>, %c: memref<?x100xf32>, %n: index, %s: memref<?xi8>) {
  // expected-error @+1 {{'kern.linear' op expected an epilogue over 2 f32 and two indices}}
  kern.linear range(%n to %n) rows(%n) ins(%x : memref<?x256xf32>) weights(%w, %w : memref<?xi8>, memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%s : memref<?xi8>) as !qt.tensor<100x256, #qt.float<f32>> panel <channels = 64, order = floats> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

// -----

func.func @sums(%a: memref<?xi8>, %w: memref<?xi8>, %c: memref<?x100xf32>, %n: index, %s: memref<?xi8>) {
  // expected-error @+1 {{'kern.linear' op expected a panel with sums for activations with a zero point}}
  kern.linear range(%n to %n) rows(%n) ins(%a : memref<?xi8>) weights(%w : memref<?xi8>) outs(%c : memref<?x100xf32>)
      scratch(%s : memref<?xi8>) as !qt.tensor<100x256, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>> panel <channels = 64, order = bytes>
      activation #qt.act<type = ui8, granularity = tensor, zp = true> epilogue {
  ^bb0(%acc: f32, %row: index, %col: index):
    kern.yield %acc : f32
  }
  return
}

// -----

func.func @floats(%x: memref<?x256xf32>, %a: memref<?xi8>, %n: index) {
  // expected-error @+1 {{'kern.quantize_rows' op no integer kernel takes #qt.act<type = i8, granularity = token> with '!qt.tensor<100x256, #qt.float<f32>>'}}
  kern.quantize_rows range(%n to %n) rows(%n) ins(%x : memref<?x256xf32>) outs(%a : memref<?xi8>)
      for !qt.tensor<100x256, #qt.float<f32>> activation #qt.act<type = i8, granularity = token>
  return
}

// -----

func.func @params(%x: memref<?x256xf32>, %a: memref<?xi8>, %n: index) {
  // expected-error @+1 {{'kern.quantize_rows' op expected 2 params}}
  kern.quantize_rows range(%n to %n) rows(%n) ins(%x : memref<?x256xf32>) outs(%a : memref<?xi8>)
      for !qt.tensor<100x256, #qt.int<8, axis = 1, group = 0, scale = f32, zp = none>> activation #qt.act<type = ui8, granularity = tensor, scale = static, zp = true>
  return
}

// -----

func.func @ids(%ids: memref<?xf32>, %w: memref<?xi8>, %c: memref<?x256xf32>, %n: index) {
  // expected-error @+1 {{'kern.gather_rows' op expected ids of type memref<?xi64> or memref<?xi32>, but got 'memref<?xf32>'}}
  kern.gather_rows range(%n to %n) rows(%n) ids(%ids : memref<?xf32>) weights(%w : memref<?xi8>) outs(%c : memref<?x256xf32>)
      as !qt.tensor<100x256, #qt.float<f32>> panel <channels = 64, order = floats>
  return
}
