//===- Diagonals.cpp - constants that depend on a distance --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/Diagonals.h"
#include "dialects/Onnx/Onnx.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cstring>

using namespace mlir;

namespace sinter::fuse {

namespace {
/// A band has three.
constexpr size_t kMostRuns = 4;

/// `bytes` are rows * columns elements of `size` bytes.
std::optional<Diagonals> readDiagonals(ArrayRef<char> bytes, int64_t rows, int64_t columns, int64_t size, Type element) {
  auto at = [&](int64_t row, int64_t column) { return bytes.data() + (row * columns + column) * size; };
  auto isSame = [&](const char *a, const char *b) { return std::memcmp(a, b, size) == 0; };
  Diagonals found;
  const char *last = nullptr;
  // All diagonals begin in the first column or the first row.
  for (int64_t d = 1 - rows; d < columns; ++d) {
    const char *here = d < 0 ? at(-d, 0) : at(0, d);
    if (last && isSame(last, here))
      continue;
    if (found.runs.size() == kMostRuns)
      return std::nullopt;
    last = here;
    auto value = onnx::getDense(RankedTensorType::get({1}, element), ArrayRef(here, size));
    found.runs.push_back({d, *value.getValues<Attribute>().begin()});
  }
  for (int64_t row = 1; row < rows; ++row)
    if (std::memcmp(at(row, 1), at(row - 1, 0), (columns - 1) * size) != 0)
      return std::nullopt;
  return found;
}

std::optional<Diagonals> readDiagonals(onnx::InitializerOp initializer, RankedTensorType type) {
  ArrayRef<int64_t> shape = type.getShape();
  unsigned bits = onnx::getStoredBits(type.getElementType());
  if (shape.size() < 2 || !type.getElementType().isIntOrFloat() || bits % 8 || llvm::any_of(shape.drop_back(2), [](int64_t n) { return n != 1; }))
    return std::nullopt;
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  if (rows < 2 || columns < 2)
    return std::nullopt;
  auto *dialect = initializer->getContext()->getLoadedDialect<onnx::OnnxDialect>();
  auto bytes = dialect->read(initializer.getData());
  if (!bytes) {
    llvm::consumeError(bytes.takeError()); // whoever needs the tensor says so
    return std::nullopt;
  }
  std::optional<Diagonals> found;
  if (onnx::getStoredBytes(type) <= bytes->size())
    found = readDiagonals(*bytes, rows, columns, bits / 8, type.getElementType());
  dialect->release(initializer.getData());
  return found;
}
} // namespace

const Diagonals *DiagonalReader::find(Value tensor) {
  while (auto cast = tensor.getDefiningOp<tensor::BitcastOp>())
    tensor = cast.getSource();
  auto initializer = tensor.getDefiningOp<onnx::InitializerOp>();
  if (!initializer)
    return nullptr;
  auto [it, isNew] = known.try_emplace(initializer.getData());
  if (isNew)
    it->second = readDiagonals(initializer, cast<RankedTensorType>(tensor.getType()));
  return it->second ? &*it->second : nullptr;
}

} // namespace sinter::fuse
