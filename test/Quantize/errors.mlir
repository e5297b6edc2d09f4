// RUN: not sinter-opt %s -quantize-weights=weights=int5 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not sinter-opt %s -quantize-weights=weights=int4:group=20 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not sinter-opt %s -quantize-weights=weights=int4:size=32 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not sinter-opt %s -quantize-weights=activations=int4 2>&1 | FileCheck %s --check-prefix=ACTIVATION

// FORMAT: error: 'int5' is no weight format: expected auto, f32, bf16, f16, int8 or int4
// GROUP: error: 'int4:group=20' has the setting 'group=20': expected group=N with N 0 (the whole row) or a multiple of 8 from 16
// OPTION: error: 'int4:size=32' has the setting 'size=32': expected group=N
// ACTIVATION: error: unknown activation format 'int4'
module {}
