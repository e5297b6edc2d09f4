//===- Npz.h - numpy's files -----------------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Arrays in .npy and .npz files. The files are untrusted: whatever they say, reading gives arrays or an error.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_NPZ_H
#define SINTER_TOOLS_SINTER_NPZ_H

#include "runtime/src/Program.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sinter::tools {

using program::DType;

/// Bytes of one element.
unsigned sizeInBytes(DType type);
/// "f32", "bf16", "i64", "bool", ...
llvm::StringRef name(DType type);

/// A tensor in C order. `data` holds exactly the product of `shape` elements, little endian; a scalar has no axes.
struct Array {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<char> data;

  Array() = default;
  /// Zeros. The size in bytes must fit in 63 bits.
  Array(DType type, llvm::ArrayRef<int64_t> shape);

  int64_t size() const; ///< elements
  template <typename T> T *as() { return reinterpret_cast<T *>(data.data()); }
  template <typename T> const T *as() const { return reinterpret_cast<const T *>(data.data()); }
};

/// Named arrays, in the file's order.
using NamedArrays = std::vector<std::pair<std::string, Array>>;

/// Parses the contents of a .npy file. Fortran order and big-endian elements are converted; 2-byte void elements are
/// bfloat16, as ml_dtypes writes them.
llvm::Expected<Array> parseNpy(llvm::StringRef bytes);
/// Parses the contents of a .npz file: a zip archive (stored or deflated, zip64 too) of .npy files.
llvm::Expected<NamedArrays> parseNpz(llvm::StringRef bytes);
/// Reads a .npz file.
llvm::Expected<NamedArrays> readNpz(llvm::StringRef path);

/// Writes a .npz file, stored, one array after the other, so that they need not be in memory together.
class NpzWriter {
public:
  /// `os` outlives the writer and begins at the file's start.
  explicit NpzWriter(llvm::raw_ostream &os) : os(os) {}
  void add(llvm::StringRef name, DType type, llvm::ArrayRef<int64_t> shape, llvm::StringRef data);
  void add(llvm::StringRef name, const Array &array) {
    add(name, array.type, array.shape, llvm::StringRef(array.data.data(), array.data.size()));
  }
  /// Writes the archive's directory. Nothing may be added after it.
  void finish();

private:
  struct Entry {
    std::string name;
    uint32_t crc;
    uint64_t size, offset;
  };
  llvm::raw_ostream &os;
  uint64_t offset = 0;
  std::vector<Entry> entries;
};

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_NPZ_H
