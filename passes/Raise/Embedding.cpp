//===- Embedding.cpp - gathers of a weight's rows -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Embedding.h"
#include "dialects/Graph/Graph.h"
#include "passes/Raise/Recognize.h"

using namespace mlir;

namespace sinter::raise {
namespace {

bool isProduct(onnx::NodeOp node) { return node.isOp("MatMul") || node.isOp("Gemm") || node.isOp("com.microsoft", "FusedMatMul"); }

/// Whether a product's weight is `v`, or a copy or transposition of it.
bool isReadByProduct(Value v) {
  for (OpOperand &use : v.getUses()) {
    auto node = dyn_cast<onnx::NodeOp>(use.getOwner());
    if (!node)
      continue;
    if (isProduct(node) && use.getOperandNumber() == 1)
      return true;
    if ((node.isOp("Transpose") || node.isOp("Identity") || node.isOp("Cast")) && isReadByProduct(node.getResult(0)))
      return true;
  }
  return false;
}

/// The matrix in the file behind `v`.
Value storedMatrix(Value v) {
  while (auto node = v.getDefiningOp<onnx::NodeOp>())
    v = node.getInputs()[0];
  return v;
}

/// Whether `v` has the elements of an input of the graph, in their order.
bool isCallers(Value v) {
  while (auto node = v.getDefiningOp<onnx::NodeOp>()) {
    if (!node.isOp("Cast") && !node.isOp("Reshape") && !node.isOp("Identity") && !node.isOp("Unsqueeze") && !node.isOp("Squeeze") && !node.isOp("Flatten"))
      return false;
    v = node.getInputs()[0];
  }
  return isa<BlockArgument>(v);
}

/// Whether a product's weight, which the file stores, has `columns` columns.
bool isLinearWidth(int64_t columns, Block &graph, Inference &infer) {
  for (auto node : graph.getOps<onnx::NodeOp>())
    if (isProduct(node) && storedTensor(node.getInputs()[1]) && infer[node.getInputs()[1]].rank() == 2)
      if (llvm::is_contained(infer[node.getInputs()[1]].shape, SymExpr(columns)))
        return true;
  return false;
}

} // namespace

qt::SourceAttr embeddingSource(onnx::NodeOp gather, Lowering &lower) {
  Value table = gather.getInputs()[0], ids = gather.getInputs()[1];
  if (gather.getInt("axis", 0) != 0 || lower.infer[ids].elements)
    return {};
  qt::SourceAttr source = weightSource(table, lower.infer, false);
  if (!source || source.getForm() != qt::Form::dense)
    return {};
  if (isReadByProduct(storedMatrix(table)))
    return source;
  // Tables of positions or of their rotations have caller's ids in some files, too, but not many times more rows than a linear is wide.
  constexpr int64_t least = 4;
  bool tokens = source.getRows() >= least * source.getColumns() && isCallers(ids) && isLinearWidth(source.getColumns(), *gather->getBlock(), lower.infer);
  return lower.embeddings && tokens ? source : qt::SourceAttr();
}

FailureOr<qt::SourceAttr> blockQuantizedSource(onnx::NodeOp node, Inference &infer, std::optional<int64_t> cut) {
  Value data = node.getInputs()[0], scales = node.getInputs()[2], zeros = node.getInputOrNull(3);
  const TensorInfo &dataInfo = infer[data], &scaleInfo = infer[scales];
  int64_t bits = node.getInt("bits", 4), block = node.getInt("block_size", 128);
  int64_t quantizeAxis = node.getInt("quantize_axis", 1), gatherAxis = node.getInt("gather_axis", 0);
  if (dataInfo.rank() != 2 || (quantizeAxis != 1 && quantizeAxis != -1) || gatherAxis != 0 || !dataInfo.staticSize() || !scaleInfo.staticSize() || block < 16 ||
      (bits != 4 && bits != 8))
    return node.emitError("GatherBlockQuantized is supported for rows of a matrix with blocks along them, of 4 or 8 bits");
  auto report = [&] { return node.emitError(); };
  llvm::function_ref<InFlightDiagnostic()> emitError(report);
  int64_t rows = *dataInfo.shape[0].constant(), stored = *dataInfo.shape[1].constant();
  bool packed = dataInfo.element.isUnsignedInteger(8) && bits == 4;
  int64_t columns = packed ? stored * 2 : stored;
  if (cut && *cut <= columns && llvm::divideCeil(*cut, block) == llvm::divideCeil(columns, block))
    columns = *cut;
  // The value may be a view of an initializer that a linear also uses.
  while (auto view = data.getDefiningOp<onnx::NodeOp>()) {
    if (!view.isOp("Reshape") && !view.isOp("Identity") && !view.isOp("Unsqueeze") && !view.isOp("Squeeze"))
      break;
    data = view.getInputs()[0];
  }
  auto payload = storedTensor(data), scale = storedTensor(scales), zero = zeros ? storedTensor(zeros) : Attribute();
  if (!payload || !scale || (zeros && !zero))
    return node.emitError("expected constant data, scales and zero points");
  if (dataInfo.element.isUnsignedInteger(8)) {
    auto source = qt::SourceAttr::getChecked(emitError, node.getContext(), qt::Form::matmul_nbits, rows, columns,
                                                     false, unsigned(bits), block, payload, scale, zero);
    if (!source)
      return failure();
    return source;
  }
  auto source = qt::SourceAttr::getChecked(emitError, node.getContext(), qt::Form::affine, rows, columns, false,
                                                   unsigned(bits), block, payload, scale, zero);
  if (!source)
    return failure();
  return source;
}

/// An exporter that pads rows to whole blocks cuts the padding off behind the gather; without it the rows are those of the head.
bool recognizeCutEmbedding(onnx::NodeOp node, Lowering &lower) {
  auto gather = node.isOp("Slice") ? node.getInputs()[0].getDefiningOp<onnx::NodeOp>() : onnx::NodeOp();
  if (!gather || !gather.isOp("com.microsoft", "GatherBlockQuantized") || node.getInputs().size() < 4)
    return false;
  const TensorInfo info = lower.infer[node.getResult(0)];
  auto isOne = [&](Value v, std::initializer_list<int64_t> values) {
    const auto &elements = lower.infer[v].elements;
    return elements && elements->size() == 1 && llvm::is_contained(values, (*elements)[0].constant().value_or(INT64_MIN));
  };
  Value steps = node.getInputOrNull(4);
  std::optional<int64_t> columns = info.shape.back().constant();
  if (!columns || !isOne(node.getInputs()[1], {0}) || !isOne(node.getInputs()[3], {-1, info.rank() - 1}) || (steps && !isOne(steps, {1})))
    return false;
  auto source = blockQuantizedSource(gather, lower.infer, columns);
  if (failed(source) || source->getColumns() != *columns)
    return false;
  lower.map(node.getResult(0), embedding(lower, gather.getLoc(), gather.getInputs()[1], *source, info));
  return true;
}

Value embedding(Lowering &lower, Location loc, Value ids, qt::SourceAttr source, const TensorInfo &result) {
  Type f32 = lower.builder.getF32Type();
  Value rows = graph::EmbeddingOp::create(lower.builder, loc, lower.type(result.shape, f32), lower.tensor(ids), weightConstant(lower, loc, source));
  if (result.element == f32)
    return rows;
  return lower.generate(loc, result.shape, result.element, [&](OpBuilder &b, Location l, ValueRange index) {
    return castElement(b, l, tensor::ExtractOp::create(b, l, rows, index), f32, result.element);
  });
}

} // namespace sinter::raise
