//===- Linear.cpp - products and rows of matrices -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/Patterns.h"

using namespace mlir;

namespace sinter::reference {
namespace {

/// result[..., n] = sum_k input[..., k] * weight[n, k].
struct DefineLinear : OpConversionPattern<graph::LinearOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::LinearOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Type f32 = b.getF32Type();
    Value input = b.convert(adaptor.getInput(), f32);
    if (auto activation = op.getActivation())
      input = quantizeInput(b, input, op.getWeight().getType(), *activation, adaptor.getParams());
    SmallVector<OpFoldResult> sizes = b.sizes(input);
    unsigned rank = sizes.size(), loops = rank + 1;
    AffineExpr n = b.dim(rank - 1), k = b.dim(rank);
    SmallVector<AffineExpr> row(b.leading(loops, rank - 1).getResults());
    row.push_back(k);
    sizes.back() = b.getIndexAttr(op.getWeight().getType().getRows());
    Value result = b.reduce(sizes, b.leading(loops, rank), b.constant(f32, 0),
                            {{input, b.map(loops, row)}, {adaptor.getWeight(), b.map(loops, {n, k})}},
                            [](TensorBuilder &b, ValueRange x) { return b.add(x[2], b.mul(x[0], x[1])); });
    replace(rewriter, op, b.convert(result, cast<RankedTensorType>(op.getType()).getElementType()));
    return success();
  }
};

/// result[..., k] = weight[ids[...], k].
struct DefineEmbedding : OpConversionPattern<graph::EmbeddingOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::EmbeddingOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value ids = adaptor.getIds(), weight = adaptor.getWeight();
    qt::QuantTensorType type = op.getWeight().getType();
    SmallVector<OpFoldResult> sizes = b.sizes(ids);
    unsigned rank = sizes.size();
    sizes.push_back(b.getIndexAttr(type.getColumns()));
    Type element = cast<RankedTensorType>(op.getType()).getElementType();
    replace(rewriter, op,
            b.generate(sizes, element, {{ids, b.leading(rank + 1, rank)}}, [&](TensorBuilder &b, ValueRange id) {
              Value row = b.safeIndex(id[0], b.index(type.getRows()));
              return b.extend(tensor::ExtractOp::create(b, weight, ValueRange{row, b.loopIndex(rank)}), element);
            }));
    return success();
  }
};

/// result[b..., m, n] = sum_k a[b..., m, k] * b[b..., k, n].
struct DefineMatMul : OpConversionPattern<graph::MatMulOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::MatMulOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Type element = cast<RankedTensorType>(op.getType()).getElementType(), accumulator = accumulatorFor(element);
    SmallVector<OpFoldResult> sizes = b.sizes(adaptor.getA());
    sizes.back() = b.sizes(adaptor.getB()).back();
    unsigned rank = sizes.size(), loops = rank + 1;
    AffineExpr m = b.dim(rank - 2), n = b.dim(rank - 1), k = b.dim(rank);
    SmallVector<AffineExpr> left(b.leading(loops, rank - 2).getResults()), right = left;
    left.append({m, k});
    right.append({k, n});
    Value result = b.reduce(sizes, b.leading(loops, rank), b.constant(accumulator, 0),
                            {{adaptor.getA(), b.map(loops, left)}, {adaptor.getB(), b.map(loops, right)}},
                            [&](TensorBuilder &b, ValueRange x) {
                              return b.add(x[2], b.mul(b.extend(x[0], accumulator), b.extend(x[1], accumulator)));
                            });
    replace(rewriter, op, b.convert(result, element));
    return success();
  }
};

} // namespace

void populateLinearDefinitions(RewritePatternSet &patterns, const TypeConverter &types) {
  patterns.add<DefineLinear, DefineEmbedding, DefineMatMul>(types, patterns.getContext());
}

} // namespace sinter::reference
