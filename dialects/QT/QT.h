//===- QT.h - the qt dialect --------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_QT_H
#define SINTER_DIALECTS_QT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/QT/QTDialect.h.inc"

#include "dialects/QT/QTEnums.h.inc"

#include "dialects/QT/QTInterfaces.h.inc"

#include "dialects/QT/QTOpInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/QT/QTAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/QT/QTTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/QT/QTOps.h.inc"

#endif // SINTER_DIALECTS_QT_H
