//===- KV.cpp - the kv dialect ----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/KV/KV.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::kv;

#include "dialects/KV/KVDialect.cpp.inc"

#include "dialects/KV/KVEnums.cpp.inc"

#include "dialects/KV/KVInterfaces.cpp.inc"

#include "dialects/KV/KVOpInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/KV/KVAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/KV/KVTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/KV/KVOps.cpp.inc"

void KVDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/KV/KVOps.cpp.inc"
      >();
}
