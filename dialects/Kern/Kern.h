//===- Kern.h - the kern dialect --------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KERN_H
#define SINTER_DIALECTS_KERN_H

#include "dialects/KV/KV.h"
#include "dialects/Kern/AttentionTile.h"
#include "dialects/QT/QT.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include "dialects/Kern/KernDialect.h.inc"

#include "dialects/Kern/KernEnums.h.inc"

#include "dialects/Kern/KernInterfaces.h.inc"

#include "dialects/Kern/KernOpInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kern/KernAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Kern/KernTypes.h.inc"

namespace sinter::kern {
/// Fills a region: gets its block's arguments and ends with a `kern.yield`. Null leaves the region without a block.
using RegionBuilder = llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

mlir::ParseResult parseReduceKinds(mlir::OpAsmParser &parser, mlir::ArrayAttr &kinds);
void printReduceKinds(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::ArrayAttr kinds);
} // namespace sinter::kern

#define GET_OP_CLASSES
#include "dialects/Kern/KernOps.h.inc"

#endif // SINTER_DIALECTS_KERN_H
