//===- Data.cpp - bytes of model files ------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Onnx/Data.h"

#include "dialects/Onnx/Onnx.h"
#include "dialects/Onnx/Wire.h"

#include "llvm/Support/MathExtras.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace sinter::onnx;

static Error makeError(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

static Error systemError(StringRef path, int code) {
  return makeError("cannot read '" + path + "': " + std::generic_category().message(code));
}

Expected<std::unique_ptr<MappedFile>> MappedFile::open(StringRef path) {
  // Not blocking, for a pipe would wait for its writer.
  int fd = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return systemError(path, errno);
  struct stat info;
  if (fstat(fd, &info) != 0) {
    int code = errno;
    ::close(fd);
    return systemError(path, code);
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    return makeError("cannot read '" + path + "': not a regular file");
  }
  size_t size = static_cast<size_t>(info.st_size);
  void *begin = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : nullptr;
  int code = errno;
  ::close(fd);
  if (begin == MAP_FAILED)
    return systemError(path, code);
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<const char *>(begin), size));
}

MappedFile::~MappedFile() {
  if (begin)
    munmap(const_cast<char *>(begin), size);
}

void MappedFile::release(uint64_t offset, uint64_t length) const {
  if (offset > size || length > size - offset)
    return;
  uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t first = alignTo(offset, page), last = alignDown(offset + length, page);
  if (offset + length == size)
    last = alignTo(size, page);
  if (first < last)
    madvise(const_cast<char *>(begin) + first, last - first, MADV_DONTNEED);
}

static void appendElement(uint64_t value, unsigned bytes, std::vector<char> &out) {
  for (unsigned i = 0; i < bytes; ++i)
    out.push_back(static_cast<char>(value >> (8 * i)));
}

static Error decodeVarints(const char *at, const char *end, unsigned bytes, std::vector<char> &out) {
  while (at != end) {
    uint64_t value;
    if (!wire::readVarint(at, end, value))
      return makeError("malformed varint");
    appendElement(value, bytes, out);
  }
  return Error::success();
}

/// The fields of a TensorProto that hold varints.
static bool holdsVarints(uint32_t number) { return number == 5 || number == 7 || number == 11; }

static Error decodeFields(ArrayRef<char> data, unsigned bytes, std::vector<char> &out) {
  wire::Reader reader(data.begin(), data.end());
  uint32_t number = 0;
  while (std::optional<wire::Field> field = reader.next()) {
    if (!number)
      number = field->number;
    if (field->number != number)
      continue;
    if (holdsVarints(number)) {
      if (field->kind != wire::Bytes && field->kind != wire::Varint)
        return makeError("a tensor's elements have another wire type than varint");
      if (Error error = decodeVarints(field->value, field->end, bytes, out))
        return error;
      continue;
    }
    if ((field->end - field->value) % bytes != 0)
      return makeError("a tensor's elements have a ragged end");
    out.insert(out.end(), field->value, field->end);
  }
  if (reader.failed())
    return makeError("malformed protobuf");
  return Error::success();
}

Error sinter::onnx::decode(ArrayRef<char> bytes, Encoding encoding, std::vector<char> &out) {
  switch (encoding) {
  case Encoding::raw:
    out.insert(out.end(), bytes.begin(), bytes.end());
    return Error::success();
  case Encoding::varint8:
  case Encoding::varint16:
  case Encoding::varint32:
  case Encoding::varint64:
    return decodeVarints(bytes.begin(), bytes.end(), 1u << (unsigned(encoding) - unsigned(Encoding::varint8)), out);
  case Encoding::fields8:
  case Encoding::fields16:
  case Encoding::fields32:
  case Encoding::fields64:
    return decodeFields(bytes, 1u << (unsigned(encoding) - unsigned(Encoding::fields8)), out);
  }
  return makeError("unknown encoding");
}

Expected<const MappedFile *> FileCache::open(StringRef path) {
  std::lock_guard lock(mutex);
  std::unique_ptr<MappedFile> &file = files[path];
  if (!file) {
    Expected<std::unique_ptr<MappedFile>> opened = MappedFile::open(path);
    if (!opened)
      return opened.takeError();
    file = std::move(*opened);
  }
  return file.get();
}

Expected<ArrayRef<char>> FileCache::read(StringRef path, uint64_t offset, uint64_t size, Encoding encoding) {
  Expected<const MappedFile *> file = open(path);
  if (!file)
    return file.takeError();
  ArrayRef<char> bytes = (*file)->bytes();
  if (offset > bytes.size() || size > bytes.size() - offset)
    return makeError("bytes " + Twine(offset) + " to " + Twine(offset + size) + " are not in '" + path + "', which has " +
                     Twine(bytes.size()));
  bytes = bytes.slice(offset, size);
  if (encoding == Encoding::raw)
    return bytes;

  Key key{*file, offset, size, encoding};
  {
    std::lock_guard lock(mutex);
    if (auto it = decoded.find(key); it != decoded.end())
      return ArrayRef<char>(it->second);
  }
  std::vector<char> buffer;
  if (Error error = decode(bytes, encoding, buffer))
    return makeError("'" + path + "' at byte " + Twine(offset) + ": " + toString(std::move(error)));
  std::lock_guard lock(mutex);
  return ArrayRef<char>(decoded.try_emplace(key, std::move(buffer)).first->second);
}

void FileCache::release(StringRef path, uint64_t offset, uint64_t size, Encoding encoding) {
  Expected<const MappedFile *> file = open(path);
  if (!file) {
    consumeError(file.takeError());
    return;
  }
  (*file)->release(offset, size);
  std::lock_guard lock(mutex);
  decoded.erase(Key{*file, offset, size, encoding});
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

unsigned sinter::onnx::getStoredBits(mlir::Type type) {
  if (auto integer = dyn_cast<mlir::IntegerType>(type)) {
    unsigned width = integer.getWidth();
    if (width == 1)
      return 8;
    return isPowerOf2_32(width) && width <= 64 ? width : 0;
  }
  if (auto complex = dyn_cast<mlir::ComplexType>(type))
    return 2 * getStoredBits(complex.getElementType());
  if (auto floating = dyn_cast<mlir::FloatType>(type)) {
    unsigned width = floating.getWidth();
    return isPowerOf2_32(width) && width <= 64 ? width : 0;
  }
  return 0;
}

std::optional<uint64_t> sinter::onnx::getStoredBytes(mlir::ShapedType type) {
  unsigned bits = getStoredBits(type.getElementType());
  if (!type.hasStaticShape() || !bits)
    return std::nullopt;
  // Also where a size is zero: nobody may multiply the others and overflow.
  uint64_t count = 1;
  for (int64_t size : type.getShape()) {
    bool overflow;
    count = SaturatingMultiply<uint64_t>(count, std::max<int64_t>(size, 1), &overflow);
    if (overflow || count > (uint64_t(1) << 56))
      return std::nullopt;
  }
  return is_contained(type.getShape(), 0) ? 0 : divideCeil(count * bits, 8);
}

mlir::DenseElementsAttr sinter::onnx::getDense(mlir::RankedTensorType type, ArrayRef<char> bytes) {
  mlir::Type element = type.getElementType();
  unsigned bits = getStoredBits(element);
  auto load = [&](uint64_t index) {
    uint64_t value = 0;
    if (bits < 8)
      return uint64_t(uint8_t(bytes[index * bits / 8]) >> (index * bits % 8)) & ((1u << bits) - 1);
    memcpy(&value, bytes.data() + index * bits / 8, bits / 8);
    return value;
  };
  if (auto complex = dyn_cast<mlir::ComplexType>(element))
    return mlir::DenseElementsAttr::getFromRawBuffer(type, bytes);
  uint64_t count = type.getNumElements();
  if (auto floating = dyn_cast<mlir::FloatType>(element)) {
    SmallVector<APFloat> values;
    for (uint64_t i = 0; i < count; ++i)
      values.emplace_back(floating.getFloatSemantics(), APInt(bits, load(i)));
    return mlir::DenseElementsAttr::get(type, values);
  }
  unsigned width = element.getIntOrFloatBitWidth();
  SmallVector<APInt> values;
  for (uint64_t i = 0; i < count; ++i)
    values.emplace_back(width, width == 1 ? load(i) != 0 : load(i));
  return mlir::DenseElementsAttr::get(type, values);
}
