//===- Float.cpp - weights as floats --------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/QT.h"

using namespace mlir;
using namespace sinter::qt;

LogicalResult FloatFormatAttr::verify(function_ref<InFlightDiagnostic()> emitError, FloatType type) {
  if (!type.isF32() && !type.isF16() && !type.isBF16())
    return emitError() << "expected f32, f16 or bf16, but got " << type;
  return success();
}

Fields FloatFormatAttr::getFields() const {
  Fields fields;
  fields.value = getType();
  return fields;
}

void FloatFormatAttr::encode(const float *values, int64_t rows, int64_t columns, Rows &out) const {
  out = Rows();
  out.rows = rows;
  out.columns = out.group = columns;
  out.values.resize(rows * columns);
  for (int64_t i = 0, e = rows * columns; i < e; ++i)
    out.values[i] = roundTo(getType(), values[i]);
}
