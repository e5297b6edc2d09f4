//===- AttentionProducts.cpp - query x key and probability x value ----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/AttentionEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

Products::Products(kv::CacheType type, const kern::AttentionTile &tile, kern::TargetAttr target)
    : type(type), tile(tile), scratchAt(tile), pairing(type.getLayout().getPairing()) {
  dot = pairing == 2 && type.getLayout().getElementType().isBF16() && target.has("avx512bf16");
  // Enough independent accumulators to hide the latency of a multiply, few enough for the registers (32 of 16 lanes, or 16 of 8).
  // Eight rows at once: a group of eight heads loads, and converts, each element once.
  wide = target.has("avx512f");
  maxRows = wide ? 8 : 3;
}

void Products::forRowBlocks(Emitter &e, Value rows, function_ref<void(Value, int64_t)> body) const {
  // Blocks of about the same size: 9 rows are 5 + 4, not 8 + 1.
  Value blocks = e.ceilDiv(rows, maxRows);
  Value size = e.div(e.sub(e.add(rows, blocks), e.index(1)), blocks);
  auto op = scf::ForOp::create(e.builder, e.loc, e.index(0), rows, size);
  OpBuilder::InsertionGuard guard(e.builder);
  e.builder.setInsertionPointToStart(op.getBody());
  Value row = op.getInductionVar();
  SmallVector<int64_t> cases;
  for (int64_t count = 1; count < maxRows; ++count)
    cases.push_back(count);
  auto choice = scf::IndexSwitchOp::create(e.builder, e.loc, TypeRange(), e.min(size, e.sub(rows, row)), cases, cases.size());
  auto fill = [&](Region &region, int64_t count) {
    e.builder.createBlock(&region);
    body(row, count);
    scf::YieldOp::create(e.builder, e.loc);
  };
  fill(choice.getDefaultRegion(), maxRows);
  for (int64_t count : cases)
    fill(choice.getCaseRegions()[count - 1], count);
}

SmallVector<Value, 2> Products::operands(Emitter &e, Value loaded) const {
  if (dot)
    return {loaded};
  Type element = cast<VectorType>(loaded.getType()).getElementType();
  if (pairing == 1)
    return {element.isF32() ? loaded : arith::ExtFOp::create(e.builder, e.loc, e.floats(), loaded).getResult()};
  // The two bf16 of a 32-bit lane are the upper halves of two floats.
  VectorType words = e.vector(e.builder.getI32Type());
  auto splat = [&](int32_t value) { return arith::ConstantOp::create(e.builder, e.loc, DenseElementsAttr::get(words, value)); };
  Value both = vector::BitCastOp::create(e.builder, e.loc, words, loaded);
  Value low = arith::ShLIOp::create(e.builder, e.loc, both, splat(16));
  Value high = arith::AndIOp::create(e.builder, e.loc, both, splat(int32_t(0xffff0000)));
  return {arith::BitcastOp::create(e.builder, e.loc, e.floats(), low), arith::BitcastOp::create(e.builder, e.loc, e.floats(), high)};
}

Value Products::multiplyAdd(Emitter &e, Value accumulator, Value cached, Value broadcast) const {
  if (!dot)
    return e.fma(cached, broadcast, accumulator);
  return LLVM::CallIntrinsicOp::create(e.builder, e.loc, e.floats(), e.builder.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                                       ValueRange{accumulator, broadcast, cached})
      .getResult(0);
}

Value Products::broadcast(Emitter &e, Value memory, Value at, int64_t half) const {
  Value all = e.loadSplat(memory, e.add(at, half));
  return dot ? vector::BitCastOp::create(e.builder, e.loc, e.vector(e.builder.getBF16Type(), 2 * kLanes), all).getResult() : all;
}

void Products::emitPrefetch(Emitter &e, kv::Part part, Value cache, Value start, Value row, int64_t pass, int64_t passes, Value step,
                            int64_t steps) const {
  int64_t lines = llvm::divideCeil(type.getLayout().getBlockBytes(part, type.getDim(part)), 64);
  int64_t perStep = llvm::divideCeil(lines, steps * passes);
  Value first = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, row, e.index(0));
  Value base = e.add(start, e.select(first, e.index(type.getBlockBytes()), e.index(0)));
  Value at = e.add(base, e.add(e.mul(step, perStep * 64), pass * steps * perStep * 64));
  for (int64_t line = 0; line < perStep; ++line)
    memref::PrefetchOp::create(e.builder, e.loc, cache, ValueRange{e.add(at, line * 64)}, /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
}

void Products::emitScores(Emitter &e, Value cache, Value start, Value scratch, Value rows) const {
  // A pair of bf16 is one 32-bit word.
  Type word = dot ? Type(e.builder.getI32Type()) : Type(e.builder.getF32Type());
  Value query = e.view(scratch, scratchAt.query, word);
  Value scores = e.view(scratch, scratchAt.scores, e.builder.getF32Type());
  int64_t rowWords = dot ? tile.keyRow / 2 : tile.keyRow;
  int64_t perStep = dot ? 1 : pairing;
  Value steps = e.index(llvm::divideCeil(type.getKeyDim(), pairing));
  forRowBlocks(e, rows, [&](Value row, int64_t count) {
    Value queries = e.mul(row, rowWords);
    int64_t width = vectorsFor(count);
    for (int64_t first = 0; first < kv::kBlockTokens / kLanes; first += width) {
      SmallVector<Value> accumulators(count * width, e.splat(0.0f));
      accumulators = e.loop(e.index(0), steps, accumulators, [&](Value step, ValueRange old) {
        SmallVector<SmallVector<Value, 2>> keys;
        for (int64_t v = 0; v < width; ++v)
          keys.push_back(operands(e, type.getLayout().emitLoadKeys(e.builder, e.loc, type.getKeyDim(), cache, start, first + v, step)));
        emitPrefetch(e, kv::Part::Key, cache, start, row, first / width, kv::kBlockTokens / kLanes / width, step,
                     llvm::divideCeil(type.getKeyDim(), pairing));
        SmallVector<Value> sums(old);
        Value at = e.add(queries, e.mul(step, perStep));
        for (int64_t half = 0; half < perStep; ++half)
          for (int64_t r = 0; r < count; ++r) {
            Value q = broadcast(e, query, e.add(at, r * rowWords), half);
            for (int64_t v = 0; v < width; ++v)
              sums[r * width + v] = multiplyAdd(e, sums[r * width + v], keys[v][half], q);
          }
        return sums;
      });
      Value at = e.mul(row, kv::kBlockTokens);
      for (int64_t r = 0; r < count; ++r)
        for (int64_t v = 0; v < width; ++v)
          e.store(accumulators[r * width + v], scores, e.add(at, r * kv::kBlockTokens + (first + v) * kLanes));
    }
  });
}

void Products::emitResults(Emitter &e, Value cache, Value start, Value scratch, Value rows, Value tokens) const {
  Type word = dot ? Type(e.builder.getI32Type()) : Type(e.builder.getF32Type());
  Value probabilities = e.view(scratch, scratchAt.scores, word);
  Value span = e.view(scratch, scratchAt.span, e.builder.getF32Type());
  Value factors = e.view(scratch, scratchAt.factors, e.builder.getF32Type());
  int64_t padded = tile.paddedRows(tile.tokens);
  int64_t perStep = dot ? 1 : pairing;
  Value steps = e.ceilDiv(tokens, pairing);
  int64_t groups = tile.valueRow / kLanes;
  forRowBlocks(e, rows, [&](Value row, int64_t count) {
    Value weights = e.mul(row, kv::kBlockTokens);
    int64_t passes = llvm::divideCeil(groups, vectorsFor(count));
    for (int64_t pass = 0; pass < passes; ++pass) {
      int64_t first = groups * pass / passes, width = groups * (pass + 1) / passes - first;
      SmallVector<Value> sums(count * width, e.splat(0.0f));
      sums = e.loop(e.index(0), steps, sums, [&](Value step, ValueRange old) {
        SmallVector<SmallVector<Value, 2>> values;
        for (int64_t v = 0; v < width; ++v)
          values.push_back(
              operands(e, type.getLayout().emitLoadValues(e.builder, e.loc, type.getValueDim(), cache, start, first + v, step)));
        emitPrefetch(e, kv::Part::Value, cache, start, row, pass, passes, step, kv::kBlockTokens / pairing);
        SmallVector<Value> sums(old);
        Value at = e.add(weights, e.mul(step, perStep));
        for (int64_t half = 0; half < perStep; ++half)
          for (int64_t r = 0; r < count; ++r) {
            Value p = broadcast(e, probabilities, e.add(at, r * kv::kBlockTokens), half);
            for (int64_t v = 0; v < width; ++v)
              sums[r * width + v] = multiplyAdd(e, sums[r * width + v], values[v][half], p);
          }
        return sums;
      });
      for (int64_t r = 0; r < count; ++r) {
        Value left = e.loadSplat(factors, e.add(row, r)), right = e.loadSplat(factors, e.add(row, padded + r));
        Value at = e.add(e.mul(row, tile.valueRow), 2 * padded + r * tile.valueRow + first * kLanes);
        for (int64_t v = 0; v < width; ++v) {
          Value here = e.add(at, v * kLanes);
          e.store(emitCombine(e, e.load(span, here), left, sums[r * width + v], right), span, here);
        }
      }
    }
  });
}
