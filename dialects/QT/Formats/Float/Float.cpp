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
  out.reset(rows, columns, columns, /*isFloat=*/true);
  bool isHalf = getType().isF16(), isFloat = getType().isF32();
  for (int64_t i = 0, e = rows * columns; i < e; ++i)
    out.values[i] = isFloat  ? values[i]
                    : isHalf ? halfToFloat(floatToHalf(values[i]))
                             : bfloatToFloat(floatToBfloat(values[i]));
}
