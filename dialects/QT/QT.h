//===- QT.h - the qt dialect --------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_QT_H
#define SINTER_DIALECTS_QT_H

#include "dialects/Onnx/Onnx.h"
#include "dialects/QT/Fields.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
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

namespace sinter::qt {
/// The type whose fields are exactly what the file stores. For a dense source that is its float type (f32 for f64).
/// Null where no format says it, which the verifier of `#qt.source` excludes but for groups that are no multiple of 8.
QuantTensorType getNaturalType(SourceAttr source);
} // namespace sinter::qt

#endif // SINTER_DIALECTS_QT_H
