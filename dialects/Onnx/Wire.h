//===- Wire.h - protobuf's wire format --------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_ONNX_WIRE_H
#define SINTER_DIALECTS_ONNX_WIRE_H

#include <cstdint>
#include <optional>

namespace sinter::onnx::wire {

enum Kind : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// One field of a message: where it begins (its tag) and where its value lies, without the length of a `Bytes` field.
struct Field {
  uint32_t number;
  unsigned kind;
  const char *begin, *value, *end;
  uint64_t varint; ///< of a `Varint` field
};

inline bool readVarint(const char *&at, const char *end, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 70 && at != end; shift += 7) {
    uint8_t byte = static_cast<uint8_t>(*at++);
    if (shift < 64)
      value |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

/// Reads the fields of a message one after the other, with 64-bit sizes and nothing allocated.
class Reader {
public:
  Reader(const char *begin, const char *end) : at(begin), end(end) {}

  /// Nothing at the end of the message, and where it is malformed.
  std::optional<Field> next() {
    if (at == end)
      return std::nullopt;
    Field field{};
    field.begin = at;
    uint64_t tag;
    if (!readVarint(at, end, tag) || tag >> 32 || tag < 8)
      return fail();
    field.number = static_cast<uint32_t>(tag >> 3);
    field.kind = tag & 7;
    field.value = at;
    uint64_t size = 0;
    switch (field.kind) {
    case Varint:
      if (!readVarint(at, end, field.varint))
        return fail();
      break;
    case Fixed64:
      size = 8;
      break;
    case Fixed32:
      size = 4;
      break;
    case Bytes:
      if (!readVarint(at, end, size))
        return fail();
      field.value = at;
      break;
    default: // groups, which ONNX does not use
      return fail();
    }
    if (size > uint64_t(end - at))
      return fail();
    at += size;
    field.end = at;
    return field;
  }

  bool failed() const { return bad; }
  /// Where the next field begins; after a failure, near its cause.
  const char *position() const { return at; }

private:
  std::optional<Field> fail() {
    bad = true;
    return std::nullopt;
  }
  const char *at, *end;
  bool bad = false;
};

} // namespace sinter::onnx::wire

#endif // SINTER_DIALECTS_ONNX_WIRE_H
