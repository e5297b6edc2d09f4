//===- KV.h - the kv dialect --------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KV_H
#define SINTER_DIALECTS_KV_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/KV/KVDialect.h.inc"

#include "dialects/KV/KVEnums.h.inc"

#include "dialects/KV/KVInterfaces.h.inc"

#include "dialects/KV/KVOpInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/KV/KVAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/KV/KVTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/KV/KVOps.h.inc"

#endif // SINTER_DIALECTS_KV_H
