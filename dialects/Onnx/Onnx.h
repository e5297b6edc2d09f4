//===- Onnx.h - the onnx dialect --------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_ONNX_H
#define SINTER_DIALECTS_ONNX_H

#include "dialects/Onnx/Data.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Onnx/OnnxEnums.h.inc"

namespace sinter::onnx {
class DataAttr;

/// Tensors of at most this many elements are `onnx.constant`, larger ones `onnx.initializer`.
constexpr int64_t kMaxConstantElements = 64;

/// Bits that an element takes in a file: 8 for i1, 4 for i4. 0 for a type that no tensor of ONNX has.
unsigned getStoredBits(mlir::Type elementType);

/// Bytes of a tensor's elements as `OnnxDialect::read` gives them; nothing where the shape is not static, the type is none of
/// ONNX's or the number overflows.
std::optional<uint64_t> getStoredBytes(mlir::ShapedType type);

/// A constant of `type` with the elements in `bytes`, which are as `OnnxDialect::read` gives them and as many as `type` needs.
mlir::DenseElementsAttr getDense(mlir::RankedTensorType type, llvm::ArrayRef<char> bytes);
} // namespace sinter::onnx

#include "dialects/Onnx/OnnxDialect.h.inc"

#include "dialects/Onnx/OnnxInterfaces.h.inc"

#include "dialects/Onnx/OnnxOpInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Onnx/OnnxAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Onnx/OnnxTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Onnx/OnnxOps.h.inc"

#endif // SINTER_DIALECTS_ONNX_H
