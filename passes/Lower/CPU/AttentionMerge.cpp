//===- AttentionMerge.cpp - kern.attention_merge to loops -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/AttentionPatterns.h"

#include "passes/Lower/CPU/AttentionEmitter.h"

#include <limits>

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

LogicalResult LowerAttentionMerge::matchAndRewrite(kern::AttentionMergeOp op, PatternRewriter &rewriter) const {
  Emitter e{rewriter, op.getLoc()};
  kern::AttentionTile tile = op.getTile();
  int64_t padded = tile.paddedRows(tile.splitTokens), heads = op.getType().getHeads();
  Value partials = op.getPartials();
  Value spans = e.ceilDiv(op.getTotal(), kv::kSpanTokens);
  e.loop(op.getBegin(), op.getEnd(), 1, [&](Value item) {
    Value sequence = e.div(item, heads), kvHead = e.rem(item, e.index(heads));
    Value first = e.mul(item, spans);
    e.loop(e.index(0), e.mul(op.getTokens(), tile.group), 1, [&](Value row) {
      // Maximum, sum and the row itself, as vectors.
      SmallVector<Value> state = {e.splat(-std::numeric_limits<float>::infinity()), e.splat(0.0f)};
      state.append(tile.valueRow / kLanes, e.splat(0.0f));
      state = e.loop(e.index(0), spans, state, [&](Value span, ValueRange old) {
        Value at = e.mul(e.add(first, span), tile.partialFloats());
        Value maximum = e.loadSplat(partials, e.add(at, row)), sum = e.loadSplat(partials, e.add(e.add(at, padded), row));
        Merged merged = emitMerge(e, old[0], old[1], maximum, sum);
        SmallVector<Value> result = {merged.maximum, merged.sum};
        Value values = e.add(e.add(at, 2 * padded), e.mul(row, tile.valueRow));
        for (int64_t group = 0; group < tile.valueRow / kLanes; ++group)
          result.push_back(
              emitCombine(e, old[2 + group], merged.left, e.load(partials, e.add(values, group * kLanes)), merged.right));
        return result;
      });
      Value head = e.add(e.mul(kvHead, tile.group), e.rem(row, e.index(tile.group)));
      emitFinish(e, op.getOut(), op.getSinks(), op.getZeroMaskedRows(), sequence, e.div(row, tile.group), head, state[0], state[1],
                 [&](int64_t group) { return state[2 + group]; });
    });
  });
  rewriter.eraseOp(op);
  return success();
}
