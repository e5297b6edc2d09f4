//===- Npy.cpp - one array as numpy writes it ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Npz.h"

#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"

#include <algorithm>
#include <cstring>
#include <optional>

using namespace llvm;
using namespace sinter::tools;

unsigned sinter::tools::sizeInBytes(DType type) {
  switch (type) {
  case DType::F64:
  case DType::I64:
  case DType::U64:
    return 8;
  case DType::F32:
  case DType::I32:
  case DType::U32:
    return 4;
  case DType::F16:
  case DType::BF16:
  case DType::I16:
  case DType::U16:
    return 2;
  case DType::I8:
  case DType::U8:
  case DType::Bool:
    return 1;
  }
  return 1;
}

StringRef sinter::tools::name(DType type) {
  static constexpr StringLiteral names[] = {"f32", "f16", "bf16", "f64", "i8",  "u8",  "i16",
                                            "u16", "i32", "u32",  "i64", "u64", "bool"};
  return size_t(type) < std::size(names) ? names[size_t(type)] : StringLiteral("unknown");
}

/// The number of bytes, or nothing where it does not fit or an axis is negative.
static std::optional<int64_t> byteSize(DType type, ArrayRef<int64_t> shape) {
  int64_t bytes = sizeInBytes(type);
  bool empty = false;
  for (int64_t size : shape) {
    if (size < 0)
      return std::nullopt;
    empty |= size == 0;
  }
  if (empty)
    return 0;
  for (int64_t size : shape) {
    std::optional<int64_t> product = checkedMul(bytes, size);
    if (!product)
      return std::nullopt;
    bytes = *product;
  }
  return bytes;
}

Array::Array(DType type, ArrayRef<int64_t> shape) : type(type), shape(shape), data(byteSize(type, shape).value_or(0)) {}

int64_t Array::size() const { return data.size() / sizeInBytes(type); }

namespace {
struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<int64_t> shape;
};

/// Reads the literal of a Python dictionary, as far as numpy's header uses it.
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  bool parse(Header &header) {
    bool descr = false, order = false, shape = false;
    if (!take('{'))
      return false;
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':'))
        return false;
      if (key == "descr")
        descr = string(header.descr);
      else if (key == "fortran_order")
        order = boolean(header.fortran);
      else if (key == "shape")
        shape = tuple(header.shape);
      else
        return false;
      if (!take(',') && !peek('}'))
        return false;
    }
    return descr && order && shape && rest.trim(" \n\t").empty();
  }

private:
  bool peek(char c) {
    rest = rest.ltrim(" \n\t");
    return rest.starts_with(StringRef(&c, 1));
  }
  bool take(char c) { return peek(c) && (rest = rest.drop_front(), true); }
  bool string(std::string &value) {
    char quote = peek('\'') ? '\'' : '"';
    if (!take(quote))
      return false;
    size_t end = rest.find(quote);
    if (end == StringRef::npos)
      return false;
    value = rest.take_front(end).str();
    rest = rest.drop_front(end + 1);
    return true;
  }
  bool boolean(bool &value) {
    rest = rest.ltrim(" \n\t");
    value = rest.starts_with("True");
    return rest.consume_front("True") || rest.consume_front("False");
  }
  bool tuple(std::vector<int64_t> &values) {
    if (!take('('))
      return false;
    while (!take(')')) {
      int64_t value;
      rest = rest.ltrim(" \n\t");
      if (rest.consumeInteger(10, value) || value < 0)
        return false;
      rest.consume_front("L"); // Python 2 wrote long integers so
      values.push_back(value);
      if (!take(',') && !peek(')'))
        return false;
    }
    return true;
  }

  StringRef rest;
};
} // namespace

static std::optional<DType> parseType(StringRef code) {
  static constexpr std::pair<StringLiteral, DType> types[] = {
      {"f4", DType::F32}, {"f2", DType::F16}, {"V2", DType::BF16}, {"f8", DType::F64}, {"i1", DType::I8},
      {"u1", DType::U8},  {"i2", DType::I16}, {"u2", DType::U16},  {"i4", DType::I32}, {"u4", DType::U32},
      {"i8", DType::I64}, {"u8", DType::U64}, {"b1", DType::Bool}};
  for (auto [name, type] : types)
    if (code == name)
      return type;
  return std::nullopt;
}

/// The same elements in C order.
static std::vector<char> fromFortran(const Array &array) {
  unsigned width = sizeInBytes(array.type);
  std::vector<char> data(array.data.size());
  std::vector<int64_t> index(array.shape.size());
  for (int64_t source = 0, size = array.size(); source < size; ++source) {
    int64_t target = 0;
    for (auto [i, extent] : zip(index, array.shape))
      target = target * extent + i;
    std::memcpy(&data[target * width], &array.data[source * width], width);
    for (size_t axis = 0; axis < index.size() && ++index[axis] == array.shape[axis]; ++axis)
      index[axis] = 0;
  }
  return data;
}

Expected<Array> sinter::tools::parseNpy(StringRef bytes) {
  StringRef rest = bytes;
  if (!rest.consume_front("\x93NUMPY") || rest.size() < 4)
    return createStringError("not a .npy array");
  unsigned major = uint8_t(rest[0]);
  size_t length, prefix;
  if (major == 1) {
    length = support::endian::read16le(rest.data() + 2), prefix = 4;
  } else if ((major == 2 || major == 3) && rest.size() >= 6) {
    length = support::endian::read32le(rest.data() + 2), prefix = 6;
  } else {
    return createStringError("unknown version of the .npy format");
  }
  if (rest.size() - prefix < length)
    return createStringError("the header of a .npy array is cut off");
  Header header;
  if (!HeaderParser(rest.substr(prefix, length)).parse(header))
    return createStringError("cannot read the header of a .npy array");
  rest = rest.drop_front(prefix + length);

  StringRef code = header.descr;
  bool big = code.consume_front(">");
  if (!big && !code.consume_front("<") && !code.consume_front("|"))
    code.consume_front("=");
  std::optional<DType> type = parseType(code);
  if (!type)
    return createStringError("elements of numpy type '" + header.descr + "' are not supported");
  std::optional<int64_t> size = byteSize(*type, header.shape);
  if (!size || uint64_t(*size) != rest.size())
    return createStringError("a .npy array does not have as many bytes as its shape says");

  Array array;
  array.type = *type;
  array.shape = header.shape;
  array.data.assign(rest.begin(), rest.end());
  if (big)
    for (size_t i = 0, width = sizeInBytes(*type); i < array.data.size(); i += width)
      std::reverse(array.data.begin() + i, array.data.begin() + i + width);
  if (*type == DType::Bool)
    for (char &value : array.data)
      value = value != 0;
  if (header.fortran && header.shape.size() > 1)
    array.data = fromFortran(array);
  return array;
}
