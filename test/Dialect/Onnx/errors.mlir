// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{'onnx.initializer' op expected 16 bytes for 'tensor<4xf32>', but got 12}}
%0 = onnx.initializer <"m.onnx", 0, 12> : tensor<4xf32>

// -----

// expected-error@+1 {{expected 5 bytes for 'tensor<9xi4>', but got 9}}
%0 = onnx.initializer <"m.onnx", 0, 9> : tensor<9xi4>

// -----

// expected-error@+1 {{expected a tensor that a file can hold, but got 'tensor<4xi3>'}}
%0 = onnx.initializer <"m.onnx", 0, 12> : tensor<4xi3>

// -----

// expected-error@+1 {{expected an encoding, but got 'zip'}}
%0 = onnx.initializer <"m.onnx", 0, 12, zip> : tensor<4xi8>

// -----

// expected-error@+1 {{requires attribute 'since'}}
onnx.node "Relu"() : () -> !onnx.unknown

// -----

// expected-error@+1 {{expected 1 regions, as many as their names, but got 0}}
onnx.node "If"() {region_names = ["then_branch"], since = 17} : () -> !onnx.unknown

// -----

// expected-error@+1 {{expected 1 output names, but got 2}}
onnx.node "Relu"() {output_names = ["a", "b"], since = 17} : () -> !onnx.unknown

// -----

// expected-error@+1 {{expected regions that end in 'onnx.yield'}}
onnx.node "If"() {region_names = ["then_branch"], since = 17} : () -> !onnx.unknown regions {
  %0 = onnx.none
}
