// RUN: sinter-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK: !kv.cache<heads = 4, key = 64, value = 80, capacity = 100, #kv.blocked<bf16>>
func.func private @bf16(!kv.cache<heads = 4, key = 64, value = 80, capacity = 100, #kv.blocked<bf16>>)
// CHECK: !kv.cache<heads = 1, key = 8, value = 8, capacity = 1, #kv.blocked<f32>>
func.func private @f32(!kv.cache<heads = 1, key = 8, value = 8, capacity = 1, #kv.blocked<f32>>)

// -----

// expected-error @+2 {{failed to parse KV_CacheType parameter 'layout'}}
// expected-error @+1 {{expected elements of f32, f16 or bf16, but got 'f64'}}
func.func private @element(!kv.cache<heads = 1, key = 8, value = 8, capacity = 1, #kv.blocked<f64>>)

// -----

// expected-error @+1 {{expected heads from 1 to 65536, but got 0}}
func.func private @heads(!kv.cache<heads = 0, key = 8, value = 8, capacity = 1, #kv.blocked<f32>>)

// -----

// expected-error @+1 {{expected a capacity from 1 to 67108864, but got -1}}
func.func private @capacity(!kv.cache<heads = 1, key = 8, value = 8, capacity = -1, #kv.blocked<f32>>)
