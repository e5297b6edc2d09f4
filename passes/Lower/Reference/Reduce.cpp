//===- Reduce.cpp - reductions, running sums, the best of a row -----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/Patterns.h"

using namespace mlir;

namespace sinter::reference {
namespace {

struct DefineReduce : OpConversionPattern<graph::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::ReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Type element = cast<RankedTensorType>(op.getInput().getType()).getElementType(), type = accumulatorFor(element);
    StringRef kind = op.getKind();
    SmallVector<OpFoldResult> sizes = b.sizes(adaptor.getInput()), kept;
    SmallVector<AffineExpr> keep;
    for (auto [d, size] : llvm::enumerate(sizes))
      if (!llvm::is_contained(op.getAxes(), int64_t(d))) {
        keep.push_back(b.dim(d));
        kept.push_back(size);
      }
    TensorBuilder::Operand in{adaptor.getInput(), b.getMultiDimIdentityMap(sizes.size())};
    AffineMap out = b.map(sizes.size(), keep);
    Value init = kind == "add"   ? b.constant(type, 0)
                 : kind == "mul" ? b.constant(type, 1)
                                 : b.extreme(type, /*greatest=*/kind == "min" || kind == "argmin");
    if (kind.starts_with("arg")) {
      replace(rewriter, op,
              bestPlace(b, op, in, {b.filled(kept, init), out}, {b.filled(kept, b.constant(b.getI64Type(), 0)), out},
                        sizes));
      return success();
    }
    Value result = b.reduce(kept, out, init, in, [&](TensorBuilder &b, ValueRange x) {
      Value now = b.extend(x[0], type);
      return kind == "add"   ? b.add(x[1], now)
             : kind == "mul" ? b.mul(x[1], now)
             : kind == "max" ? b.max(x[1], now)
                             : b.min(x[1], now);
    });
    replace(rewriter, op, b.convert(result, element));
    return success();
  }

private:
  /// The best so far and its place, counted in row-major order over the reduced axes.
  static Value bestPlace(TensorBuilder &b, graph::ReduceOp op, TensorBuilder::Operand in, TensorBuilder::Operand best,
                         TensorBuilder::Operand place, ArrayRef<OpFoldResult> sizes) {
    bool most = op.getKind() == "argmax";
    Type type = cast<RankedTensorType>(best.tensor.getType()).getElementType();
    return b.loops(in, {best, place}, [&](TensorBuilder &b, ValueRange x) {
      Value now = b.extend(x[0], type), here = b.index(0);
      for (int64_t axis : op.getAxes())
        here = b.add(b.mul(here, b.value(sizes[axis])), b.loopIndex(axis));
      Value better = most ? b.less(x[1], now) : b.less(now, x[1]);
      if (op.getLast())
        better = b.either(better, b.equal(now, x[1]));
      return SmallVector<Value>{b.select(better, now, x[1]),
                                b.select(better, arith::IndexCastOp::create(b, b.getI64Type(), here), x[2])};
    })[1];
  }
};

/// result[..., i, ...] = sum of input[..., j, ...] over j <= i; j < i where exclusive; from the other end where
/// reversed.
struct DefineScan : OpConversionPattern<graph::ScanOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::ScanOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Type element = cast<RankedTensorType>(op.getType()).getElementType(), type = accumulatorFor(element);
    SmallVector<OpFoldResult> sizes = b.sizes(adaptor.getInput());
    unsigned rank = sizes.size(), axis = op.getAxis();
    SmallVector<AffineExpr> from(b.getMultiDimIdentityMap(rank).getResults());
    from[axis] = b.dim(rank);
    Value result = b.reduce(sizes, b.leading(rank + 1, rank), b.constant(type, 0),
                            {{adaptor.getInput(), b.map(rank + 1, from)}}, [&](TensorBuilder &b, ValueRange x) {
                              Value i = b.loopIndex(axis), j = b.loopIndex(rank);
                              Value counts = op.getReverse() ? b.less(i, j) : b.less(j, i);
                              if (!op.getExclusive())
                                counts = b.either(counts, b.equal(i, j));
                              return b.select(counts, b.add(x[1], b.extend(x[0], type)), x[1]);
                            });
    replace(rewriter, op, b.convert(result, element));
    return success();
  }
};

/// An element comes behind as many others as are better, or as good and before it.
struct DefineTopK : OpConversionPattern<graph::TopKOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::TopKOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value input = adaptor.getInput();
    Type element = cast<RankedTensorType>(input.getType()).getElementType(), i64 = b.getI64Type();
    SmallVector<OpFoldResult> sizes = b.sizes(input);
    unsigned rank = sizes.size(), loops = rank + 1;
    // Over rows, i and j, then over rows, the place p and i.
    SmallVector<AffineExpr> inner(b.leading(loops, rank - 1).getResults());
    inner.push_back(b.dim(rank));
    AffineMap outerMap = b.leading(loops, rank), innerMap = b.map(loops, inner);
    Value places =
        b.reduce(sizes, outerMap, b.constant(i64, 0), {{input, outerMap}, {input, innerMap}},
                 [&](TensorBuilder &b, ValueRange x) {
                   Value better = op.getLargest() ? b.less(x[0], x[1]) : b.less(x[1], x[0]);
                   Value before = b.both(b.equal(x[0], x[1]), b.less(b.loopIndex(rank), b.loopIndex(rank - 1)));
                   return b.add(x[2], b.select(b.either(better, before), b.constant(i64, 1), b.constant(i64, 0)));
                 });
    sizes.back() = getAsOpFoldResult(adaptor.getK());
    TensorBuilder::Operand values{b.filled(sizes, b.constant(element, 0)), outerMap},
        indices{b.filled(sizes, b.constant(i64, 0)), outerMap};
    auto results =
        b.loops({{input, innerMap}, {places, innerMap}}, {values, indices}, [&](TensorBuilder &b, ValueRange x) {
          Value place = arith::IndexCastOp::create(b, i64, b.loopIndex(rank - 1)),
                at = arith::IndexCastOp::create(b, i64, b.loopIndex(rank));
          Value here = b.equal(x[1], place);
          return SmallVector<Value>{b.select(here, x[0], x[2]), b.select(here, at, x[3])};
        });
    replace(rewriter, op, results);
    return success();
  }
};

} // namespace

void populateReduceDefinitions(RewritePatternSet &patterns, const TypeConverter &types) {
  patterns.add<DefineReduce, DefineScan, DefineTopK>(types, patterns.getContext());
}

} // namespace sinter::reference
