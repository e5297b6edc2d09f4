//===- KV.h - the kv dialect --------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KV_H
#define SINTER_DIALECTS_KV_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"

#include "dialects/KV/KVDialect.h.inc"

#include "dialects/KV/KVEnums.h.inc"

namespace sinter::kv {
/// Tokens of a block, in every layout: attention's order of sums is by blocks of this many tokens at absolute positions.
constexpr int64_t kBlockTokens = 64;
/// Blocks' results are merged within spans of this many tokens, then spans left to right.
constexpr int64_t kSpanTokens = 512;
} // namespace sinter::kv

#include "dialects/KV/KVInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/KV/KVAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/KV/KVTypes.h.inc"

#endif // SINTER_DIALECTS_KV_H
