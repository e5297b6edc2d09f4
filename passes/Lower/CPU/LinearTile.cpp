//===- LinearTile.cpp - the inner loops of a linear -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/LinearKernel.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

using Values = Code::Values;

//===----------------------------------------------------------------------===//
// Parameters of groups
//===----------------------------------------------------------------------===//

Value LinearKernel::weightScales(Value groupByte, Value channel) {
  Value at = code.add(groupByte, code.mul(channel, layout.scaleBytes));
  return target.loadFloats(code, layout.fields.scale, weights, at, target.lanes() * layout.scaleBytes);
}

static Value loadZeroBytes(Code &code, VectorType i32, Value weights, Value at) {
  Value stored = code.load(VectorType::get(i32.getNumElements(), code.getI8Type()), weights, at);
  return arith::ExtUIOp::create(code, i32, stored);
}

VectorTarget::Zeros LinearKernel::weightZeros(Value groupByte, Value channel) {
  if (!layout.fields.hasZeros)
    return target.constantZeros(code, layout.fields.zero, layout.fields.bits);
  Value base = code.add(groupByte, layout.zeroOffset);
  if (layout.fields.floatZeros)
    return {VectorTarget::Zeros::Float, code.load(f32, weights, code.add(base, code.mul(channel, 4)))};
  return target.integerZeros(code, loadZeroBytes(code, i32, weights, code.add(base, channel)));
}

Value LinearKernel::correction(Value group, Value groupByte, Value row, Value channel) {
  Value sum = memref::LoadOp::create(code, activationSums, ValueRange{code.add(code.mul(rows, group), row)});
  Value result;
  if (layout.fields.hasZeros && !layout.fields.floatZeros) {
    Value zeros = loadZeroBytes(code, i32, weights, code.add(code.add(groupByte, layout.zeroOffset), channel));
    Value negated = arith::SubIOp::create(code, code.zeros(i32), zeros);
    result = arith::MulIOp::create(code, negated, code.splat(i32, sum));
  } else if (layout.fields.hasZeros) {
    result = code.zeros(i32);
  } else {
    result = code.splat(i32, arith::MulIOp::create(code, sum, code.i32(-layout.fields.zero)));
  }
  if (layout.sums) {
    Value weightSums = code.load(i32, weights, code.add(code.add(groupByte, layout.sumOffset), code.mul(channel, 4)));
    result =
        arith::SubIOp::create(code, result, arith::MulIOp::create(code, weightSums, code.splat(i32, activationZero)));
  }
  return result;
}

Value LinearKernel::addScaled(Value acc, Value sum, Value group, Value groupByte, Value row, Value channel) {
  if (!activation)
    return code.fma(sum, weightScales(groupByte, channel), acc);
  Value value = arith::SIToFPOp::create(code, f32, sum);
  Value at = code.add(code.mul(rows, group), row);
  if (layout.fields.floatZeros) {
    Value rowSum =
        arith::SIToFPOp::create(code, code.getF32Type(), memref::LoadOp::create(code, activationSums, ValueRange{at}));
    Value zeros = weightZeros(groupByte, channel).value;
    value = code.fma(arith::NegFOp::create(code, zeros), code.splat(f32, rowSum), value);
  }
  if (activation.getGranularity() == qt::Granularity::group) {
    Value scale = memref::LoadOp::create(code, activationScales, ValueRange{at});
    value = arith::MulFOp::create(code, value, code.splat(f32, scale));
  }
  return code.fma(value, weightScales(groupByte, channel), acc);
}

Value LinearKernel::difference(Value words, int64_t column, VectorTarget::Zeros zeros) {
  int64_t shift = layout.order == kern::PanelOrder::Nibbles ? column % 4 * 8 + column / 4 * 4 : column * 8;
  return target.difference(code, words, shift, layout.fields.bits, zeros);
}

//===----------------------------------------------------------------------===//
// Unpacking
//===----------------------------------------------------------------------===//

void LinearKernel::unpack(const Segment &segment) {
  int64_t channels = layout.channels, lanes = target.lanes();
  if (layout.order == kern::PanelOrder::Floats) {
    int64_t size = layout.fields.valueBytes();
    code.loop(code.index(0), segment.columns, 1, [&](Value k) {
      Value from = code.add(segment.groupByte, code.mul(code.add(segment.column, k), channels * size)),
            to = code.mul(k, channels);
      for (int64_t n = 0; n < vectors(); ++n)
        code.store(
            target.loadFloats(code, layout.fields.value, weights, code.add(from, n * lanes * size), lanes * size),
            unpacked, code.add(to, n * lanes), 4 * lanes);
    });
    return;
  }
  Value first = code.add(code.add(segment.groupByte, layout.codeOffset),
                         code.mul(code.div(segment.column, stepColumns()), stepBytes()));
  Value steps = code.div(segment.columns, stepColumns());
  if (activation) {
    code.loop(code.index(0), steps, 1, [&](Value step) {
      Value from = code.add(first, code.mul(step, stepBytes())), to = code.mul(step, 2 * stepBytes());
      for (int64_t n = 0; n < vectors(); ++n) {
        auto [low, high] = target.nibbles(code, code.load(bytes, weights, code.add(from, n * lanes * 4), lanes * 4));
        code.store(low, unpacked, code.add(to, n * lanes * 4), lanes * 4);
        code.store(high, unpacked, code.add(to, stepBytes() + n * lanes * 4), lanes * 4);
      }
    });
    return;
  }
  code.loop(code.index(0), code.index(channels), lanes, [&](Value channel) {
    VectorTarget::Zeros zeros = weightZeros(segment.groupByte, channel);
    code.loop(code.index(0), steps, 1, [&](Value step) {
      Value from = code.add(code.add(first, code.mul(step, stepBytes())), code.mul(channel, 4));
      Value to = code.add(code.mul(step, stepColumns() * channels), channel);
      Value words = code.load(i32, weights, from, lanes * 4);
      for (int64_t k = 0; k < stepColumns(); ++k)
        code.store(difference(words, k, zeros), unpacked, code.add(to, k * channels), lanes * 4);
    });
  });
}

//===----------------------------------------------------------------------===//
// f32 activations
//===----------------------------------------------------------------------===//

Value LinearKernel::tileIndex(RowTile tile, int64_t row, Value channel, int64_t vector) {
  Value base = code.add(code.mul(tile.tileRow, layout.channels), channel);
  return code.add(base, row * layout.channels + vector * target.lanes());
}

void LinearKernel::accumulateFloats(const Segment &segment, RowTile tile, Value channel, bool packed) {
  int64_t lanes = target.lanes(), nr = tile.vectors, channels = layout.channels;
  bool isFloat = layout.order == kern::PanelOrder::Floats;
  Values carried;
  for (int64_t m = 0; m < tile.count; ++m)
    for (int64_t n = 0; n < nr; ++n)
      carried.push_back(isFloat || scratch.splitGroups
                            ? code.load(f32, isFloat ? accumulators : sums, tileIndex(tile, m, channel, n), lanes * 4)
                            : code.zeros(f32));
  Value firstColumn = code.add(code.mul(segment.group, layout.fields.group), segment.column);
  // One column: its weights times each row's value.
  auto addColumn = [&](Values acc, Value column, ArrayRef<Value> columnWeights) {
    for (int64_t m = 0; m < tile.count; ++m) {
      Value value = memref::LoadOp::create(code, input, ValueRange{code.add(tile.begin, m), column});
      Value broadcast = code.splat(f32, value);
      for (int64_t n = 0; n < nr; ++n)
        acc[m * nr + n] = code.fma(broadcast, columnWeights[n], acc[m * nr + n]);
    }
    return acc;
  };
  Values results;
  if (isFloat || !packed) {
    // A column is a row of vectors, in scratch or in the panel.
    bool direct = packed || (isFloat && layout.fields.value.isF32());
    int64_t size = direct ? layout.fields.valueBytes() : 4;
    // Padding columns have no activations.
    Value columns = segment.columns;
    if (!isFloat && layout.columns % 8 != 0)
      columns = code.min(columns, code.sub(code.index(layout.columns), firstColumn));
    Value base = direct ? code.add(segment.groupByte, code.mul(segment.column, channels * size)) : code.index(0);
    results = code.loop(code.index(0), columns, 1, carried, [&](Value k, ValueRange acc) {
      Values columnWeights;
      for (int64_t n = 0; n < nr; ++n) {
        if (direct) {
          Value at =
              code.add(code.add(base, code.mul(k, channels * size)), code.mul(code.add(channel, n * lanes), size));
          columnWeights.push_back(target.loadFloats(code, layout.fields.value, weights, at, lanes * size));
        } else {
          Value at = code.add(code.mul(k, channels), code.add(channel, n * lanes));
          columnWeights.push_back(code.load(f32, unpacked, at, lanes * 4));
        }
      }
      return addColumn(Values(acc), code.add(firstColumn, k), columnWeights);
    });
  } else {
    SmallVector<VectorTarget::Zeros> zeros;
    for (int64_t n = 0; n < nr; ++n)
      zeros.push_back(weightZeros(segment.groupByte, code.add(channel, n * lanes)));
    Value base = code.add(code.add(segment.groupByte, layout.codeOffset),
                          code.mul(code.div(segment.column, stepColumns()), stepBytes()));
    auto addStep = [&](Value step, Values acc, int64_t count) {
      Values loaded;
      for (int64_t n = 0; n < nr; ++n) {
        Value at = code.add(code.add(base, code.mul(step, stepBytes())), code.mul(code.add(channel, n * lanes), 4));
        loaded.push_back(code.load(i32, weights, at, lanes * 4));
      }
      Value column = code.add(firstColumn, code.mul(step, stepColumns()));
      for (int64_t k = 0; k < count; ++k) {
        Values columnWeights;
        for (int64_t n = 0; n < nr; ++n)
          columnWeights.push_back(difference(loaded[n], k, zeros[n]));
        acc = addColumn(acc, code.add(column, k), columnWeights);
      }
      return acc;
    };
    int64_t rest = layout.columns % stepColumns();
    Value columns = code.min(segment.columns, code.sub(code.index(layout.columns), firstColumn));
    Value steps = code.div(rest || layout.columns % 8 != 0 ? columns : segment.columns, stepColumns());
    results = code.loop(code.index(0), steps, 1, carried,
                        [&](Value step, ValueRange acc) { return addStep(step, Values(acc), stepColumns()); });
    if (rest)
      results = code.ifElse(
          segment.last, [&] { return addStep(steps, results, rest); }, results);
  }
  for (int64_t m = 0; m < tile.count; ++m)
    for (int64_t n = 0; n < nr; ++n) {
      if (isFloat)
        code.store(results[m * nr + n], accumulators, tileIndex(tile, m, channel, n), lanes * 4);
      else
        storeSum(results[m * nr + n], segment, tile, m, channel, n);
    }
}

void LinearKernel::storeSum(Value sum, const Segment &segment, RowTile tile, int64_t m, Value channel, int64_t n) {
  int64_t alignment = target.lanes() * 4;
  Value at = tileIndex(tile, m, channel, n);
  if (scratch.splitGroups) {
    code.store(sum, sums, at, alignment);
    return;
  }
  Value acc = code.load(f32, accumulators, at, alignment);
  acc = addScaled(acc, sum, segment.group, segment.groupByte, code.add(tile.begin, m),
                  code.add(channel, n * target.lanes()));
  code.store(acc, accumulators, at, alignment);
}

//===----------------------------------------------------------------------===//
// Integer activations
//===----------------------------------------------------------------------===//

/// The first word of a block of rows in a segment.
Value LinearKernel::wordIndex(const Segment &segment, RowTile tile) {
  Value group = code.mul(code.mul(rows, segment.group), layout.fields.group / 4);
  Value block = code.mul(tile.begin, code.div(segment.groupColumns, 4));
  return code.add(code.add(group, block), code.mul(code.div(segment.column, 4), tile.count));
}

void LinearKernel::accumulateIntegers(const Segment &segment, RowTile tile, Value channel, bool packed) {
  int64_t lanes = target.lanes(), nr = tile.vectors;
  bool nibbles = packed && layout.order == kern::PanelOrder::Nibbles;
  bool direct = packed || layout.order == kern::PanelOrder::Bytes;
  Values carried;
  for (int64_t m = 0; m < tile.count; ++m)
    for (int64_t n = 0; n < nr; ++n)
      carried.push_back(scratch.splitGroups ? code.load(i32, sums, tileIndex(tile, m, channel, n), lanes * 4)
                                            : correction(segment.group, segment.groupByte, code.add(tile.begin, m),
                                                         code.add(channel, n * lanes)));
  Value base = code.mul(channel, 4);
  if (direct)
    base = code.add(code.add(code.add(segment.groupByte, layout.codeOffset),
                             code.mul(code.div(segment.column, stepColumns()), stepBytes())),
                    base);
  Value from = direct ? weights : unpacked, word = wordIndex(segment, tile);
  int64_t words4 = nibbles ? 2 : 1; // words of four columns in a step
  auto activations = [&](Value step, int64_t half, int64_t m) {
    Value at = code.add(code.add(word, code.mul(step, words4 * tile.count)), half * tile.count + m);
    return vector::BitCastOp::create(code, bytes, code.splat(i32, memref::LoadOp::create(code, words, ValueRange{at})))
        .getResult();
  };
  Values results = code.loop(
      code.index(0), code.div(segment.columns, 4 * words4), 1, carried, [&](Value step, ValueRange carriedSums) {
        Values acc(carriedSums);
        SmallVector<Values, 2> columnWeights(words4);
        for (int64_t n = 0; n < nr; ++n) {
          Value stored =
              code.load(bytes, from, code.add(code.add(base, code.mul(step, stepBytes())), n * lanes * 4), lanes * 4);
          if (nibbles) {
            auto [low, high] = target.nibbles(code, stored);
            columnWeights[0].push_back(low);
            columnWeights[1].push_back(high);
          } else {
            columnWeights[0].push_back(stored);
          }
        }
        for (int64_t half = 0; half < words4; ++half)
          for (int64_t m = 0; m < tile.count; ++m) {
            Value values = activations(step, half, m);
            for (int64_t n = 0; n < nr; ++n)
              acc[m * nr + n] = target.dot4(code, acc[m * nr + n], columnWeights[half][n], values, layout.fields.bits);
          }
        return acc;
      });
  for (int64_t m = 0; m < tile.count; ++m)
    for (int64_t n = 0; n < nr; ++n)
      storeSum(results[m * nr + n], segment, tile, m, channel, n);
}

void LinearKernel::finishGroup(Value group, Value groupByte, Value firstRow, Value lastRow) {
  int64_t lanes = target.lanes();
  code.loop(firstRow, lastRow, 1, [&](Value row) {
    RowTile tile{row, code.sub(row, firstRow), 1, 1};
    code.loop(code.index(0), code.index(layout.channels), lanes, [&](Value channel) {
      Value at = tileIndex(tile, 0, channel, 0);
      VectorType type = activation ? i32 : f32;
      Value sum = code.load(type, sums, at, lanes * 4);
      if (activation)
        sum = arith::AddIOp::create(code, sum, correction(group, groupByte, row, channel));
      Value acc = addScaled(code.load(f32, accumulators, at, lanes * 4), sum, group, groupByte, row, channel);
      code.store(acc, accumulators, at, lanes * 4);
      code.store(code.zeros(type), sums, at, lanes * 4);
    });
  });
}
