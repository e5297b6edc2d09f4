// RUN: sinter-reduce %s --test=%S/Inputs/has-division.sh | FileCheck %s
// RUN: echo 'func.func @no_division() { return }' > %t.mlir
// RUN: not sinter-reduce %t.mlir --test=%S/Inputs/has-division.sh 2>&1 | FileCheck %s --check-prefix=DULL
// RUN: not sinter-reduce %s --test=%t.missing 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not sinter-reduce %s 2>&1 | FileCheck %s --check-prefix=USAGE

// Of two functions the one that matters is left, without what surrounds the division.
// CHECK-NOT: @other
// CHECK: func.func @guilty
// CHECK-NOT: arith.muli
// CHECK-NOT: scf.if
// CHECK: arith.divsi
// CHECK-NOT: arith.addi
// CHECK-NOT: @other
// DULL: has-division.sh does not find {{.*}} interesting
// MISSING: cannot run
// USAGE: usage: sinter-reduce
func.func @other(%a: i32) -> i32 {
  %0 = arith.muli %a, %a : i32
  return %0 : i32
}

func.func @guilty(%a: i32, %b: i32, %c: i1) -> i32 {
  %0 = arith.muli %a, %b : i32
  %1 = arith.divsi %0, %b : i32
  %2 = arith.addi %1, %0 : i32
  %3 = scf.if %c -> i32 {
    %4 = func.call @other(%2) : (i32) -> i32
    scf.yield %4 : i32
  } else {
    scf.yield %2 : i32
  }
  return %3 : i32
}
