//===- Panel.h - packed weights and activations ----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KERN_PANEL_H
#define SINTER_DIALECTS_KERN_PANEL_H

#include "dialects/Kern/Kern.h"

namespace sinter::kern {

/// Where things are in a packed weight: see `#kern.panel`. Offsets and sizes in bytes.
struct PanelLayout {
  PanelLayout(PanelAttr panel, qt::QuantTensorType type);

  qt::Fields fields; ///< the group is resolved: at most the number of columns
  PanelOrder order;
  bool sums;
  int64_t channels, rows, columns;
  int64_t groups;     ///< 1 for floats
  int64_t scaleBytes; ///< of one scale
  int64_t zeroOffset; ///< in a group; scales are at 0
  int64_t sumOffset;
  int64_t codeOffset;
  int64_t groupBytes; ///< of every group but the last
  int64_t panelBytes;
  int64_t panels;

  /// Columns of group `group`, rounded up to 8.
  int64_t paddedColumns(int64_t group) const;
  /// Bytes of `columns` columns of codes, a multiple of 8 (1 for floats).
  int64_t codeBytes(int64_t columns) const;
};

/// The panel for a weight that meets `activation` (null: f32), the same for every target. Null where the pair has no
/// integer kernel (float zero points with an activation zero point, sums that do not fit 32 bits): such a weight takes
/// f32 activations.
PanelAttr choosePanel(qt::QuantTensorType type, qt::ActivationAttr activation);

/// The loops' tiling for a target.
LinearStrategyAttr chooseStrategy(TargetAttr target, qt::ActivationAttr activation);

/// Bytes of the whole packed weight.
int64_t packedBytes(qt::QuantTensorType type, PanelAttr panel);

/// Writes one panel, `layout.panelBytes` bytes. `rows` has as many rows as are left, at most `channels`. Thread-safe.
void packPanel(const PanelLayout &layout, const qt::Rows &rows, char *out);

/// The first `count` rows of a panel.
void unpackPanel(const PanelLayout &layout, const char *bytes, int64_t count, qt::Rows &out);

/// Packed activations: i8 [group][block of mr rows][k/4][rows of the block][4], f32 scales, i32 sums [group][row].
/// `rows` is a run-time value; a tensor's zero point, less 128 where the activations are unsigned, is an i32 behind its
/// scale.
struct ActivationLayout {
  ActivationLayout(qt::QuantTensorType weight, qt::ActivationAttr activation);

  int64_t columns; ///< rounded up to 8
  int64_t groups;
  qt::Granularity granularity;

  int64_t scaleOffset(int64_t rows) const;
  int64_t sumOffset(int64_t rows) const;
  int64_t bytes(int64_t rows) const;
  mlir::Value buildScaleOffset(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value rows) const;
  mlir::Value buildSumOffset(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value rows) const;
  mlir::Value buildBytes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value rows) const;
};

/// Bytes of the packed activations of `rows` rows.
inline int64_t activationBytes(int64_t rows, qt::QuantTensorType weight, qt::ActivationAttr activation) {
  return ActivationLayout(weight, activation).bytes(rows);
}

/// Rows that one item of `kern.row_range` looks at.
constexpr int64_t kRangeRows = 16;

/// Where a linear's scratch has what. Bytes from its start.
struct LinearScratch {
  LinearScratch(const PanelLayout &layout, qt::ActivationAttr activation, LinearStrategyAttr strategy,
                int64_t weights);
  int64_t sums;     ///< i32 or f32 [row_block][channels]; only where a group has several segments
  int64_t unpacked; ///< u8 [segment/4][channels][4], or f32 [segment][channels]
  int64_t bytes;    ///< f32 accumulators [weights][row_block][channels] are at 0
  bool splitGroups; ///< a group has several segments
};

} // namespace sinter::kern

#endif // SINTER_DIALECTS_KERN_PANEL_H
