//===- Attention.cpp - attention ------------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/Patterns.h"

using namespace mlir;

namespace sinter::reference {
namespace {

/// result[b, i, h, e] = sum_j softmax_j(score[b, h, i, j]) * value[b, h / group, j, e], step by step.
struct DefineAttention : OpConversionPattern<graph::AttentionOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::AttentionOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Type f32 = b.getF32Type();
    SmallVector<OpFoldResult> query = b.sizes(adaptor.getQuery()), key = b.sizes(adaptor.getKey()),
                              value = b.sizes(adaptor.getValue());
    int64_t group = cast<RankedTensorType>(op.getQuery().getType()).getDimSize(1) /
                    cast<RankedTensorType>(op.getKey().getType()).getDimSize(1);
    TensorBuilder::Sizes rows{query[0], query[1], query[2]}, pairs{query[0], query[1], query[2], key[2]};
    // Loops over sequence, head, query, key, and the channel.
    AffineExpr s = b.dim(0), h = b.dim(1), i = b.dim(2), j = b.dim(3), c = b.dim(4), g = h.floorDiv(group);
    AffineMap pair = b.getMultiDimIdentityMap(4), row = b.leading(4, 3);

    Value dots = b.reduce(
        pairs, b.leading(5, 4), b.constant(f32, 0),
        {{adaptor.getQuery(), b.map(5, {s, h, i, c})}, {adaptor.getKey(), b.map(5, {s, g, j, c})}},
        [&](TensorBuilder &b, ValueRange x) { return b.add(x[2], b.mul(b.extend(x[0], f32), b.extend(x[1], f32))); });
    Value scores = maskedScores(b, op, adaptor, dots, pairs);

    // A sink is one more score that the softmax sees.
    Value most = b.filled(rows, b.extreme(f32, /*greatest=*/false)), sum = b.filled(rows, b.constant(f32, 0));
    if (adaptor.getSinks())
      most = b.generate(rows, f32, {{adaptor.getSinks(), b.map(3, {h})}},
                        [&](TensorBuilder &b, ValueRange x) { return b.extend(x[0], f32); });
    Value largest = b.loops({{scores, pair}}, {{most, row}},
                            [](TensorBuilder &b, ValueRange x) { return SmallVector<Value>{b.max(x[0], x[1])}; })[0];
    if (adaptor.getSinks())
      sum =
          b.generate(rows, f32, {{most, b.leading(3, 3)}, {largest, b.leading(3, 3)}},
                     [](TensorBuilder &b, ValueRange x) -> Value { return math::ExpOp::create(b, b.sub(x[0], x[1])); });
    Value powers =
        b.generate(pairs, f32, {{scores, pair}, {largest, row}},
                   [](TensorBuilder &b, ValueRange x) -> Value { return math::ExpOp::create(b, b.sub(x[0], x[1])); });
    sum = b.loops({{powers, pair}}, {{sum, row}},
                  [](TensorBuilder &b, ValueRange x) { return SmallVector<Value>{b.add(x[1], x[0])}; })[0];
    Value weights =
        b.generate(pairs, f32, {{powers, pair}, {sum, row}, {largest, row}}, [&](TensorBuilder &b, ValueRange x) {
          Value weight = b.div(x[0], x[1]);
          if (!op.getZeroMaskedRows())
            return weight;
          return b.select(b.equal(x[2], b.extreme(f32, /*greatest=*/false)), b.constant(f32, 0), weight);
        });

    TensorBuilder::Sizes results{query[0], query[2], query[1], value[3]};
    Value result =
        b.reduce(results, b.map(5, {s, i, h, c}), b.constant(f32, 0),
                 {{weights, b.leading(5, 4)}, {adaptor.getValue(), b.map(5, {s, g, j, c})}},
                 [&](TensorBuilder &b, ValueRange x) { return b.add(x[2], b.mul(x[0], b.extend(x[1], f32))); });
    replace(rewriter, op, b.convert(result, cast<RankedTensorType>(op.getType()).getElementType()));
    return success();
  }

private:
  /// The scores that the softmax gets: scaled, capped, biased; -inf where a key is not visible.
  static Value maskedScores(TensorBuilder &b, graph::AttentionOp op, OpAdaptor adaptor, Value dots,
                            ArrayRef<OpFoldResult> pairs) {
    Type f32 = b.getF32Type();
    SmallVector<TensorBuilder::Operand> in{{dots, b.getMultiDimIdentityMap(4)}};
    if (Value mask = adaptor.getMask()) {
      // A size of 1 serves all.
      SmallVector<AffineExpr> at;
      for (auto [d, size] : llvm::enumerate(cast<RankedTensorType>(mask.getType()).getShape()))
        at.push_back(size == 1 ? b.getAffineConstantExpr(0) : b.dim(d));
      in.push_back({mask, b.map(4, at)});
    }
    Value queries = b.value(pairs[2]), keys = b.value(pairs[3]);
    return b.generate(pairs, f32, in, [&](TensorBuilder &b, ValueRange x) {
      Value score = b.mul(x[0], b.constant(f32, op.getScale().convertToDouble())),
            hidden = b.extreme(f32, /*greatest=*/false);
      if (!op.getSoftcap().isZero()) {
        Value cap = b.constant(f32, op.getSoftcap().convertToDouble());
        score = b.mul(cap, math::TanhOp::create(b, b.div(score, cap)));
      }
      if (x.size() > 1)
        score = isa<FloatType>(x[1].getType()) ? b.add(score, b.extend(x[1], f32)) : b.select(x[1], score, hidden);
      // With `outside`, the mask itself says what is hidden, and these only that it does.
      if (op.getOutside())
        return score;
      // Query i stands at position T - S + i.
      Value own = b.add(arith::SubIOp::create(b, keys, queries), b.loopIndex(2)), key = b.loopIndex(3);
      if (op.getCausal())
        score = b.select(b.less(own, key), hidden, score);
      if (op.getWindow())
        score = b.select(b.less(arith::SubIOp::create(b, own, b.index(op.getWindow())), key), score, hidden);
      return score;
    });
  }
};

} // namespace

void populateAttentionDefinitions(RewritePatternSet &patterns, const TypeConverter &types) {
  patterns.add<DefineAttention>(types, patterns.getContext());
}

} // namespace sinter::reference
