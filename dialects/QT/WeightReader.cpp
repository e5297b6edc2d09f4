//===- WeightReader.cpp - rows of a qt.constant ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/WeightReader.h"

#include <cstring>

using namespace mlir;
using namespace sinter;
using namespace sinter::qt;

template <typename T> static T loadAt(const char *bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

float WeightReader::Tensor::loadFloat(int64_t index) const {
  if (element.isF32())
    return loadAt<float>(bytes.data(), index);
  if (element.isF16())
    return halfToFloat(loadAt<uint16_t>(bytes.data(), index));
  if (element.isBF16())
    return bfloatToFloat(loadAt<uint16_t>(bytes.data(), index));
  return static_cast<float>(loadAt<double>(bytes.data(), index));
}

uint8_t WeightReader::Tensor::loadCode(int64_t index) const {
  bool isUnsigned = element.isUnsignedInteger();
  if (element.getIntOrFloatBitWidth() == 8)
    return static_cast<uint8_t>(bytes[index]) ^ (isUnsigned ? 0 : 0x80);
  return ((static_cast<uint8_t>(bytes[index / 2]) >> (index % 2 * 4)) & 15) ^ (isUnsigned ? 0 : 8);
}

/// The elements of a constant as a file would have them.
static std::vector<char> packDense(DenseElementsAttr dense) {
  std::vector<char> bytes;
  unsigned bits = dense.getElementType().getIntOrFloatBitWidth();
  int64_t index = 0;
  auto append = [&](const APInt &value) {
    if (bits == 4) {
      if (index++ % 2 == 0)
        bytes.push_back(0);
      bytes.back() |= static_cast<char>(value.getZExtValue() << (index % 2 == 0 ? 4 : 0));
      return;
    }
    uint64_t raw = value.getZExtValue();
    bytes.insert(bytes.end(), reinterpret_cast<char *>(&raw), reinterpret_cast<char *>(&raw) + bits / 8);
  };
  if (isa<FloatType>(dense.getElementType()))
    for (const APFloat &value : dense.getValues<APFloat>())
      append(value.bitcastToAPInt());
  else
    for (const APInt &value : dense.getValues<APInt>())
      append(value);
  return bytes;
}

LogicalResult WeightReader::openTensor(ConstantOp op, Attribute attr, Tensor &tensor) {
  if (!attr)
    return success();
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    tensor.owned = std::make_shared<std::vector<char>>(packDense(dense));
    tensor.bytes = *tensor.owned;
    tensor.element = dense.getElementType();
    tensor.count = dense.getNumElements();
    return success();
  }
  auto stored = cast<onnx::TensorAttr>(attr);
  auto *dialect = op.getContext()->getOrLoadDialect<onnx::OnnxDialect>();
  llvm::Expected<ArrayRef<char>> bytes = dialect->read(stored.getData());
  if (!bytes)
    return op.emitOpError() << toString(bytes.takeError());
  tensor.bytes = *bytes;
  tensor.element = stored.getType().getElementType();
  tensor.count = stored.getType().getNumElements();
  tensor.data = stored.getData();
  uint64_t expected = (uint64_t(tensor.count) * tensor.element.getIntOrFloatBitWidth() + 7) / 8;
  if (bytes->size() < expected)
    return op.emitOpError() << "expected " << expected << " bytes for " << stored.getType() << ", but the file has "
                            << bytes->size();
  return success();
}

FailureOr<WeightReader> WeightReader::open(ConstantOp op) {
  WeightReader reader;
  reader.type = op.getResult().getType();
  reader.dialect = op.getContext()->getOrLoadDialect<onnx::OnnxDialect>();
  int64_t begin = 0;
  for (auto attr : op.getSources().getAsRange<SourceAttr>()) {
    Source source;
    source.attr = attr;
    source.natural = getNaturalType(attr);
    source.begin = begin;
    begin += attr.getRows();
    if (failed(openTensor(op, attr.getPayload(), source.payload)) ||
        failed(openTensor(op, attr.getScales(), source.scales)) ||
        failed(openTensor(op, attr.getZeros(), source.zeros)))
      return failure();
    reader.sources.push_back(std::move(source));
  }
  return reader;
}

/// Calls `load(row, index)` and stores its result in out[row][column], for rows [begin, end) of a [rows][columns] or
/// transposed payload. Transposed ones go by blocks of columns, so that both sides are read and written by whole cache
/// lines.
template <typename T, typename Load>
static void readPlane(bool transposed, int64_t rows, int64_t columns, int64_t begin, int64_t end, T *out, Load load) {
  if (!transposed) {
    for (int64_t i = 0, e = (end - begin) * columns, first = begin * columns; i < e; ++i)
      out[i] = load(first + i);
    return;
  }
  constexpr int64_t kBlock = 32;
  for (int64_t block = 0; block < columns; block += kBlock)
    for (int64_t row = begin; row < end; ++row)
      for (int64_t column = block, last = std::min(block + kBlock, columns); column < last; ++column)
        out[(row - begin) * columns + column] = load(column * rows + row);
}

void WeightReader::readDense(const Source &source, int64_t begin, int64_t end, float *out) const {
  int64_t columns = type.getColumns(), rows = source.attr.getRows();
  const Tensor &payload = source.payload;
  const char *bytes = payload.bytes.data();
  bool transposed = source.attr.getTransposed();
  if (payload.element.isF32() && !transposed)
    std::memcpy(out, bytes + begin * columns * 4, (end - begin) * columns * 4);
  else if (payload.element.isF32())
    readPlane(transposed, rows, columns, begin, end, out, [=](int64_t index) { return loadAt<float>(bytes, index); });
  else if (payload.element.isF16())
    readPlane(transposed, rows, columns, begin, end, out,
              [=](int64_t index) { return halfToFloat(loadAt<uint16_t>(bytes, index)); });
  else
    readPlane(transposed, rows, columns, begin, end, out, [&](int64_t index) { return payload.loadFloat(index); });
}

/// Unpacks `count` codes of a MatMulNBits row, low bits first.
static void unpackBits(const uint8_t *bytes, unsigned bits, int64_t count, uint8_t *out) {
  if (bits == 8) {
    std::memcpy(out, bytes, count);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    out[i] = (bytes[i / 2] >> (i % 2 * 4)) & 15;
}

void WeightReader::readStored(const Source &source, int64_t begin, int64_t end, Rows &out) const {
  SourceAttr attr = source.attr;
  int64_t columns = type.getColumns(), rows = attr.getRows();
  out.reset(end - begin, columns, attr.getGroup() && attr.getGroup() < columns ? attr.getGroup() : columns,
            /*isFloat=*/false);
  int64_t groups = out.groups();
  bool transposed = attr.getTransposed(), isFloatZero = source.zeros.element && isa<FloatType>(source.zeros.element);
  if (attr.getForm() == Form::matmul_nbits) {
    unsigned bits = attr.getBits();
    int64_t rowBytes = groups * (attr.getGroup() * bits / 8), zeroBytes = (groups * bits + 7) / 8;
    std::vector<uint8_t> zeros(groups, static_cast<uint8_t>(1 << (bits - 1)));
    for (int64_t row = begin; row < end; ++row) {
      unpackBits(reinterpret_cast<const uint8_t *>(source.payload.bytes.data()) + row * rowBytes, bits, columns,
                 &out.codes[(row - begin) * columns]);
      if (source.zeros.element && !isFloatZero)
        unpackBits(reinterpret_cast<const uint8_t *>(source.zeros.bytes.data()) + row * zeroBytes, bits, groups,
                   zeros.data());
      for (int64_t group = 0; group < groups; ++group) {
        int64_t to = (row - begin) * groups + group;
        out.scales[to] = source.scales.loadFloat(row * groups + group);
        out.zeros[to] = isFloatZero ? source.zeros.loadFloat(row * groups + group) : zeros[group];
      }
    }
    return;
  }
  if (source.payload.element.getIntOrFloatBitWidth() == 8) {
    const char *bytes = source.payload.bytes.data();
    uint8_t flip = source.payload.element.isUnsignedInteger() ? 0 : 0x80;
    readPlane(transposed, rows, columns, begin, end, out.codes.data(),
              [=](int64_t index) { return static_cast<uint8_t>(bytes[index] ^ flip); });
  } else {
    readPlane(transposed, rows, columns, begin, end, out.codes.data(),
              [&](int64_t index) { return source.payload.loadCode(index); });
  }
  unsigned bits = source.payload.element.getIntOrFloatBitWidth();
  float half = source.payload.element.isUnsignedInteger() ? 0.0f : static_cast<float>(1 << (bits - 1));
  for (int64_t row = begin; row < end; ++row)
    for (int64_t group = 0; group < groups; ++group) {
      int64_t index = source.scales.count == 1 ? 0 : transposed ? group * rows + row : row * groups + group;
      int64_t to = (row - begin) * groups + group;
      out.scales[to] = source.scales.loadFloat(index);
      out.zeros[to] = source.zeros.element ? static_cast<float>(source.zeros.loadCode(index)) : half;
    }
}

void WeightReader::readSourceFloat(const Source &source, int64_t begin, int64_t end, float *out) const {
  if (source.attr.getForm() == Form::dense)
    return readDense(source, begin, end, out);
  Rows rows;
  readStored(source, begin, end, rows);
  decodeRows(rows, out);
}

/// Whether the type can hold what the file stores, bit for bit.
bool WeightReader::isKept(const Source &source) const {
  if (!source.natural)
    return false;
  Fields from = source.natural.getFields(), to = type.getFields();
  if (from.isFloat() || to.isFloat())
    return false;
  bool zeros = to.floatZeros || (to.hasZeros ? !from.floatZeros : !from.hasZeros && from.zero == to.zero);
  return from.bits == to.bits && from.group % to.group == 0 && (from.scale == to.scale || to.scale.isF32()) && zeros;
}

/// The same values with groups of `group` columns, which divides the groups there are.
static void splitGroups(Rows &rows, int64_t group) {
  if (rows.group == group)
    return;
  Rows split;
  split.columns = rows.columns;
  split.group = group;
  int64_t from = rows.groups(), to = split.groups();
  for (int64_t row = 0; row < rows.rows; ++row)
    for (int64_t index = 0; index < to; ++index) {
      split.scales.push_back(rows.scales[row * from + index * group / rows.group]);
      split.zeros.push_back(rows.zeros[row * from + index * group / rows.group]);
    }
  rows.group = group;
  rows.scales = std::move(split.scales);
  rows.zeros = std::move(split.zeros);
}

void WeightReader::readEncoded(const Source &source, int64_t begin, int64_t end, Rows &out) const {
  if (isKept(source)) {
    readStored(source, begin, end, out);
    splitGroups(out, type.getFields().group);
    return;
  }
  // In the memory that the result takes where it can be: it is large.
  std::vector<float> values;
  if (type.getFields().isFloat())
    values.swap(out.values);
  values.resize((end - begin) * type.getColumns());
  readSourceFloat(source, begin, end, values.data());
  if (type.getFields().isFloat() && type.getFields().value.isF32()) {
    out.reset(end - begin, type.getColumns(), type.getColumns(), /*isFloat=*/true);
    out.values.swap(values);
    return;
  }
  type.getFormat().encode(values.data(), end - begin, type.getColumns(), out);
}

void WeightReader::read(int64_t begin, int64_t end, Rows &out) const {
  Rows part;
  bool isFirst = true;
  for (const Source &source : sources) {
    int64_t first = std::max(begin, source.begin) - source.begin;
    int64_t last = std::min(end, source.begin + source.attr.getRows()) - source.begin;
    if (first >= last)
      continue;
    readEncoded(source, first, last, isFirst ? out : part);
    if (!isFirst) {
      out.rows += last - first;
      out.codes.insert(out.codes.end(), part.codes.begin(), part.codes.end());
      out.scales.insert(out.scales.end(), part.scales.begin(), part.scales.end());
      out.zeros.insert(out.zeros.end(), part.zeros.begin(), part.zeros.end());
      out.values.insert(out.values.end(), part.values.begin(), part.values.end());
    }
    isFirst = false;
  }
}

void WeightReader::readFloat(int64_t begin, int64_t end, float *out) const {
  int64_t columns = type.getColumns();
  for (const Source &source : sources) {
    int64_t first = std::max(begin, source.begin), last = std::min(end, source.begin + source.attr.getRows());
    if (first < last)
      readSourceFloat(source, first - source.begin, last - source.begin, out + (first - begin) * columns);
  }
}

void WeightReader::release() const {
  for (const Source &source : sources)
    for (const Tensor *tensor : {&source.payload, &source.scales, &source.zeros})
      // Decoded buffers are kept: their bytes are referred to.
      if (tensor->data && tensor->data.getEncoding() == onnx::Encoding::raw)
        dialect->release(tensor->data);
}
