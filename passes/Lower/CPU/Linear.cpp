//===- Linear.cpp - kern.linear to loops over vectors ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/LinearKernel.h"
#include "passes/Lower/CPU/LinearPatterns.h"
#include "passes/Lower/CPU/VectorizeRegion.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

using Values = Code::Values;

LinearKernel::LinearKernel(Code &code, kern::LinearOp op, kern::TargetAttr targetAttr)
    : code(code), op(op), activation(op.getActivationAttr()),
      strategy(op.getStrategyAttr() ? op.getStrategyAttr() : kern::chooseStrategy(targetAttr, activation)),
      layout(op.getPanel(), op.getWeightType()),
      scratch(layout, activation, strategy, op.getWeights().size()), target(targetAttr) {
  int64_t lanes = target.lanes();
  f32 = VectorType::get(lanes, code.getF32Type());
  i32 = VectorType::get(lanes, code.getI32Type());
  bytes = VectorType::get(lanes * 4, code.getI8Type());
  input = op.getInput();
  rows = op.getRows();
  int64_t tile = strategy.getRowBlock() * layout.channels, segment = strategy.getSegment() * layout.channels;
  for (int64_t i = 0, count = op.getWeights().size(); i < count; ++i)
    tiles.push_back(code.view(op.getScratch(), code.index(i * tile * 4), code.getF32Type(), tile));
  if (scratch.splitGroups)
    sums = code.view(op.getScratch(), code.index(scratch.sums),
                     activation ? Type(code.getI32Type()) : Type(code.getF32Type()), tile);
  unpacked = code.view(op.getScratch(), code.index(scratch.unpacked),
                       activation ? Type(code.getI8Type()) : Type(code.getF32Type()), segment);
  if (!activation)
    return;
  kern::ActivationLayout packed(op.getWeightType(), activation);
  Value scales = packed.buildScaleOffset(code, code.getLoc(), rows);
  words = code.view(input, code.index(0), code.getI32Type(), -1);
  activationScales = code.view(input, scales, code.getF32Type(), -1);
  activationSums = code.view(input, packed.buildSumOffset(code, code.getLoc(), rows), code.getI32Type(), -1);
  if (activation.getZp()) {
    Value zero = code.view(input, code.add(scales, 4), code.getI32Type(), -1);
    activationZero = memref::LoadOp::create(code, zero, ValueRange{code.index(0)});
  }
}

LogicalResult LinearKernel::emit() {
  LogicalResult result = success();
  Value isFew = arith::CmpIOp::create(code, arith::CmpIPredicate::sle, rows, code.index(strategy.getDecodeRows()));
  auto choice = scf::IfOp::create(code, isFew, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(code);
  code.setInsertionPointToStart(choice.elseBlock());
  // Blocks of rows of about the same size, whole tiles but for the last.
  int64_t mr = strategy.getMr();
  Value blocks = code.div(code.add(rows, strategy.getRowBlock() - 1), strategy.getRowBlock());
  Value evenly = arith::CeilDivUIOp::create(code, rows, blocks);
  Value block = code.mul(code.div(code.add(evenly, mr - 1), mr), mr);
  code.loop(op.getBegin(), op.getEnd(), 1, [&](Value item) {
    Value first = code.mul(arith::RemUIOp::create(code, item, blocks), block);
    Value last = code.min(code.add(first, block), rows);
    if (failed(emitRows(arith::DivUIOp::create(code, item, blocks), first, last, 0)))
      result = failure();
  });
  // Few rows: a loop over panels for each number of them, with that number a constant.
  code.setInsertionPointToStart(choice.thenBlock());
  code.switchOf(rows, 1, strategy.getDecodeRows() + 1, [&](int64_t count) {
    rows = code.index(count);
    code.loop(op.getBegin(), op.getEnd(), 1, [&](Value panel) {
      if (failed(emitRows(panel, code.index(0), rows, count)))
        result = failure();
    });
  });
  rows = op.getRows();
  return result;
}

void LinearKernel::clearTile(Value memref, Value rowCount, Type element) {
  auto type = VectorType::get(target.lanes(), element);
  code.loop(code.index(0), code.mul(rowCount, layout.channels), layout.channels, [&](Value at) {
    for (int64_t n = 0; n < vectors(); ++n)
      code.store(code.zeros(type), memref, code.add(at, n * target.lanes()), 4 * target.lanes());
  });
}

LogicalResult LinearKernel::emitRows(Value panel, Value firstRow, Value lastRow, int64_t few) {
  for (auto [weight, tile] : llvm::zip_equal(op.getWeights(), tiles)) {
    weights = weight;
    accumulators = tile;
    emitSums(panel, firstRow, lastRow, few);
  }
  return emitEpilogue(panel, firstRow, lastRow);
}

void LinearKernel::emitSums(Value panel, Value firstRow, Value lastRow, int64_t few) {
  Value rowCount = code.sub(lastRow, firstRow);
  clearTile(accumulators, rowCount, code.getF32Type());
  if (scratch.splitGroups)
    clearTile(sums, rowCount, activation ? Type(code.getI32Type()) : Type(code.getF32Type()));
  Value panelByte = code.mul(panel, layout.panelBytes);
  Value lastGroup = code.index(layout.groups - 1);
  code.loop(code.index(0), code.index(layout.groups), 1, [&](Value group) {
    Segment segment;
    segment.panel = panel;
    segment.group = group;
    segment.groupByte = code.add(panelByte, code.mul(group, layout.groupBytes));
    segment.groupColumns =
        code.selectEqual(group, lastGroup, layout.paddedColumns(layout.groups - 1), layout.paddedColumns(0));
    code.loop(code.index(0), segment.groupColumns, strategy.getSegment(), [&](Value column) {
      segment.column = column;
      segment.columns = code.min(code.index(strategy.getSegment()), code.sub(segment.groupColumns, column));
      if (!activation && layout.columns % stepColumns() != 0) {
        Value end = code.add(code.add(code.mul(group, layout.fields.group), column), segment.columns);
        segment.last = arith::CmpIOp::create(code, arith::CmpIPredicate::sge, end, code.index(layout.columns));
      }
      emitSegment(segment, firstRow, lastRow, few);
    });
    if (scratch.splitGroups)
      finishGroup(group, segment.groupByte, firstRow, lastRow);
  });
}

void LinearKernel::emitTiles(Value firstRow, Value lastRow, int64_t few, function_ref<void(RowTile)> body) {
  int64_t mr = strategy.getMr(), nr = strategy.getNr();
  if (few) {
    // As many channels side by side as there are registers for, so that memory is read in order.
    int64_t wide = target.lanes() == 8 && activation ? std::max(nr, 8 / int64_t(llvm::PowerOf2Ceil(few))) : nr;
    return body({firstRow, code.index(0), few, std::min(wide, vectors())});
  }
  Value rowCount = code.sub(lastRow, firstRow);
  Value whole = code.mul(code.div(rowCount, mr), mr);
  code.loop(code.index(0), whole, mr, [&](Value row) { body({code.add(firstRow, row), row, mr, nr}); });
  code.switchOf(code.sub(rowCount, whole), 1, mr, [&](int64_t count) {
    body({code.add(firstRow, whole), whole, count, nr});
  });
}

void LinearKernel::emitSegment(const Segment &segment, Value firstRow, Value lastRow, int64_t few) {
  bool ready = activation ? layout.order == kern::PanelOrder::Bytes
                          : layout.order == kern::PanelOrder::Floats && layout.fields.value.isF32();
  if (!few && !ready)
    unpack(segment);
  emitTiles(firstRow, lastRow, few, [&](RowTile tile) {
    if (!few)
      prefetch(segment, tile);
    code.loop(code.index(0), code.index(layout.channels), tile.vectors * target.lanes(), [&](Value channel) {
      if (activation)
        accumulateIntegers(segment, tile, channel, few != 0);
      else
        accumulateFloats(segment, tile, channel, few != 0);
    });
  });
}

void LinearKernel::prefetch(const Segment &segment, RowTile tile) {
  auto touch = [&](Value memref, ValueRange at, bool isWrite) {
    memref::PrefetchOp::create(code, memref, at, isWrite, /*localityHint=*/3, /*isDataCache=*/true);
  };
  // What is read next stands behind the segment. All of it is asked for by the first tiles of a block.
  constexpr int64_t kLine = 64, kTiles = 32;
  int64_t width = std::min(strategy.getSegment(), layout.paddedColumns(0));
  int64_t lines = llvm::divideCeil(layout.codeBytes(width) + (scratch.splitGroups ? 0 : layout.codeOffset), kLine);
  int64_t perTile = llvm::divideCeil(lines, kTiles);
  int64_t step = layout.order == kern::PanelOrder::Nibbles ? 8 : 1;
  Value read = code.mul(code.div(code.add(segment.column, segment.columns), step), layout.codeBytes(step));
  Value next = code.add(code.add(segment.groupByte, layout.codeOffset), read);
  Value line = code.min(code.mul(code.div(tile.tileRow, strategy.getMr()), perTile), code.index(lines - perTile));
  for (int64_t i = 0; i < perTile; ++i)
    touch(weights, code.add(next, code.mul(code.add(line, i), kLine)), /*isWrite=*/false);
  // The rows that the epilogue will write are far apart.
  Value isLast = arith::CmpIOp::create(code, arith::CmpIPredicate::eq, segment.group, code.index(layout.groups - 1));
  Value isEnd = arith::CmpIOp::create(code, arith::CmpIPredicate::eq, code.add(segment.column, segment.columns),
                                      segment.groupColumns);
  code.ifThen(arith::AndIOp::create(code, isLast, isEnd), [&] {
    for (Value out : op.getOuts()) {
      int64_t perLine = kLine * 8 / cast<MemRefType>(out.getType()).getElementTypeBitWidth();
      for (int64_t m = 0; m < tile.count; ++m)
        for (int64_t channel = 0; channel < layout.channels; channel += perLine)
          touch(out, {code.add(tile.begin, m), code.add(code.mul(segment.panel, layout.channels), channel)}, /*isWrite=*/true);
    }
  });
}

LogicalResult LinearKernel::emitEpilogue(Value panel, Value firstRow, Value lastRow) {
  LogicalResult result = success();
  auto wide = VectorType::get(kLanes, code.getF32Type());
  Value firstColumn = code.mul(panel, layout.channels);
  bool ragged = layout.rows % layout.channels != 0;
  Block &body = op.getEpilogue().front();
  Operation *yield = body.getTerminator();
  bool isIdentity = tiles.size() == 1 && body.getOperations().size() == 1 &&
                    llvm::all_of(yield->getOperands(), [&](Value v) { return v == body.getArgument(0); });
  Value tensorScale;
  if (activation && activation.getGranularity() == qt::Granularity::tensor)
    tensorScale = memref::LoadOp::create(code, activationScales, ValueRange{code.index(0)});
  code.loop(firstRow, lastRow, 1, [&](Value row) {
    Value scale = tensorScale;
    if (activation && activation.getGranularity() == qt::Granularity::token)
      scale = memref::LoadOp::create(code, activationScales, ValueRange{row});
    Value from = code.mul(code.sub(row, firstRow), layout.channels);
    code.loop(code.index(0), code.index(layout.channels), kLanes, [&](Value channel) {
      Value column = code.add(firstColumn, channel);
      SmallVector<LaneValue> args;
      for (Value tile : tiles) {
        Value acc = code.load(wide, tile, code.add(from, channel), 4 * kLanes);
        if (scale)
          acc = arith::MulFOp::create(code, acc, code.splat(wide, scale));
        args.push_back({LaneValue::Varying, acc});
      }
      args.append({{LaneValue::Uniform, row}, {LaneValue::Contiguous, column}});
      Value mask;
      if (ragged)
        mask = vector::CreateMaskOp::create(code, VectorType::get(kLanes, code.getI1Type()),
                                            ValueRange{code.sub(code.index(layout.rows), column)});
      Values results(op.getOuts().size(), args.front().value);
      if (!isIdentity) {
        FailureOr<SmallVector<LaneValue>> lanes = vectorizeBlock(code, body, args, mask);
        if (failed(lanes)) {
          result = failure();
          return;
        }
        for (auto [value, lane] : llvm::zip(results, *lanes))
          value = asVector(code, code.getLoc(), lane);
      }
      for (auto [value, out] : llvm::zip(results, op.getOuts())) {
        if (mask)
          vector::MaskedStoreOp::create(code, out, ValueRange{row, column}, mask, value);
        else
          vector::StoreOp::create(code, value, out, ValueRange{row, column});
      }
    });
  });
  return result;
}

namespace {
struct LowerLinear : OpRewritePattern<kern::LinearOp> {
  LowerLinear(MLIRContext *context, kern::TargetAttr target) : OpRewritePattern(context), target(target) {}

  LogicalResult matchAndRewrite(kern::LinearOp op, PatternRewriter &rewriter) const override {
    Code code(op.getLoc(), rewriter);
    if (failed(LinearKernel(code, op, target).emit()))
      return op.emitOpError("has an epilogue that cannot be vectorized");
    rewriter.eraseOp(op);
    return success();
  }

  kern::TargetAttr target;
};
} // namespace

void sinter::lower::populateLinearLowering(RewritePatternSet &patterns, kern::TargetAttr target) {
  patterns.add<LowerLinear>(patterns.getContext(), target);
  populateQuantizeRowsLowering(patterns, target);
  populateGatherRowsLowering(patterns, target);
}
