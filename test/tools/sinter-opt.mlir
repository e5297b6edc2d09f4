// RUN: sinter-opt --show-dialects | FileCheck %s --check-prefix=DIALECTS
// RUN: sinter-opt %s --canonicalize | FileCheck %s
// RUN: not sinter-opt --no-such-pass %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// DIALECTS: Available Dialects:
// DIALECTS-DAG: graph
// DIALECTS-DAG: kern
// DIALECTS-DAG: kv
// DIALECTS-DAG: onnx
// DIALECTS-DAG: qt
// DIALECTS-DAG: linalg

// CHECK-LABEL: func.func @twice
// CHECK-NEXT: %[[C:.*]] = arith.constant 4 : index
// CHECK-NEXT: return %[[C]]
func.func @twice() -> index {
  %0 = arith.constant 2 : index
  %1 = arith.addi %0, %0 : index
  return %1 : index
}

// UNKNOWN: no-such-pass
