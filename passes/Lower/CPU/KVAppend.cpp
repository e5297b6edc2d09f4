//===- KVAppend.cpp - kern.append to loops ----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/AttentionPatterns.h"

#include "passes/Lower/CPU/AttentionEmitter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

LogicalResult LowerAppend::matchAndRewrite(kern::AppendOp op, PatternRewriter &rewriter) const {
  Emitter e{rewriter, op.getLoc()};
  kv::CacheType type = op.getType();
  int64_t dim = type.getDim(op.getPart());
  Value cache = op.getCache(), past = op.getPast();
  Value last = e.add(past, op.getTokens());
  Value firstBlock = e.div(past, kv::kBlockTokens);
  Value blocks = e.sub(e.ceilDiv(last, kv::kBlockTokens), firstBlock);
  bool failed = false;
  auto loop = scf::ForOp::create(rewriter, op.getLoc(), op.getBegin(), op.getEnd(), e.index(1));
  rewriter.setInsertionPointToStart(loop.getBody());
  Value item = loop.getInductionVar();
  Value block = e.add(firstBlock, e.rem(item, blocks)), row = e.div(item, blocks);
  Value head = e.rem(row, e.index(type.getHeads())), sequence = e.div(row, type.getHeads());
  Value start = type.emitBlockStart(rewriter, op.getLoc(), op.getPart(), sequence, head, block);
  Value firstToken = e.mul(block, kv::kBlockTokens);
  e.loop(e.max(past, firstToken), e.min(last, e.add(firstToken, kv::kBlockTokens)), 1, [&](Value position) {
    auto store = [&](Value channel, int64_t lanes) {
      using Lane = LaneValue;
      Value mask = lanes < kLanes ? lanesBelow(rewriter, op.getLoc(), channel, e.index(dim)) : Value();
      auto values = vectorizeBlock(rewriter, op.getBody().front(),
                                   {Lane{Lane::Uniform, sequence}, Lane{Lane::Uniform, head},
                                    Lane{Lane::Uniform, e.sub(position, past)}, Lane{Lane::Contiguous, channel}},
                                   mask);
      if (mlir::failed(values)) {
        failed = true;
        return;
      }
      type.getLayout().emitStore(rewriter, op.getLoc(), op.getPart(), dim, cache, start, e.sub(position, firstToken), channel, lanes,
                                 asVector(rewriter, op.getLoc(), values->front()));
    };
    int64_t whole = dim / kLanes * kLanes;
    if (whole)
      e.loop(e.index(0), e.index(whole), kLanes, [&](Value channel) { store(channel, kLanes); });
    if (whole < dim)
      store(e.index(whole), dim - whole);
  });
  if (failed) {
    rewriter.eraseOp(loop);
    return failure();
  }
  rewriter.eraseOp(op);
  return success();
}
