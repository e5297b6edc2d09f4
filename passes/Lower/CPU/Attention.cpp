//===- Attention.cpp - kern.attention to loops ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/AttentionPatterns.h"

#include "passes/Lower/CPU/AttentionEmitter.h"
#include "passes/Lower/CPU/Lower.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <array>
#include <limits>

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

namespace {
constexpr int64_t kGroups = kv::kBlockTokens / kLanes; ///< vectors of scores of a row and block

/// Emits one attention. Values of the work item stand in members once they are built.
class AttentionBuilder {
public:
  AttentionBuilder(kern::AttentionOp op, OpBuilder &builder, kern::TargetAttr target)
      : op(op), e{builder, op.getLoc()}, type(op.getType()), tile(op.getTile()), at(tile), products(type, tile, target),
        padded(tile.paddedRows(tile.tokens)) {}

  LogicalResult emit();

private:
  void emitItem(Value item);
  void emitQueries();
  /// The tile over the blocks that [start, end) touches.
  void emitTile(Value part, Value start, Value end);
  /// The same, and over all blocks where the maxima do not tell that others weigh nothing.
  void emitUntilCertain(Value part, Value start, Value end);
  void emitSpan(Value span);
  void emitBlock(Value block);
  void emitProbabilities(Value firstPosition);
  /// Rows are emitted step by step side by side: each is one long chain of dependent operations.
  struct Row {
    Value row;
    SmallVector<Value> masks, biases;
  };
  void emitProbabilityRows(ArrayRef<Row> rows);
  void evaluateMask(Value token, Value queryHead, Value firstPosition, ArrayRef<Value> visible, SmallVectorImpl<Value> &masks,
                    SmallVectorImpl<Value> &biases);
  void emitMergeRows(int64_t left, int64_t right);
  void clear(int64_t state);
  void writePartial(Value span);
  void writeResult();
  Value floats(int64_t offset) { return e.view(op.getScratch(), offset, e.builder.getF32Type()); }

  kern::AttentionOp op;
  Emitter e;
  kv::CacheType type;
  kern::AttentionTile tile;
  kern::AttentionScratch at;
  Products products;
  int64_t padded;
  bool failed = false;

  Value isSplit, perHead;                                  // of the call
  Value sequence, kvHead, firstToken, tokens, rows, limit; // of the item: its new tokens and the end of what is computed
};
} // namespace

LogicalResult AttentionBuilder::emit() {
  Value tiles = e.ceilDiv(op.getTokens(), tile.tokens);
  perHead = tiles;
  if (op.getPartials()) {
    isSplit = kern::emitIsSplit(e.builder, e.loc, tile, op.getTokens(), op.getTotal());
    perHead = e.select(isSplit, e.ceilDiv(op.getTotal(), kv::kSpanTokens), tiles);
  }
  auto loop = scf::ForOp::create(e.builder, e.loc, op.getBegin(), op.getEnd(), e.index(1));
  e.builder.setInsertionPointToStart(loop.getBody());
  emitItem(loop.getInductionVar());
  if (failed)
    loop.erase();
  return failure(failed);
}

void AttentionBuilder::emitItem(Value item) {
  Value part = e.rem(item, perHead), row = e.div(item, perHead);
  sequence = e.div(row, type.getHeads());
  kvHead = e.rem(row, e.index(type.getHeads()));
  Value tileNumber = part;
  if (op.getCausal()) {
    // Later tiles see more: first and last take turns, so that any run of items is about the same work.
    Value half = e.div(part, 2);
    Value odd = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ne, e.rem(part, e.index(2)), e.index(0));
    tileNumber = e.select(odd, e.sub(e.sub(perHead, e.index(1)), half), half);
  }
  firstToken = e.mul(tileNumber, tile.tokens);
  if (isSplit)
    firstToken = e.select(isSplit, e.index(0), firstToken);
  tokens = e.min(e.index(tile.tokens), e.sub(op.getTokens(), firstToken));
  rows = e.mul(tokens, tile.group);
  Value position = e.add(op.getPast(), firstToken);
  Value end = op.getCausal() ? e.min(op.getTotal(), e.add(position, tokens)) : op.getTotal();
  Value start = e.index(0);
  if (std::optional<int64_t> window = op.getWindow())
    start = e.max(start, e.add(position, 1 - *window));

  emitQueries();
  if (!op.getOutside()) {
    emitTile(part, start, end);
  } else {
    // What is outside may count after all. Spans of a split call do not know of each other: they skip nothing.
    end = e.min(op.getTotal(), e.mul(e.ceilDiv(end, kv::kBlockTokens), kv::kBlockTokens));
    if (isSplit) {
      start = e.select(isSplit, e.index(0), start);
      end = e.select(isSplit, op.getTotal(), end);
    }
    emitUntilCertain(part, start, end);
  }
  if (!isSplit)
    return writeResult();
  auto whole = scf::IfOp::create(e.builder, e.loc, isSplit, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.builder);
  e.builder.setInsertionPointToStart(whole.elseBlock());
  writeResult();
}

void AttentionBuilder::emitTile(Value part, Value start, Value end) {
  limit = end;
  Value firstBlock = e.div(start, kv::kBlockTokens), lastBlock = e.ceilDiv(end, kv::kBlockTokens);
  clear(at.total);
  Value firstSpan = e.div(start, kv::kSpanTokens), lastSpan = e.ceilDiv(end, kv::kSpanTokens);
  if (isSplit) {
    firstSpan = e.select(isSplit, part, firstSpan);
    lastSpan = e.select(isSplit, e.add(part, 1), lastSpan);
  }
  e.loop(firstSpan, lastSpan, 1, [&](Value span) {
    constexpr int64_t blocks = kv::kSpanTokens / kv::kBlockTokens;
    clear(at.span);
    Value first = e.mul(span, blocks);
    e.loop(e.max(first, firstBlock), e.min(e.add(first, blocks), lastBlock), 1, [&](Value block) { emitBlock(block); });
    emitSpan(span);
  });
}

void AttentionBuilder::emitUntilCertain(Value part, Value start, Value end) {
  OpBuilder &builder = e.builder;
  Location loc = e.loc;
  auto constant = [&](bool value) -> Value { return arith::ConstantIntOp::create(builder, loc, value, 1); };
  // The second time, which few tiles need, is the same code: all of the context.
  auto attempts = scf::ForOp::create(builder, loc, e.index(0), e.index(2), e.index(1), ValueRange{constant(true)});
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(attempts.getBody());
  auto needed = scf::IfOp::create(builder, loc, TypeRange{builder.getI1Type()}, attempts.getRegionIterArg(0), /*withElseRegion=*/true);
  scf::YieldOp::create(builder, loc, needed.getResults());
  builder.setInsertionPointToStart(needed.elseBlock());
  scf::YieldOp::create(builder, loc, ValueRange{constant(false)});
  builder.setInsertionPointToStart(needed.thenBlock());
  Value first = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, attempts.getInductionVar(), e.index(0));
  start = e.select(first, start, e.index(0));
  end = e.select(first, end, op.getTotal());
  emitTile(part, start, end);
  // A maximum that is no number is no score either.
  Value total = floats(at.total), enough = arith::ConstantFloatOp::create(builder, loc, builder.getF32Type(), APFloat(op.getOutside()->convertToFloat() / 2));
  Value certain = e.loop(e.index(0), rows, ValueRange(constant(true)), [&](Value row, ValueRange sofar) {
                     Value maximum = memref::LoadOp::create(builder, loc, total, ValueRange{row});
                     Value above = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, maximum, enough);
                     return SmallVector<Value>{arith::AndIOp::create(builder, loc, sofar[0], above)};
                   }).front();
  Value skipped = arith::OrIOp::create(builder, loc, arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, start, e.index(0)),
                                       arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, end, op.getTotal()));
  Value again = arith::AndIOp::create(builder, loc, skipped, arith::XOrIOp::create(builder, loc, certain, constant(true)));
  scf::YieldOp::create(builder, loc, ValueRange{again});
}

void AttentionBuilder::emitSpan(Value span) {
  auto mergeIntoTotal = [&] {
    emitMergeRows(at.total, at.span);
    Value factors = floats(at.factors), total = floats(at.total), mine = floats(at.span);
    e.loop(e.index(0), rows, 1, [&](Value row) {
      Value left = e.loadSplat(factors, row), right = e.loadSplat(factors, e.add(row, padded));
      Value first = e.add(e.mul(row, tile.valueRow), 2 * padded);
      for (int64_t channel = 0; channel < tile.valueRow; channel += kLanes) {
        Value here = e.add(first, channel);
        e.store(emitCombine(e, e.load(total, here), left, e.load(mine, here), right), total, here);
      }
    });
  };
  if (!isSplit)
    return mergeIntoTotal();
  auto branch = scf::IfOp::create(e.builder, e.loc, isSplit, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.builder);
  e.builder.setInsertionPointToStart(branch.thenBlock());
  writePartial(span);
  e.builder.setInsertionPointToStart(branch.elseBlock());
  mergeIntoTotal();
}

void AttentionBuilder::emitQueries() {
  bool dot = products.isDot();
  Value queries = e.view(op.getScratch(), at.query, dot ? Type(e.builder.getBF16Type()) : Type(e.builder.getF32Type()));
  Value scale = e.splat(op.getScale().convertToFloat());
  int64_t dim = type.getKeyDim(), whole = dim / kLanes * kLanes;
  e.loop(e.index(0), tokens, 1, [&](Value token) {
    e.loop(e.index(0), e.index(tile.group), 1, [&](Value member) {
      Value row = e.mul(e.add(e.mul(token, tile.group), member), tile.keyRow);
      Value head = e.add(e.mul(kvHead, tile.group), member);
      auto store = [&](Value channel, int64_t lanes) {
        using Lane = LaneValue;
        Value mask = lanes < kLanes ? lanesBelow(e.builder, e.loc, channel, e.index(dim)) : Value();
        auto values = vectorizeBlock(e.builder, op.getQuery().front(),
                                     {Lane{Lane::Uniform, sequence}, Lane{Lane::Uniform, head},
                                      Lane{Lane::Uniform, e.add(firstToken, token)}, Lane{Lane::Contiguous, channel}},
                                     mask);
        if (mlir::failed(values)) {
          failed = true;
          return;
        }
        Value x = e.fmul(asVector(e.builder, e.loc, values->front()), scale);
        if (mask) // channels that pad a row meet padding of the keys
          x = e.select(mask, x, e.splat(0.0f));
        if (dot)
          x = arith::TruncFOp::create(e.builder, e.loc, e.vector(e.builder.getBF16Type()), x);
        e.store(x, queries, e.add(row, channel));
      };
      if (whole)
        e.loop(e.index(0), e.index(whole), kLanes, [&](Value channel) { store(channel, kLanes); });
      if (whole < dim)
        store(e.index(whole), dim - whole);
    });
  });
}

void AttentionBuilder::emitBlock(Value block) {
  auto start = [&](kv::Part part) { return type.emitBlockStart(e.builder, e.loc, part, sequence, kvHead, block); };
  Value firstPosition = e.mul(block, kv::kBlockTokens);
  products.emitScores(e, op.getCache(), start(kv::Part::Key), op.getScratch(), rows);
  emitProbabilities(firstPosition);
  emitMergeRows(at.span, at.block);
  Value valid = e.min(e.index(kv::kBlockTokens), e.sub(limit, firstPosition));
  products.emitResults(e, op.getCache(), start(kv::Part::Value), op.getScratch(), rows, valid);
}

void AttentionBuilder::emitProbabilities(Value firstPosition) {
  OpBuilder &builder = e.builder;
  Location loc = e.loc;
  VectorType words = e.vector(builder.getI32Type());
  auto bound = [&](Value position) { // relative to the block, in every lane
    return e.splat(arith::IndexCastOp::create(builder, loc, builder.getI32Type(), e.sub(position, firstPosition)));
  };
  bool hasMask = !op.getMask().empty();
  bool perHead = hasMask && !op.getMask().front().getArgument(1).use_empty();
  e.loop(e.index(0), tokens, 1, [&](Value token) {
    Value position = e.add(e.add(op.getPast(), firstToken), token);
    bool exact = !op.getOutside();
    Value end = bound(op.getCausal() && exact ? e.min(op.getTotal(), e.add(position, 1)) : op.getTotal());
    Value begin = op.getWindow() && exact ? bound(e.add(position, 1 - *op.getWindow())) : Value();
    SmallVector<Value> visible;
    for (int32_t group = 0; group < kGroups; ++group) {
      SmallVector<int32_t> lanes;
      for (int32_t lane = 0; lane < kLanes; ++lane)
        lanes.push_back(group * int32_t(kLanes) + lane);
      Value index = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(words, ArrayRef<int32_t>(lanes)));
      Value see = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, index, end);
      if (begin)
        see = arith::AndIOp::create(builder, loc, see,
                                    arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, index, begin));
      visible.push_back(see);
    }
    SmallVector<Value> masks = visible, biases;
    if (hasMask && !perHead)
      evaluateMask(token, kvHead, firstPosition, visible, masks, biases);
    int64_t together = tile.group % 2 == 0 ? 2 : 1;
    e.loop(e.index(0), e.index(tile.group), together, [&](Value member) {
      SmallVector<Row> sideBySide;
      for (int64_t i = 0; i < together; ++i) {
        if (perHead)
          evaluateMask(token, e.add(e.add(e.mul(kvHead, tile.group), member), i), firstPosition, visible, masks, biases);
        sideBySide.push_back({e.add(e.add(e.mul(token, tile.group), member), i), masks, biases});
      }
      if (!failed)
        emitProbabilityRows(sideBySide);
    });
  });
}

void AttentionBuilder::evaluateMask(Value token, Value queryHead, Value firstPosition, ArrayRef<Value> visible,
                                    SmallVectorImpl<Value> &masks, SmallVectorImpl<Value> &biases) {
  using Lane = LaneValue;
  masks.assign(visible.begin(), visible.end());
  biases.clear();
  for (int64_t group = 0; group < kGroups; ++group) {
    auto values = vectorizeBlock(e.builder, op.getMask().front(),
                                 {Lane{Lane::Uniform, sequence}, Lane{Lane::Uniform, queryHead},
                                  Lane{Lane::Uniform, e.add(firstToken, token)},
                                  Lane{Lane::Contiguous, e.add(firstPosition, group * kLanes)}},
                                 visible[group]);
    if (mlir::failed(values)) {
      failed = true;
      return;
    }
    for (LaneValue value : *values) {
      Value lanes = asVector(e.builder, e.loc, value);
      if (cast<VectorType>(lanes.getType()).getElementType().isInteger(1))
        masks[group] = arith::AndIOp::create(e.builder, e.loc, masks[group], lanes);
      else
        biases.push_back(lanes);
    }
  }
}

void AttentionBuilder::emitProbabilityRows(ArrayRef<Row> sideBySide) {
  OpBuilder &builder = e.builder;
  Location loc = e.loc;
  Value scores = floats(at.scores), block = floats(at.block);
  Value none = e.splat(-std::numeric_limits<float>::infinity());
  auto put = [&](Value lanes, Value where) {
    memref::StoreOp::create(builder, loc, vector::ExtractOp::create(builder, loc, lanes, 0), block, ValueRange{where});
  };
  SmallVector<std::array<Value, kGroups>> x(sideBySide.size());
  for (int64_t group = 0; group < kGroups; ++group)
    for (auto [i, row] : llvm::enumerate(sideBySide)) {
      Value score = e.load(scores, e.add(e.mul(row.row, kv::kBlockTokens), group * kLanes));
      if (std::optional<APFloat> cap = op.getSoftcap()) {
        Value limit = e.splat(cap->convertToFloat());
        score = e.fmul(math::TanhOp::create(builder, loc, arith::DivFOp::create(builder, loc, score, limit)), limit);
      }
      if (!row.biases.empty())
        score = e.fadd(score, row.biases[group]);
      x[i][group] = e.select(row.masks[group], score, none);
    }
  SmallVector<Value> maxima;
  for (auto &row : x)
    maxima.push_back(e.maximum(e.maximum(row[0], row[1]), e.maximum(row[2], row[3])));
  e.maxLanes(maxima);
  for (auto [maximum, row] : llvm::zip_equal(maxima, sideBySide))
    put(maximum, row.row);
  for (auto &maximum : maxima)
    maximum = e.finite(maximum);
  SmallVector<Value> terms;
  for (int64_t group = 0; group < kGroups; ++group)
    for (auto [row, maximum] : llvm::zip_equal(x, maxima))
      terms.push_back(e.fsub(row[group], maximum));
  e.exp(terms);
  for (auto [i, term] : llvm::enumerate(terms))
    x[i % x.size()][i / x.size()] = term;

  SmallVector<Value> sums;
  for (auto [row, p] : llvm::zip_equal(sideBySide, x)) {
    Value first = e.mul(row.row, kv::kBlockTokens);
    if (!products.isDot()) {
      for (int64_t group = 0; group < kGroups; ++group)
        e.store(p[group], scores, e.add(first, group * kLanes));
      sums.push_back(e.fadd(e.fadd(p[0], p[1]), e.fadd(p[2], p[3])));
      continue;
    }
    // The sum is of the rounded probabilities, so that the weights of a row add up to 1.
    FloatType bf16 = builder.getBF16Type();
    Value memory = e.view(op.getScratch(), at.scores, bf16);
    VectorType pairs = e.vector(bf16, 2 * kLanes);
    Value ones = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(pairs, builder.getFloatAttr(bf16, 1.0)));
    auto call = [&](StringRef name, Type result, ValueRange operands) {
      return LLVM::CallIntrinsicOp::create(builder, loc, result, builder.getStringAttr(name), operands).getResult(0);
    };
    Value sum = e.splat(0.0f);
    for (int64_t pair = 0; pair < kGroups / 2; ++pair) {
      Value rounded = call("llvm.x86.avx512bf16.cvtne2ps2bf16.512", pairs, {p[2 * pair + 1], p[2 * pair]});
      sum = call("llvm.x86.avx512bf16.dpbf16ps.512", e.floats(), {sum, rounded, ones});
      e.store(rounded, memory, e.add(e.mul(first, 2), pair * 2 * kLanes));
    }
    sums.push_back(sum);
  }
  e.sumLanes(sums);
  for (auto [sum, row] : llvm::zip_equal(sums, sideBySide))
    put(sum, e.add(row.row, padded));
}

void AttentionBuilder::emitMergeRows(int64_t left, int64_t right) {
  Value mine = floats(left), other = floats(right), factors = floats(at.factors);
  e.loop(e.index(0), rows, kLanes, [&](Value row) {
    Value sums = e.add(row, padded);
    Merged merged = emitMerge(e, e.load(mine, row), e.load(mine, sums), e.load(other, row), e.load(other, sums));
    e.store(merged.maximum, mine, row);
    e.store(merged.sum, mine, sums);
    e.store(merged.left, factors, row);
    e.store(merged.right, factors, sums);
  });
}

void AttentionBuilder::clear(int64_t state) {
  Value memory = floats(state);
  Value none = e.splat(-std::numeric_limits<float>::infinity()), zero = e.splat(0.0f);
  e.loop(e.index(0), rows, kLanes, [&](Value row) {
    e.store(none, memory, row);
    e.store(zero, memory, e.add(row, padded));
  });
  e.loop(e.index(0), e.mul(rows, tile.valueRow), kLanes, [&](Value i) { e.store(zero, memory, e.add(i, 2 * padded)); });
}

void AttentionBuilder::writePartial(Value span) {
  Value mine = floats(at.span), partials = op.getPartials();
  Value heads = e.add(e.mul(sequence, type.getHeads()), kvHead);
  Value base = e.mul(e.add(e.mul(heads, perHead), span), tile.partialFloats());
  int64_t length = tile.paddedRows(tile.splitTokens);
  e.loop(e.index(0), rows, kLanes, [&](Value row) {
    e.store(e.load(mine, row), partials, e.add(base, row));
    e.store(e.load(mine, e.add(row, padded)), partials, e.add(e.add(base, row), length));
  });
  e.loop(e.index(0), e.mul(rows, tile.valueRow), kLanes, [&](Value i) {
    e.store(e.load(mine, e.add(i, 2 * padded)), partials, e.add(e.add(base, i), 2 * length));
  });
}

void AttentionBuilder::writeResult() {
  Value total = floats(at.total);
  e.loop(e.index(0), tokens, 1, [&](Value token) {
    e.loop(e.index(0), e.index(tile.group), 1, [&](Value member) {
      Value row = e.add(e.mul(token, tile.group), member);
      emitFinish(e, op.getOut(), op.getSinks(), op.getZeroMaskedRows(), sequence, e.add(firstToken, token),
                 e.add(e.mul(kvHead, tile.group), member), e.loadSplat(total, row), e.loadSplat(total, e.add(row, padded)),
                 [&](int64_t group) {
                   return e.load(total, e.add(e.mul(row, tile.valueRow), 2 * padded + group * kLanes));
                 });
    });
  });
}

LogicalResult LowerAttention::matchAndRewrite(kern::AttentionOp op, PatternRewriter &rewriter) const {
  if (failed(AttentionBuilder(op, rewriter, target).emit()))
    return failure();
  rewriter.eraseOp(op);
  return success();
}

void lower::populateAttentionLowering(RewritePatternSet &patterns, kern::TargetAttr target) {
  patterns.add<LowerAppend, LowerAttentionMerge>(patterns.getContext());
  patterns.add<LowerAttention>(patterns.getContext(), target);
}
