//===- LinearKernel.h - the loops of a linear ------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_LINEARKERNEL_H
#define SINTER_PASSES_LOWER_CPU_LINEARKERNEL_H

#include "dialects/Kern/Panel.h"
#include "passes/Lower/CPU/VectorTarget.h"

namespace sinter::lower {

/// Emits one `kern.linear`. For every item, which is a panel and a block of rows (all of them when there are few):
///
///     for each weight, for each segment of columns (a group of the weight, or a part of one)
///       unpack the segment's codes into scratch (unless rows are few, or they need no unpacking)
///       for each tile of mr rows x nr vectors: accumulate over the segment's columns, in registers
///     write the rows: epilogue and store
///
/// Accumulators stay in scratch between segments. The operations on one output are the same whatever the path.
class LinearKernel {
public:
  LinearKernel(Code &code, kern::LinearOp op, kern::TargetAttr target);

  /// Emits everything. Fails, with a diagnostic, where the epilogue cannot be vectorised.
  mlir::LogicalResult emit();

private:
  using Value = mlir::Value;

  /// Columns that are accumulated before accumulators go back to scratch.
  struct Segment {
    Value panel, group; ///< their numbers
    Value groupByte;    ///< where the group's data begin in the packed weight
    Value column;       ///< first column, counted from the group's begin
    Value groupColumns; ///< columns of the group, padded
    Value columns;      ///< columns of the segment, padded
    Value last;         ///< i1: whether it ends the row; null where no partial step is there
  };
  /// Rows [begin, begin + count) that share a block of packed activations.
  struct RowTile {
    Value begin;
    Value tileRow; ///< its place in the accumulators
    int64_t count;
    int64_t vectors; ///< how many vectors of channels are accumulated together
  };

  // LinearKernel.cpp: the loops.
  // `few` is the number of rows where there are so few that the panel is read directly, else 0.
  mlir::LogicalResult emitRows(Value panel, Value firstRow, Value lastRow, int64_t few);
  void emitSums(Value panel, Value firstRow, Value lastRow, int64_t few);
  void emitSegment(const Segment &segment, Value firstRow, Value lastRow, int64_t few);
  /// Asks, while a tile is computed, for the weights behind the segment, and at a row's end for the memory of its results.
  void prefetch(const Segment &segment, RowTile tile);
  void clearTile(Value memref, Value rows, mlir::Type element);
  void emitTiles(Value firstRow, Value lastRow, int64_t few, llvm::function_ref<void(RowTile)> body);
  mlir::LogicalResult emitEpilogue(Value panel, Value firstRow, Value lastRow);

  // LinearTile.cpp: what is inside.
  void unpack(const Segment &segment);
  void accumulateFloats(const Segment &segment, RowTile tile, Value channel, bool packed);
  void accumulateIntegers(const Segment &segment, RowTile tile, Value channel, bool packed);
  /// For a group of several segments: adds its sums to the accumulators and clears them.
  void finishGroup(Value group, Value groupByte, Value firstRow, Value lastRow);
  /// What zero points add to the integer sum of row `row`, i32.
  Value correction(Value group, Value groupByte, Value row, Value channel);
  /// acc + sum * scales.
  Value addScaled(Value acc, Value sum, Value group, Value groupByte, Value row, Value channel);
  Value weightScales(Value groupByte, Value channel);
  VectorTarget::Zeros weightZeros(Value groupByte, Value channel);
  /// code - zero point for column `column` of the eight (four) that `words` hold for each channel.
  Value difference(Value words, int64_t column, VectorTarget::Zeros zeros);
  /// Adds a segment's sums of row `m` and vector `n` to the accumulators, or keeps them until the group is whole.
  void storeSum(Value sum, const Segment &segment, RowTile tile, int64_t m, Value channel, int64_t n);
  Value wordIndex(const Segment &segment, RowTile tile);
  Value tileIndex(RowTile tile, int64_t row, Value channel, int64_t vector);
  int64_t vectors() const { return layout.channels / target.lanes(); }
  int64_t stepColumns() const { return layout.order == kern::PanelOrder::Nibbles ? 8 : 4; }
  int64_t stepBytes() const { return layout.channels * 4; }

  Code &code;
  kern::LinearOp op;
  qt::ActivationAttr activation;
  kern::LinearStrategyAttr strategy;
  kern::PanelLayout layout;
  kern::LinearScratch scratch;
  VectorTarget target;
  mlir::VectorType f32, i32, bytes;

  Value input, rows;
  llvm::SmallVector<Value> tiles;                                ///< the accumulators of each weight, in scratch
  Value weights, accumulators;                                   ///< of the weight that is being emitted
  Value sums, unpacked;                                          ///< flat views of scratch
  Value words, activationScales, activationSums, activationZero; ///< flat views of packed activations
};

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_LINEARKERNEL_H
