//===- Tensors.h - tensors of a model ---------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_TENSORS_H
#define SINTER_COMPILER_IMPORT_TENSORS_H

#include "compiler/Import/Skeleton.h"
#include "compiler/Import/onnx.pb.h"
#include "dialects/Onnx/Onnx.h"

namespace sinter::importer {

/// A tensor of the file: `dense` where it is small, else `data`. Neither where its elements are strings.
struct Tensor {
  mlir::RankedTensorType type;
  onnx::DataAttr data;
  mlir::DenseElementsAttr dense;

  bool isString() const { return !data && !dense; }
};

/// The element type for a value of TensorProto::DataType, null for strings and unknown values.
mlir::Type getElementType(mlir::MLIRContext *context, int dataType);

/// Finds the elements of TensorProtos and checks them against their shapes.
class TensorReader {
public:
  TensorReader(onnx::OnnxDialect &dialect, llvm::StringRef path, const Skeleton &skeleton)
      : dialect(dialect), path(path), skeleton(skeleton) {}

  /// `what` names the tensor in messages, which are emitted at `loc`.
  llvm::FailureOr<Tensor> read(const ::onnx::TensorProto &tensor, mlir::Location loc, const llvm::Twine &what);

private:
  llvm::Expected<Tensor> read(const ::onnx::TensorProto &tensor);
  llvm::Expected<onnx::DataAttr> findElements(const ::onnx::TensorProto &tensor, mlir::RankedTensorType type, uint64_t bytes);
  llvm::Expected<onnx::DataAttr> findExternal(const ::onnx::TensorProto &tensor, uint64_t bytes);
  /// The path of an external file, after its real one has been found to be inside the model's folder.
  llvm::Expected<std::string> resolve(const std::string &location);

  onnx::OnnxDialect &dialect;
  std::string path;
  const Skeleton &skeleton;
  std::map<std::string, std::string> resolved; ///< location to path
};

} // namespace sinter::importer

#endif // SINTER_COMPILER_IMPORT_TENSORS_H
