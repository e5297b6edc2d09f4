// The bounds that --dim gives, and those that are refused.
// RUN: sinter-opt %s -raise-onnx="dims=a=b=2..4 dims=length=7" | FileCheck %s
// RUN: not sinter-opt %s -raise-onnx="dims=a=b=4..2 dims=length=7" 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not sinter-opt %s -raise-onnx="dims=a=b dims=length=7" 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not sinter-opt %s -raise-onnx="dims=a=b=-1..4" 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not sinter-opt %s -raise-onnx="dims=a=b=1..4 dims=length=8" 2>&1 | FileCheck %s --check-prefix=FIXED

// A name may have '=' in it; one size makes the axis static.
// CHECK: graph.symbol @"a=b" {{ *}}input 2 to 4
// CHECK-NOT: graph.symbol
// CHECK: func.func @main(%arg0: tensor<?x7xf32>

// EMPTY: error: dim 'a=b' has bounds 4..2 that hold no size
// FORM: error: expected NAME=N or NAME=LO..HI for a dim, but got 'a=b'
// NEGATIVE: error: expected NAME=N or NAME=LO..HI for a dim, but got 'a=b=-1..4'
// FIXED: error: expected equal sizes in broadcasting, but got 8 and 7
func.func @main(%x: tensor<?x?xf32> {onnx.name = "x", onnx.dims = ["a=b", "length"]}) -> !onnx.unknown {
  %seven = onnx.constant dense<[1., 2., 3., 4., 5., 6., 7.]> : tensor<7xf32>
  %0 = onnx.node "Add"(%x, %seven) {since = 14} : (tensor<?x?xf32>, tensor<7xf32>) -> !onnx.unknown
  return %0 : !onnx.unknown
}
