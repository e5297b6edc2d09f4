// RUN: sinter-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expected 4 or 8 bits, but got 3}}
func.func private @bits(!qt.tensor<64x64, #qt.int<3, axis = 1, group = 32, scale = f16, zp = none>>)

// -----

// expected-error @+1 {{expected a group that is 0 or a multiple of 8, but got 20}}
func.func private @group(!qt.tensor<64x64, #qt.int<4, axis = 1, group = 20, scale = f16, zp = none>>)

// -----

// expected-error @+1 {{expected a zero point of 4 bits, but got 16}}
func.func private @zero(!qt.tensor<64x64, #qt.int<4, axis = 1, group = 32, scale = f16, zp = 16>>)

// -----

// expected-error @+1 {{expected f32, f16 or bf16, but got 'f64'}}
func.func private @float(!qt.tensor<64x64, #qt.float<f64>>)

// -----

// expected-error @+1 {{expected two sizes, but got 1}}
func.func private @rank(!qt.tensor<64, #qt.float<f32>>)

// -----

// expected-error @+1 {{unsigned activations need a zero point}}
func.func private @unsigned() attributes {a = #qt.act<type = ui8, granularity = token>}

// -----

// expected-error @+1 {{only a scale a tensor can be static or have a zero point}}
func.func private @static() attributes {a = #qt.act<type = i8, granularity = token, scale = static>}

// -----

func.func @rows() {
  // expected-error @+1 {{'qt.constant' op expected sources with 5 rows together, but got 3}}
  %0 = qt.constant [#qt.source<form = dense, rows = 3, columns = 4, payload = dense<1.0> : tensor<3x4xf32>>] : !qt.tensor<5x4, #qt.float<f32>>
  return
}

// -----

func.func @columns() {
  // expected-error @+1 {{'qt.constant' op expected sources with 5 columns, but got 4}}
  %0 = qt.constant [#qt.source<form = dense, rows = 3, columns = 4, payload = dense<1.0> : tensor<3x4xf32>>] : !qt.tensor<3x5, #qt.float<f32>>
  return
}

// -----

// expected-error @+1 {{expected a payload of 3x4 floats and nothing else, but got 'tensor<3x5xf32>'}}
func.func private @payload() attributes {a = #qt.source<form = dense, rows = 3, columns = 4, payload = dense<1.0> : tensor<3x5xf32>>}

// -----

// expected-error @+1 {{expected a payload of 2x2x8 bytes, but got 'tensor<2x2x4xui8>'}}
func.func private @nbits() attributes {a = #qt.source<form = matmul_nbits, rows = 2, columns = 20, bits = 4, group = 16, payload = dense<1> : tensor<2x2x4xui8>, scales = dense<1.0> : tensor<4xf32>>}

// -----

// expected-error @+1 {{expected 2x1 scales or one, but got 'tensor<3xf32>'}}
func.func private @scales() attributes {a = #qt.source<form = affine, rows = 2, columns = 4, payload = dense<1> : tensor<2x4xui8>, scales = dense<1.0> : tensor<3xf32>>}
