//===- Graph.cpp - the graph dialect ----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::graph;
using mlir::SymbolTable;

#include "dialects/Graph/GraphDialect.cpp.inc"

#include "dialects/Graph/GraphEnums.cpp.inc"

#include "dialects/Graph/GraphInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Graph/GraphAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Graph/GraphTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Graph/GraphOps.cpp.inc"

void GraphDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/GraphOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Graph/GraphAttrs.cpp.inc"
      >();
}

LogicalResult SymbolOp::verify() {
  if (getLo() > getHi())
    return emitOpError("expected bounds with lo <= hi, but got ") << getLo() << " to " << getHi();
  return success();
}

LogicalResult LinearOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()), result = cast<RankedTensorType>(getResult().getType());
  if (input.getRank() < 1 || input.getRank() != result.getRank())
    return emitOpError("expected input and result of one rank, at least 1");
  qt::QuantTensorType weight = getWeight().getType();
  if (input.getShape().back() != weight.getColumns())
    return emitOpError("expected weight with ") << input.getShape().back() << " columns, but got " << weight.getColumns();
  if (result.getShape().back() != weight.getRows())
    return emitOpError("expected weight with ") << result.getShape().back() << " rows, but got " << weight.getRows();
  qt::ActivationAttr activation = getActivation().value_or(qt::ActivationAttr());
  size_t expected = activation && activation.getScale() == qt::ScaleSource::Static ? 1 + activation.getZp() : 0;
  if (getParams().size() != expected)
    return emitOpError("expected ") << expected << " params, but got " << getParams().size();
  for (auto [index, param] : llvm::enumerate(getParams())) {
    auto type = cast<RankedTensorType>(param.getType());
    if (!type.hasStaticShape() || type.getNumElements() != 1 || !(index ? type.getElementType().isInteger(8) : type.getElementType().isF32()))
      return emitOpError("expected a scale of type f32 and a zero point of 8 bits, one element each, but got ") << type;
  }
  return success();
}

LogicalResult MatMulOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType()), b = cast<RankedTensorType>(getB().getType());
  if (a.getRank() < 2 || a.getRank() != b.getRank() || a.getRank() != cast<RankedTensorType>(getResult().getType()).getRank())
    return emitOpError("expected operands and result of one rank, at least 2");
  return success();
}

LogicalResult NormOp::verify() {
  if (getKind() != "rms" && getKind() != "layer")
    return emitOpError("expected kind rms or layer, but got '") << getKind() << "'";
  return success();
}

LogicalResult ReduceOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  int64_t last = -1;
  for (int64_t axis : getAxes()) {
    if (axis <= last || axis >= input.getRank())
      return emitOpError("expected increasing axes below ") << input.getRank();
    last = axis;
  }
  if (cast<RankedTensorType>(getResult().getType()).getRank() != input.getRank() - int64_t(getAxes().size()))
    return emitOpError("expected a result without the reduced axes");
  return success();
}

LogicalResult ScatterOp::verify() {
  auto base = cast<RankedTensorType>(getBase().getType()), indices = cast<RankedTensorType>(getIndices().getType());
  auto updates = cast<RankedTensorType>(getUpdates().getType());
  if (indices.getRank() < 1 || indices.isDynamicDim(indices.getRank() - 1))
    return emitOpError("expected indices with a static last axis");
  int64_t named = indices.getShape().back();
  if (named > base.getRank() || updates.getRank() != indices.getRank() - 1 + base.getRank() - named)
    return emitOpError("expected updates of rank ") << indices.getRank() - 1 + base.getRank() - named << ", but got " << updates.getRank();
  return success();
}

LogicalResult AppendOp::verify() {
  int64_t rank = cast<RankedTensorType>(getResult().getType()).getRank(), past = cast<RankedTensorType>(getPast().getType()).getRank();
  if (past != rank + (getHalf() ? 1 : 0) || getUpdate().getType().getRank() != rank)
    return emitOpError("expected an update of rank ") << rank << " and a past of rank " << rank + (getHalf() ? 1 : 0) << ", as the result has";
  if (getAxis() >= uint64_t(rank))
    return emitOpError("expected an axis below ") << rank << ", but got " << getAxis();
  if (getHalf() && *getHalf() > 1)
    return emitOpError("expected half 0 or 1, but got ") << *getHalf();
  return success();
}

LogicalResult AttentionOp::verify() {
  for (Value v : {getQuery(), getKey(), getValue(), getResult()})
    if (cast<RankedTensorType>(v.getType()).getRank() != 4)
      return emitOpError("expected query, key, value and result of rank 4");
  auto shape = [](Value v) { return cast<RankedTensorType>(v.getType()).getShape(); };
  int64_t heads = shape(getQuery())[1], groups = shape(getKey())[1];
  if (heads <= 0 || groups <= 0 || heads % groups)
    return emitOpError("expected a static number of query heads that is a multiple of the key heads, but got ") << heads << " and " << groups;
  if (shape(getQuery())[3] != shape(getKey())[3])
    return emitOpError("expected keys of size ") << shape(getQuery())[3] << ", but got " << shape(getKey())[3];
  return success();
}
