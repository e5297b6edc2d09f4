//===- Int.cpp - weights as integers with scales --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/QT.h"

#include <cmath>

using namespace mlir;
using namespace sinter::qt;

LogicalResult IntFormatAttr::verify(function_ref<InFlightDiagnostic()> emitError, unsigned bits, unsigned axis,
                                    int64_t group, FloatType scale, ZeroPoint zp) {
  if (bits != 4 && bits != 8)
    return emitError() << "expected 4 or 8 bits, but got " << bits;
  if (axis != 1)
    return emitError() << "expected groups along axis 1, but got " << axis;
  if (group < 0 || group % 8 != 0 || group >= int64_t(1) << 31)
    return emitError() << "expected a group that is 0 or a multiple of 8, but got " << group;
  if (!scale.isF32() && !scale.isF16() && !scale.isBF16())
    return emitError() << "expected scales of type f32, f16 or bf16, but got " << scale;
  if (zp.kind == ZeroPoint::Constant && (zp.value < 0 || zp.value >> bits != 0))
    return emitError() << "expected a zero point of " << bits << " bits, but got " << zp.value;
  return success();
}

Fields IntFormatAttr::getFields() const {
  Fields fields;
  fields.bits = getBits();
  fields.group = getGroup();
  fields.scale = getScale();
  fields.hasZeros = getZp().kind == ZeroPoint::Integer || getZp().kind == ZeroPoint::Float;
  fields.floatZeros = getZp().kind == ZeroPoint::Float;
  fields.zero = getZp().kind == ZeroPoint::Constant ? getZp().value : int64_t(1) << (getBits() - 1);
  return fields;
}

/// Codes of one group. A scale that rounds to zero makes every code the zero point, so that the group decodes to zeros.
static void encodeGroup(const Fields &fields, bool symmetric8, const float *values, int64_t count, uint8_t *codes,
                        float &scale, float &zero) {
  float low = 0, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  float largestCode = static_cast<float>((1 << fields.bits) - 1);
  if (fields.hasZeros) {
    scale = roundTo(fields.scale, (high - low) / largestCode);
    zero = scale == 0 ? 0 : std::min(largestCode, -low / scale);
    if (!fields.floatZeros)
      zero = std::nearbyint(zero);
  } else {
    zero = static_cast<float>(fields.zero);
    if (symmetric8) {
      scale = std::max(-low, high) / (largestCode - zero);
    } else {
      // The value of the largest magnitude takes the code farthest from the zero point, whatever its sign.
      float far = zero * 2 >= largestCode ? -zero : largestCode - zero;
      scale = (-low > high ? low : high) / far;
    }
    scale = roundTo(fields.scale, scale);
  }
  float inverse = scale == 0 ? 0 : 1 / scale;
  for (int64_t i = 0; i < count; ++i) {
    float code =
        fields.floatZeros ? std::nearbyint(values[i] * inverse + zero) : std::nearbyint(values[i] * inverse) + zero;
    codes[i] = static_cast<uint8_t>(std::min(largestCode, std::max(0.0f, code)));
  }
  if (scale == 0)
    std::fill(codes, codes + count, static_cast<uint8_t>(std::nearbyint(zero)));
}

void IntFormatAttr::encode(const float *values, int64_t rows, int64_t columns, Rows &out) const {
  Fields fields = getFields();
  out.reset(rows, columns, getGroup() && getGroup() < columns ? getGroup() : columns, /*isFloat=*/false);
  int64_t groups = out.groups();
  bool symmetric8 = getBits() == 8 && getZp().kind == ZeroPoint::None;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t group = 0; group < groups; ++group) {
      int64_t begin = row * columns + group * out.group;
      int64_t count = std::min(out.group, columns - group * out.group);
      encodeGroup(fields, symmetric8, values + begin, count, &out.codes[begin], out.scales[row * groups + group],
                  out.zeros[row * groups + group]);
    }
}
