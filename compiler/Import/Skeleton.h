//===- Skeleton.h - a model without its tensors' bytes ----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_SKELETON_H
#define SINTER_COMPILER_IMPORT_SKELETON_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace onnx {
class TensorProto;
} // namespace onnx

namespace sinter::importer {

/// Where the elements of one TensorProto lie in the file.
struct Payload {
  uint32_t field = 0; ///< number of the TensorProto field that holds them
  uint64_t offset = 0, size = 0;
  bool split = false;     ///< the field occurs more than once: the range runs from the first tag to the end of the last value
  bool ambiguous = false; ///< several fields have elements
};

/// A ModelProto of a few MB at most, for protobuf to parse: elements of tensors, documentation and shapes of intermediate
/// values are left out. Where a TensorProto had elements its `raw_data` is an index into `payloads`.
struct Skeleton {
  std::string bytes;
  std::vector<Payload> payloads;

  /// Null where the tensor has no elements in the file.
  const Payload *find(const ::onnx::TensorProto &tensor) const;
};

/// Protobuf itself neither reads files over 2 GB nor spares memory for what stays on disk; this walks over the wire format.
/// Fails where the bytes are no protobuf message or graphs nest deeper than `maxDepth`.
llvm::Expected<Skeleton> makeSkeleton(llvm::ArrayRef<char> file, unsigned maxDepth);

} // namespace sinter::importer

#endif // SINTER_COMPILER_IMPORT_SKELETON_H
