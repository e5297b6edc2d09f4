//===- QT.cpp - the qt dialect ----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/QT.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::qt;

#include "dialects/QT/QTDialect.cpp.inc"

#include "dialects/QT/QTEnums.cpp.inc"

#include "dialects/QT/QTInterfaces.cpp.inc"

#include "dialects/QT/QTOpInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/QT/QTAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/QT/QTTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/QT/QTOps.cpp.inc"

void QTDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/QT/QTOps.cpp.inc"
      >();
}
