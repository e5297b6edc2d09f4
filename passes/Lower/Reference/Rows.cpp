//===- Rows.cpp - norms and softmax ---------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/Patterns.h"

using namespace mlir;

namespace sinter::reference {
namespace {

/// The rows of a tensor, with elements as the accumulators' type, and what is computed of each.
struct Rows {
  Rows(TensorBuilder &b, Value tensor)
      : b(b), type(accumulatorFor(cast<RankedTensorType>(tensor.getType()).getElementType())),
        x(b.convert(tensor, type)), sizes(b.sizes(x)), rank(sizes.size()), element(b.getMultiDimIdentityMap(rank)),
        row(b.leading(rank, rank - 1)) {}

  /// A value a row: combines `body(element, value so far)` along it.
  Value reduce(Value tensor, Value init, TensorBuilder::Element body) {
    return b.reduce(ArrayRef(sizes).drop_back(), row, init, {{tensor, element}}, body);
  }
  Value sum(Value tensor) {
    return reduce(tensor, b.constant(type, 0), [](TensorBuilder &b, ValueRange x) { return b.add(x[1], x[0]); });
  }
  /// body(element of `tensor`, value of its row).
  Value with(Value tensor, Value rows, TensorBuilder::Element body) {
    return b.generate(sizes, type, {{tensor, element}, {rows, row}}, body);
  }

  TensorBuilder &b;
  Type type;
  Value x;
  SmallVector<OpFoldResult> sizes;
  unsigned rank;
  AffineMap element, row;
};

struct DefineNorm : OpConversionPattern<graph::NormOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::NormOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Rows rows(b, adaptor.getInput());
    auto mean = [&](TensorBuilder &b, Value sum) { return b.div(sum, b.count(rows.sizes.back(), rows.type)); };
    Value x = rows.x;
    if (op.getKind() == "layer")
      x = rows.with(x, rows.sum(x), [&](TensorBuilder &b, ValueRange v) { return b.sub(v[0], mean(b, v[1])); });
    Value squares = rows.reduce(x, b.constant(rows.type, 0),
                                [](TensorBuilder &b, ValueRange v) { return b.add(v[1], b.mul(v[0], v[0])); });
    Value result = rows.with(x, squares, [&](TensorBuilder &b, ValueRange v) {
      Value root = math::SqrtOp::create(b, b.add(mean(b, v[1]), b.constant(rows.type, op.getEpsilon().convertToDouble())));
      return b.div(v[0], root);
    });
    replace(rewriter, op, b.convert(result, cast<RankedTensorType>(op.getType()).getElementType()));
    return success();
  }
};

/// exp(x - max) / sum(exp(x - max)), or its logarithm.
struct DefineSoftmax : OpConversionPattern<graph::SoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::SoftmaxOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Rows rows(b, adaptor.getInput());
    Value largest = rows.reduce(rows.x, b.extreme(rows.type, /*greatest=*/false),
                                [](TensorBuilder &b, ValueRange v) { return b.max(v[0], v[1]); });
    Value below = rows.with(rows.x, largest, [](TensorBuilder &b, ValueRange v) { return b.sub(v[0], v[1]); });
    Value power = b.generate(rows.sizes, rows.type, {{below, rows.element}},
                             [](TensorBuilder &b, ValueRange v) -> Value { return math::ExpOp::create(b, v[0]); });
    Value sum = rows.sum(power), result;
    if (op.getLog())
      result = rows.with(below, sum,
                         [](TensorBuilder &b, ValueRange v) { return b.sub(v[0], math::LogOp::create(b, v[1])); });
    else
      result = rows.with(power, sum, [](TensorBuilder &b, ValueRange v) { return b.div(v[0], v[1]); });
    replace(rewriter, op, b.convert(result, cast<RankedTensorType>(op.getType()).getElementType()));
    return success();
  }
};

} // namespace

void populateRowDefinitions(RewritePatternSet &patterns, const TypeConverter &types) {
  patterns.add<DefineNorm, DefineSoftmax>(types, patterns.getContext());
}

} // namespace sinter::reference
