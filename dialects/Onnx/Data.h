//===- Data.h - bytes of model files ----------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_ONNX_DATA_H
#define SINTER_DIALECTS_ONNX_DATA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

namespace sinter::onnx {
enum class Encoding : uint32_t;

/// A file mapped read-only, for as long as the object lives.
class MappedFile {
public:
  /// Fails, with the path and the system's reason, where `path` is no readable regular file.
  static llvm::Expected<std::unique_ptr<MappedFile>> open(llvm::StringRef path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  llvm::ArrayRef<char> bytes() const { return {begin, size}; }
  /// Lets the whole pages inside the range leave memory; they are read again when touched.
  void release(uint64_t offset, uint64_t length) const;

private:
  MappedFile(const char *begin, size_t size) : begin(begin), size(size) {}
  const char *begin;
  size_t size;
};

/// The files that a dialect has mapped, and the buffers it has decoded. Thread-safe.
class FileCache {
public:
  llvm::Expected<const MappedFile *> open(llvm::StringRef path);
  llvm::Expected<llvm::ArrayRef<char>> read(llvm::StringRef path, uint64_t offset, uint64_t size, Encoding encoding);
  void release(llvm::StringRef path, uint64_t offset, uint64_t size, Encoding encoding);

private:
  using Key = std::tuple<const MappedFile *, uint64_t, uint64_t, Encoding>;
  std::mutex mutex;
  llvm::StringMap<std::unique_ptr<MappedFile>> files;
  std::map<Key, std::vector<char>> decoded;
};

/// Appends the elements in `bytes` to `out`; see `#onnx.data` for the encodings, `raw` is not one of them here.
llvm::Error decode(llvm::ArrayRef<char> bytes, Encoding encoding, std::vector<char> &out);

} // namespace sinter::onnx

#endif // SINTER_DIALECTS_ONNX_DATA_H
