//===- Fields.h - the logical fields of a weight format --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_QT_FIELDS_H
#define SINTER_DIALECTS_QT_FIELDS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectImplementation.h"

#include <cstdint>
#include <vector>

namespace sinter::qt {

/// Where the zero points of a format are.
struct ZeroPoint {
  enum Kind { None, Constant, Integer, Float } kind = None;
  int64_t value = 0; ///< Constant

  bool operator==(const ZeroPoint &other) const { return kind == other.kind && value == other.value; }
  friend llvm::hash_code hash_value(const ZeroPoint &zero) {
    return llvm::hash_combine(unsigned(zero.kind), zero.value);
  }
};
llvm::raw_ostream &operator<<(llvm::raw_ostream &os, const ZeroPoint &zero);

/// All that kernels and packers know of a format.
struct Fields {
  mlir::FloatType value; ///< set: elements are floats of this type, and the rest is unused
  unsigned bits = 0;     ///< of an unsigned code
  int64_t group = 0;     ///< columns that share a scale; 0: the whole row
  mlir::FloatType scale; ///< f32, f16 or bf16
  bool hasZeros = false; ///< one zero point a group is stored: of `bits` bits, or f32 where `floatZeros`
  bool floatZeros = false;
  int64_t zero = 0; ///< the zero point where none are stored

  bool isFloat() const { return static_cast<bool>(value); }
  int64_t valueBytes() const { return value.getIntOrFloatBitWidth() / 8; }
  int64_t scaleBytes() const { return scale.getIntOrFloatBitWidth() / 8; }
};

/// Rows of a weight as logical fields. Groups are counted from a row's start; the last may be shorter.
struct Rows {
  int64_t rows = 0, columns = 0;
  int64_t group = 0;          ///< columns that share a scale, never 0
  std::vector<uint8_t> codes; ///< [rows][columns], unsigned
  std::vector<float> scales;  ///< [rows][groups], exact in the format's type
  std::vector<float> zeros;   ///< [rows][groups], filled also where the zero point is a constant
  std::vector<float> values;  ///< [rows][columns], float formats only: exact in the format's type

  int64_t groups() const { return (columns + group - 1) / group; }

  /// Makes these `rows` rows of codes (of values where `isFloat`), whose elements are to be filled. Keeps memory.
  void reset(int64_t rows, int64_t columns, int64_t group, bool isFloat);
};

/// (code - zero) * scale, or the values.
void decodeRows(const Rows &rows, float *out);

// Conversions round to the nearest, ties to even.
float halfToFloat(uint16_t bits);
uint16_t floatToHalf(float value);
float bfloatToFloat(uint16_t bits);
uint16_t floatToBfloat(float value);
/// `value` rounded to `type` (f32, f16 or bf16).
float roundTo(mlir::FloatType type, float value);

} // namespace sinter::qt

namespace mlir {
template <> struct FieldParser<sinter::qt::ZeroPoint> {
  static FailureOr<sinter::qt::ZeroPoint> parse(AsmParser &parser);
};
} // namespace mlir

#endif // SINTER_DIALECTS_QT_FIELDS_H
