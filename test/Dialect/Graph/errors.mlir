// RUN: sinter-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{'graph.symbol' op expected bounds with lo <= hi, but got 5 to 4}}
graph.symbol @n input 5 to 4

// -----

func.func @columns(%x: tensor<?x9xf32>, %w: !qt.tensor<16x8, #qt.float<f32>>) -> tensor<?x16xf32> {
  // expected-error @+1 {{'graph.linear' op expected weight with 9 columns, but got 8}}
  %0 = graph.linear %x, %w : tensor<?x9xf32>, <16x8, #qt.float<f32>> -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// -----

func.func @rows(%x: tensor<?x8xf32>, %w: !qt.tensor<16x8, #qt.float<f32>>) -> tensor<?x17xf32> {
  // expected-error @+1 {{'graph.linear' op expected weight with 17 rows, but got 16}}
  %0 = graph.linear %x, %w : tensor<?x8xf32>, <16x8, #qt.float<f32>> -> tensor<?x17xf32>
  return %0 : tensor<?x17xf32>
}

// -----

func.func @rank(%x: tensor<4x8xf32>) -> tensor<2x4x4xf32> {
  // expected-error @+1 {{'graph.matmul' op expected operands and result of one rank, at least 2}}
  %0 = graph.matmul %x, %x : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<2x4x4xf32>
  return %0 : tensor<2x4x4xf32>
}

// -----

func.func @kind(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'graph.norm' op expected kind rms or layer, but got 'batch'}}
  %0 = graph.norm "batch" %x {epsilon = 1.0e-5 : f32} : tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

func.func @axes(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'graph.reduce' op expected increasing axes below 2}}
  %0 = graph.reduce "add" %x axes [1, 1] : tensor<4x8xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @reduced(%x: tensor<4x8xf32>) -> tensor<4x1xf32> {
  // expected-error @+1 {{'graph.reduce' op expected a result without the reduced axes}}
  %0 = graph.reduce "add" %x axes [1] : tensor<4x8xf32> -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

func.func @heads(%q: tensor<1x8x3x16xf32>, %k: tensor<1x3x3x16xf32>) -> tensor<1x3x8x16xf32> {
  // expected-error @+1 {{'graph.attention' op expected a static number of query heads that is a multiple of the key heads, but got 8 and 3}}
  %0 = graph.attention %q, %k, %k {scale = 1.0 : f32} : tensor<1x8x3x16xf32>, tensor<1x3x3x16xf32>, tensor<1x3x3x16xf32> -> tensor<1x3x8x16xf32>
  return %0 : tensor<1x3x8x16xf32>
}

// -----

func.func @size(%q: tensor<1x8x3x16xf32>, %k: tensor<1x8x3x12xf32>) -> tensor<1x3x8x12xf32> {
  // expected-error @+1 {{'graph.attention' op expected keys of size 16, but got 12}}
  %0 = graph.attention %q, %k, %k {scale = 1.0 : f32} : tensor<1x8x3x16xf32>, tensor<1x8x3x12xf32>, tensor<1x8x3x12xf32> -> tensor<1x3x8x12xf32>
  return %0 : tensor<1x3x8x12xf32>
}

// -----

func.func @half(%p: tensor<1x2x?x16xf32>, %k: tensor<1x2x3x16xf32>) -> tensor<1x2x?x16xf32> {
  // expected-error @+1 {{'graph.append' op expected an update of rank 4 and a past of rank 5, as the result has}}
  %0 = graph.append %p half 1, %k axis 2 : tensor<1x2x?x16xf32>, tensor<1x2x3x16xf32> -> tensor<1x2x?x16xf32>
  return %0 : tensor<1x2x?x16xf32>
}

// -----

func.func @updates(%x: tensor<4x8xf32>, %i: tensor<3x2xi64>, %u: tensor<3x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'graph.scatter' op expected updates of rank 1, but got 2}}
  %0 = graph.scatter %x, %i, %u : tensor<4x8xf32>, tensor<3x2xi64>, tensor<3x8xf32> -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
