//===- Fields.cpp - the logical fields of a weight format -----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/Fields.h"

#include <bit>

using namespace mlir;
using namespace sinter::qt;

raw_ostream &sinter::qt::operator<<(raw_ostream &os, const ZeroPoint &zero) {
  switch (zero.kind) {
  case ZeroPoint::None:
    return os << "none";
  case ZeroPoint::Constant:
    return os << zero.value;
  case ZeroPoint::Integer:
    return os << "int";
  case ZeroPoint::Float:
    return os << "float";
  }
  return os;
}

FailureOr<ZeroPoint> FieldParser<ZeroPoint>::parse(AsmParser &parser) {
  int64_t value;
  OptionalParseResult integer = parser.parseOptionalInteger(value);
  if (integer.has_value()) {
    if (failed(*integer))
      return failure();
    return ZeroPoint{ZeroPoint::Constant, value};
  }
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (failed(parser.parseKeyword(&word)))
    return failure();
  if (word == "none")
    return ZeroPoint{ZeroPoint::None};
  if (word == "int")
    return ZeroPoint{ZeroPoint::Integer};
  if (word == "float")
    return ZeroPoint{ZeroPoint::Float};
  parser.emitError(loc) << "expected a number, none, int or float as zero point";
  return failure();
}

void Rows::reset(int64_t newRows, int64_t newColumns, int64_t newGroup, bool isFloat) {
  rows = newRows;
  columns = newColumns;
  group = newGroup;
  codes.resize(isFloat ? 0 : rows * columns);
  scales.resize(isFloat ? 0 : rows * groups());
  zeros.resize(isFloat ? 0 : rows * groups());
  values.resize(isFloat ? rows * columns : 0);
}

void sinter::qt::decodeRows(const Rows &rows, float *out) {
  if (!rows.values.empty()) {
    std::copy(rows.values.begin(), rows.values.end(), out);
    return;
  }
  int64_t groups = rows.groups();
  for (int64_t row = 0; row < rows.rows; ++row)
    for (int64_t column = 0; column < rows.columns; ++column) {
      int64_t index = row * groups + column / rows.group;
      float difference = static_cast<float>(rows.codes[row * rows.columns + column]) - rows.zeros[index];
      out[row * rows.columns + column] = difference * rows.scales[index];
    }
}

float sinter::qt::halfToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00)
    return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  if (magnitude >= 0x400)
    return std::bit_cast<float>(sign | ((magnitude << 13) + (112u << 23)));
  float value = static_cast<float>(magnitude) * 0x1p-24f;
  return sign ? -value : value;
}

uint16_t sinter::qt::floatToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000)
    return sign | 0x7e00;
  if (bits >= 0x477ff000) // rounds to 65536 or more
    return sign | 0x7c00;
  if (bits < 0x38800000) // below the smallest normal: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(std::bit_cast<float>(bits) + 0.5f) - 0x3f000000);
  return sign | static_cast<uint16_t>((bits - (112u << 23) + 0xfff + (bits >> 13 & 1)) >> 13);
}

float sinter::qt::bfloatToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

uint16_t sinter::qt::floatToBfloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float sinter::qt::roundTo(FloatType type, float value) {
  if (type.isF16())
    return halfToFloat(floatToHalf(value));
  if (type.isBF16())
    return bfloatToFloat(floatToBfloat(value));
  return value;
}
