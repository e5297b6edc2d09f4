//===- Place.cpp - tensors put into tensors -------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/Patterns.h"

using namespace mlir;

namespace sinter::reference {
namespace {

/// One update after the other: a later one meets what an earlier one left.
struct DefineScatter : OpConversionPattern<graph::ScatterOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::ScatterOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value indices = adaptor.getIndices(), updates = adaptor.getUpdates();
    auto indicesType = cast<RankedTensorType>(indices.getType());
    int64_t named = indicesType.getShape().back(), lead = indicesType.getRank() - 1;
    SmallVector<OpFoldResult> base = b.sizes(adaptor.getBase());
    SmallVector<Value> upper, lower, step;
    for (OpFoldResult size : b.sizes(updates)) {
      upper.push_back(b.value(size));
      lower.push_back(b.index(0));
      step.push_back(b.index(1));
    }
    auto body = [&](OpBuilder &inner, Location loc, ValueRange at, ValueRange so) -> scf::ValueVector {
      TensorBuilder b(loc, inner);
      SmallVector<Value> from(at.take_front(lead)), to;
      from.push_back({});
      for (int64_t d = 0; d < named; ++d) {
        from.back() = b.index(d);
        to.push_back(b.safeIndex(tensor::ExtractOp::create(b, indices, from), b.value(base[d])));
      }
      llvm::append_range(to, at.drop_front(lead));
      Value x = tensor::ExtractOp::create(b, updates, at);
      if (std::optional<StringRef> how = op.getCombine()) {
        Value old = tensor::ExtractOp::create(b, so[0], to);
        x = *how == "add"   ? b.add(old, x)
            : *how == "mul" ? b.mul(old, x)
            : *how == "max" ? b.max(old, x)
                            : b.min(old, x);
      }
      return {tensor::InsertOp::create(b, x, so[0], to)};
    };
    scf::LoopNest nest = scf::buildLoopNest(b, b.getLoc(), lower, upper, step, adaptor.getBase(), body);
    replace(rewriter, op, nest.results);
    return success();
  }
};

struct DefineAppend : OpConversionPattern<graph::AppendOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(graph::AppendOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    Value past = b.convert(adaptor.getPast(), type.getElementType()), update = adaptor.getUpdate();
    unsigned rank = type.getRank(), axis = op.getAxis();
    if (std::optional<uint64_t> half = op.getHalf()) {
      SmallVector<OpFoldResult> sizes = b.sizes(past), offsets(rank + 1, b.getIndexAttr(0)),
                                strides(rank + 1, b.getIndexAttr(1));
      sizes[0] = b.getIndexAttr(1);
      offsets[0] = b.getIndexAttr(*half);
      auto halfType =
          RankedTensorType::get(cast<RankedTensorType>(past.getType()).getShape().drop_front(), type.getElementType());
      past = tensor::ExtractSliceOp::create(b, halfType, past, offsets, sizes, strides);
    }
    SmallVector<OpFoldResult> sizes = b.sizes(past), added = b.sizes(update), strides(rank, b.getIndexAttr(1)),
                              offsets(rank, b.getIndexAttr(0)), all = sizes;
    all[axis] = b.add(b.value(sizes[axis]), b.value(added[axis]));
    Value result = tensor::EmptyOp::create(b, all, type.getElementType());
    result = tensor::InsertSliceOp::create(b, past, result, offsets, sizes, strides);
    offsets[axis] = sizes[axis];
    result = tensor::InsertSliceOp::create(b, update, result, offsets, added, strides);
    replace(rewriter, op, result);
    return success();
  }
};

} // namespace

void populatePlaceDefinitions(RewritePatternSet &patterns, const TypeConverter &types) {
  patterns.add<DefineScatter, DefineAppend>(types, patterns.getContext());
}

} // namespace sinter::reference
