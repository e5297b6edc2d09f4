//===- Npz.cpp - archives of arrays -------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Npz.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/MemoryBuffer.h"

#include <zlib.h>

#include <algorithm>

using namespace llvm;
using namespace sinter::tools;

// Records of the zip format (APPNOTE 6.3).
static constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                          kLocator64 = 0x07064b50;
static constexpr size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
static constexpr uint32_t kMax32 = 0xffffffff;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Little-endian fields one after the other; reading past the end gives zeros and is remembered.
class Reader {
public:
  Reader(StringRef bytes, uint64_t at)
      : rest(at <= bytes.size() ? bytes.drop_front(at) : StringRef()), failed(at > bytes.size()) {}
  template <typename T> T read() {
    StringRef field = take(sizeof(T));
    return field.empty() ? T(0) : support::endian::read<T>(field.data(), endianness::little);
  }
  StringRef take(uint64_t size) {
    if (failed || size > rest.size()) {
      failed = true;
      return {};
    }
    StringRef front = rest.take_front(size);
    rest = rest.drop_front(size);
    return front;
  }
  explicit operator bool() const { return !failed; }
  bool empty() const { return rest.empty(); }

private:
  StringRef rest;
  bool failed;
};

struct Member {
  StringRef name;
  uint16_t flags, method;
  uint32_t crc;
  uint64_t packed, size, offset;
};
} // namespace

/// Replaces the fields that do not fit in 32 bits by those of the zip64 extra field.
static void readZip64(StringRef extra, Member &member) {
  Reader reader(extra, 0);
  while (reader && !reader.empty()) {
    uint16_t tag = reader.read<uint16_t>(), size = reader.read<uint16_t>();
    StringRef body = reader.take(size);
    if (tag != 1)
      continue;
    Reader field(body, 0);
    for (uint64_t *value : {&member.size, &member.packed, &member.offset})
      if (*value == kMax32)
        *value = field.read<uint64_t>();
    return;
  }
}

/// Offset and number of the records of the central directory.
static Expected<std::pair<uint64_t, uint64_t>> findDirectory(StringRef bytes) {
  // The end record is last, before a comment of at most 65535 bytes.
  for (size_t back = kEndSize; back <= std::min<size_t>(bytes.size(), kEndSize + 0xffff); ++back) {
    size_t at = bytes.size() - back;
    if (support::endian::read32le(bytes.data() + at) != kEnd)
      continue;
    Reader end(bytes, at + 10);
    uint64_t count = end.read<uint16_t>();
    end.read<uint32_t>();
    uint64_t offset = end.read<uint32_t>();
    if (at >= kLocator64Size && support::endian::read32le(bytes.data() + at - kLocator64Size) == kLocator64) {
      Reader locator(bytes, at - kLocator64Size + 8);
      Reader end64(bytes, locator.read<uint64_t>());
      if (end64.read<uint32_t>() != kEnd64)
        break;
      end64.take(28);
      count = end64.read<uint64_t>();
      end64.read<uint64_t>();
      offset = end64.read<uint64_t>();
      if (!end64)
        break;
    }
    return std::make_pair(offset, count);
  }
  return createStringError("not a .npz file");
}

static Expected<std::string> inflateMember(StringRef packed, uint64_t size) {
  // Deflate cannot do better than 1032:1, so a size that would is a lie, told before memory is spent on it.
  if (size / 1032 > packed.size())
    return createStringError("its size is not possible");
  std::string out(size, '\0');
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return createStringError("zlib cannot start");
  StringRef in = packed;
  uint64_t done = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    // zlib counts in 32 bits.
    if (!stream.avail_in) {
      stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(in.data()));
      stream.avail_in = std::min<size_t>(in.size(), 1u << 30);
      in = in.drop_front(stream.avail_in);
    }
    unsigned room = std::min<uint64_t>(size - done, 1u << 30);
    stream.next_out = reinterpret_cast<Bytef *>(out.data() + done);
    stream.avail_out = room;
    status = inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || done != size)
    return createStringError("its compressed data are damaged");
  return out;
}

static uint32_t crcOf(StringRef bytes) {
  return crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef *>(bytes.data()), bytes.size());
}

static Expected<Array> readMember(StringRef bytes, const Member &member) {
  if (member.flags & 1)
    return createStringError("it is encrypted");
  Reader local(bytes, member.offset);
  if (local.read<uint32_t>() != kLocal)
    return createStringError("its record is damaged");
  local.take(22);
  uint16_t nameSize = local.read<uint16_t>(), extraSize = local.read<uint16_t>();
  local.take(nameSize);
  local.take(extraSize);
  StringRef packed = local.take(member.packed);
  if (!local)
    return createStringError("it is cut off");
  std::string inflated;
  StringRef data = packed;
  if (member.method == 8) {
    Expected<std::string> result = inflateMember(packed, member.size);
    if (!result)
      return result.takeError();
    inflated = std::move(*result);
    data = inflated;
  } else if (member.method != 0 || member.packed != member.size) {
    return createStringError("its kind of compression is not supported");
  }
  if (crcOf(data) != member.crc)
    return createStringError("its checksum is wrong");
  return parseNpy(data);
}

Expected<NamedArrays> sinter::tools::parseNpz(StringRef bytes) {
  Expected<std::pair<uint64_t, uint64_t>> directory = findDirectory(bytes);
  if (!directory)
    return directory.takeError();
  auto [offset, count] = *directory;
  NamedArrays arrays;
  Reader reader(bytes, offset);
  uint64_t packed = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (reader.read<uint32_t>() != kCentral)
      return createStringError("the directory of the .npz file is damaged");
    Member member;
    reader.take(4);
    member.flags = reader.read<uint16_t>();
    member.method = reader.read<uint16_t>();
    reader.take(4);
    member.crc = reader.read<uint32_t>();
    member.packed = reader.read<uint32_t>();
    member.size = reader.read<uint32_t>();
    uint16_t nameSize = reader.read<uint16_t>(), extraSize = reader.read<uint16_t>(),
             commentSize = reader.read<uint16_t>();
    reader.take(8);
    member.offset = reader.read<uint32_t>();
    member.name = reader.take(nameSize);
    StringRef extra = reader.take(extraSize);
    reader.take(commentSize);
    if (!reader)
      return createStringError("the directory of the .npz file is cut off");
    readZip64(extra, member);
    // Members that share bytes could grow a small file without end.
    if (member.packed > bytes.size() || (packed += member.packed) > bytes.size())
      return createStringError("the arrays of the .npz file are larger than the file");
    Expected<Array> array = readMember(bytes, member);
    if (!array)
      return createStringError("array '" + member.name + "': " + toString(array.takeError()));
    StringRef name = member.name;
    name.consume_back(".npy");
    arrays.emplace_back(name.str(), std::move(*array));
  }
  return arrays;
}

Expected<NamedArrays> sinter::tools::readNpz(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createStringError(buffer.getError(), "cannot read '" + path + "': " + buffer.getError().message());
  Expected<NamedArrays> arrays = parseNpz((*buffer)->getBuffer());
  if (!arrays)
    return createStringError("'" + path + "': " + toString(arrays.takeError()));
  return arrays;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// The header and everything before the data, padded so that the data begin at a multiple of 64 bytes in the array.
static std::string npyHeader(DType type, ArrayRef<int64_t> shape) {
  static constexpr StringLiteral codes[] = {"<f4", "<f2", "<V2", "<f8", "|i1", "|u1", "<i2",
                                            "<u2", "<i4", "<u4", "<i8", "<u8", "|b1"};
  std::string header = ("{'descr': '" + codes[size_t(type)] + "', 'fortran_order': False, 'shape': (").str();
  for (auto [i, size] : enumerate(shape))
    header += (i ? " " : "") + std::to_string(size) + (i + 1 < shape.size() || shape.size() == 1 ? "," : "");
  header += "), }";
  size_t prefix = 10;
  header.resize(alignTo(prefix + header.size() + 1, 64) - prefix - 1, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += char(header.size() & 0xff);
  out += char(header.size() >> 8);
  return out + header;
}

void NpzWriter::add(StringRef name, DType type, ArrayRef<int64_t> shape, StringRef data) {
  std::string header = npyHeader(type, shape);
  uLong crc = crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef *>(header.data()), header.size());
  crc = crc32_z(crc, reinterpret_cast<const Bytef *>(data.data()), data.size());
  Entry entry{(name + ".npy").str(), uint32_t(crc), header.size() + data.size(), offset};
  bool large = entry.size >= kMax32;
  support::endian::Writer writer(os, endianness::little);
  writer.write<uint32_t>(kLocal);
  for (uint16_t field : {large ? 45 : 20, 0, 0, 0, 0x21}) // version needed, flags, stored, time, date: 1 January 1980
    writer.write<uint16_t>(field);
  writer.write<uint32_t>(entry.crc);
  writer.write<uint32_t>(large ? kMax32 : entry.size);
  writer.write<uint32_t>(large ? kMax32 : entry.size);
  writer.write<uint16_t>(entry.name.size());
  writer.write<uint16_t>(large ? 20 : 0);
  os << entry.name;
  if (large) {
    writer.write<uint16_t>(1);
    writer.write<uint16_t>(16);
    writer.write<uint64_t>(entry.size);
    writer.write<uint64_t>(entry.size);
  }
  os << header << data;
  offset += kLocalSize + entry.name.size() + (large ? 20 : 0) + entry.size;
  entries.push_back(std::move(entry));
}

void NpzWriter::finish() {
  support::endian::Writer writer(os, endianness::little);
  uint64_t start = offset, bytes = 0;
  for (const Entry &entry : entries) {
    bool large = entry.size >= kMax32, far = entry.offset >= kMax32;
    uint16_t extra = large || far ? 4 + 16 * large + 8 * far : 0;
    writer.write<uint32_t>(kCentral);
    for (uint16_t field : {45, extra ? 45 : 20, 0, 0, 0, 0x21})
      writer.write<uint16_t>(field);
    writer.write<uint32_t>(entry.crc);
    writer.write<uint32_t>(large ? kMax32 : entry.size);
    writer.write<uint32_t>(large ? kMax32 : entry.size);
    for (uint16_t field : {uint16_t(entry.name.size()), extra, uint16_t(0), uint16_t(0), uint16_t(0)})
      writer.write<uint16_t>(field);
    writer.write<uint32_t>(0);
    writer.write<uint32_t>(far ? kMax32 : entry.offset);
    os << entry.name;
    if (extra) {
      writer.write<uint16_t>(1);
      writer.write<uint16_t>(extra - 4);
      if (large) {
        writer.write<uint64_t>(entry.size);
        writer.write<uint64_t>(entry.size);
      }
      if (far)
        writer.write<uint64_t>(entry.offset);
    }
    bytes += kCentralSize + entry.name.size() + extra;
  }
  bool zip64 = entries.size() >= 0xffff || start >= kMax32 || bytes >= kMax32;
  if (zip64) {
    writer.write<uint32_t>(kEnd64);
    writer.write<uint64_t>(kEnd64Size - 12);
    writer.write<uint16_t>(45);
    writer.write<uint16_t>(45);
    writer.write<uint64_t>(0);
    writer.write<uint64_t>(entries.size());
    writer.write<uint64_t>(entries.size());
    writer.write<uint64_t>(bytes);
    writer.write<uint64_t>(start);
    writer.write<uint32_t>(kLocator64);
    writer.write<uint32_t>(0);
    writer.write<uint64_t>(start + bytes);
    writer.write<uint32_t>(1);
  }
  uint16_t count = std::min<size_t>(entries.size(), 0xffff);
  writer.write<uint32_t>(kEnd);
  for (uint16_t field : {uint16_t(0), uint16_t(0), count, count})
    writer.write<uint16_t>(field);
  writer.write<uint32_t>(std::min<uint64_t>(bytes, kMax32));
  writer.write<uint32_t>(std::min<uint64_t>(start, kMax32));
  writer.write<uint16_t>(0);
}
