//===- WeightReader.h - rows of a qt.constant ------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_QT_WEIGHTREADER_H
#define SINTER_DIALECTS_QT_WEIGHTREADER_H

#include "dialects/QT/QT.h"

namespace sinter::qt {

/// Reads the rows of a `qt.constant` from the model's files, encoding what the file has in another format. All reads
/// are thread-safe. Holds no copy of large tensors.
class WeightReader {
public:
  /// Maps the sources. Fails, with a diagnostic at the op, where a file cannot be read or has another size than the op
  /// says.
  static llvm::FailureOr<WeightReader> open(ConstantOp op);

  QuantTensorType getType() const { return type; }

  /// Rows [begin, end) as the fields of the type's format; the group is the type's. Reuses the memory of `out`.
  void read(int64_t begin, int64_t end, Rows &out) const;

  /// Rows [begin, end) as f32, (end - begin) * columns of them, before any encoding.
  void readFloat(int64_t begin, int64_t end, float *out) const;

  /// Lets the pages of the files leave memory; later reads bring them back. Not while another thread reads.
  void release() const;

private:
  /// Bytes of a tensor: in the file, or owned where the constant is in the IR.
  struct Tensor {
    llvm::ArrayRef<char> bytes;
    std::shared_ptr<std::vector<char>> owned;
    mlir::Type element;
    int64_t count = 0;
    onnx::DataAttr data;

    float loadFloat(int64_t index) const;
    /// The integer at `index` as an unsigned code: signed ones with half the range added.
    uint8_t loadCode(int64_t index) const;
  };
  struct Source {
    SourceAttr attr;
    QuantTensorType natural; ///< null: no type has the file's fields
    int64_t begin;           ///< first row in the constant
    Tensor payload, scales, zeros;
  };

  static mlir::LogicalResult openTensor(ConstantOp op, mlir::Attribute attr, Tensor &tensor);
  void readDense(const Source &source, int64_t begin, int64_t end, float *out) const;
  /// What the file stores, with the file's groups.
  void readStored(const Source &source, int64_t begin, int64_t end, Rows &out) const;
  void readEncoded(const Source &source, int64_t begin, int64_t end, Rows &out) const;
  void readSourceFloat(const Source &source, int64_t begin, int64_t end, float *out) const;
  bool isKept(const Source &source) const;

  QuantTensorType type;
  std::vector<Source> sources;
  onnx::OnnxDialect *dialect = nullptr;
};

} // namespace sinter::qt

#endif // SINTER_DIALECTS_QT_WEIGHTREADER_H
