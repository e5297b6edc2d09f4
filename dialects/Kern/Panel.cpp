//===- Panel.cpp - packed weights and activations -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Panel.h"

#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace sinter;
using namespace sinter::kern;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

PanelLayout::PanelLayout(PanelAttr panel, qt::QuantTensorType type)
    : fields(type.getFields()), order(panel.getOrder()), sums(panel.getSums()), channels(panel.getChannels()),
      rows(type.getRows()), columns(type.getColumns()), groups(type.getGroups()) {
  scaleBytes = fields.isFloat() ? 0 : fields.scaleBytes();
  zeroOffset = channels * scaleBytes;
  sumOffset = zeroOffset + (fields.hasZeros ? channels * (fields.floatZeros ? 4 : 1) : 0);
  codeOffset = sumOffset + (sums ? channels * 4 : 0);
  groupBytes = codeOffset + codeBytes(paddedColumns(0));
  panelBytes = (groups - 1) * groupBytes + codeOffset + codeBytes(paddedColumns(groups - 1));
  panels = llvm::divideCeil(rows, channels);
}

int64_t PanelLayout::paddedColumns(int64_t group) const {
  int64_t count = std::min(fields.group, columns - group * fields.group);
  return order == PanelOrder::Floats ? count : llvm::alignTo(count, 8);
}

int64_t PanelLayout::codeBytes(int64_t columns) const {
  switch (order) {
  case PanelOrder::Nibbles:
    return columns / 2 * channels;
  case PanelOrder::Bytes:
    return columns * channels;
  case PanelOrder::Floats:
    return columns * channels * fields.valueBytes();
  }
  return 0;
}

PanelAttr sinter::kern::choosePanel(qt::QuantTensorType type, qt::ActivationAttr activation) {
  qt::Fields fields = type.getFields();
  if (fields.isFloat())
    return activation ? PanelAttr() : PanelAttr::get(type.getContext(), 64, PanelOrder::Floats, false);
  bool sums = activation && activation.getZp();
  if (activation) {
    // Sums wrap on the way, so only the result has to fit: a group's (code - zero) * (code - zero).
    int64_t codes = (int64_t(1) << fields.bits) - 1;
    int64_t weight = fields.hasZeros ? codes : std::max(fields.zero, codes - fields.zero);
    if ((sums && fields.floatZeros) || fields.group * weight * (sums ? 255 : 128) > INT32_MAX)
      return {};
  }
  return PanelAttr::get(type.getContext(), 64, fields.bits == 4 ? PanelOrder::Nibbles : PanelOrder::Bytes, sums);
}

LinearStrategyAttr sinter::kern::chooseStrategy(TargetAttr target, qt::ActivationAttr activation) {
  MLIRContext *context = target.getContext();
  if (target.has("avx512bw"))
    return LinearStrategyAttr::get(context, /*mr=*/6, /*nr=*/4, /*decode_rows=*/3, /*row_block=*/258,
                                   /*segment=*/activation ? 256 : 128);
  if (activation)
    return LinearStrategyAttr::get(context, /*mr=*/4, /*nr=*/2, /*decode_rows=*/2, /*row_block=*/256, /*segment=*/256);
  return LinearStrategyAttr::get(context, /*mr=*/6, /*nr=*/2, /*decode_rows=*/2, /*row_block=*/252, /*segment=*/64);
}

int64_t sinter::kern::packedBytes(qt::QuantTensorType type, PanelAttr panel) {
  PanelLayout layout(panel, type);
  return layout.panels * layout.panelBytes;
}

namespace {
/// Writes floats of a type, asked for it once: types answer slowly.
struct FloatWriter {
  explicit FloatWriter(FloatType type) : isFloat(type.isF32()), isHalf(type.isF16()) {}

  void operator()(float value, char *out) const {
    uint16_t bits = isFloat ? 0 : isHalf ? qt::floatToHalf(value) : qt::floatToBfloat(value);
    std::memcpy(out, isFloat ? static_cast<const void *>(&value) : &bits, isFloat ? 4 : 2);
  }

  bool isFloat, isHalf;
};
} // namespace

static float loadFloat(FloatType type, const char *bytes) {
  if (type.isF32()) {
    float value;
    std::memcpy(&value, bytes, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, bytes, 2);
  return type.isF16() ? qt::halfToFloat(bits) : qt::bfloatToFloat(bits);
}

/// The byte of column `k` of a group, and the place of its code in it.
static int64_t codeByte(const PanelLayout &layout, int64_t channel, int64_t k, unsigned &shift) {
  if (layout.order == PanelOrder::Nibbles) {
    shift = k % 8 < 4 ? 0 : 4;
    return (k / 8 * layout.channels + channel) * 4 + k % 4;
  }
  shift = 0;
  return (k / 4 * layout.channels + channel) * 4 + k % 4;
}

/// Writes the codes of one channel of a group, whose bytes are zero.
static void packCodes(const PanelLayout &layout, int64_t channel, const uint8_t *codes, int64_t count, char *out) {
  bool nibbles = layout.order == PanelOrder::Nibbles;
  int64_t step = nibbles ? 8 : 4, whole = count / step;
  for (int64_t i = 0; i < whole; ++i) {
    uint32_t low, high = 0;
    std::memcpy(&low, codes + i * step, 4);
    if (nibbles)
      std::memcpy(&high, codes + i * step + 4, 4);
    low |= high << 4;
    std::memcpy(out + (i * layout.channels + channel) * 4, &low, 4);
  }
  for (int64_t k = whole * step; k < count; ++k) {
    unsigned shift;
    int64_t byte = codeByte(layout, channel, k, shift);
    out[byte] |= static_cast<char>(codes[k] << shift);
  }
}

void sinter::kern::packPanel(const PanelLayout &layout, const qt::Rows &rows, char *out) {
  std::memset(out, 0, layout.panelBytes);
  if (layout.order == PanelOrder::Floats) {
    // By blocks of columns, which a cache holds.
    constexpr int64_t kBlock = 32;
    int64_t size = layout.fields.valueBytes();
    FloatWriter write(layout.fields.value);
    for (int64_t block = 0; block < layout.columns; block += kBlock)
      for (int64_t channel = 0; channel < rows.rows; ++channel)
        for (int64_t k = block, last = std::min(block + kBlock, layout.columns); k < last; ++k)
          write(rows.values[channel * layout.columns + k], out + (k * layout.channels + channel) * size);
    return;
  }
  FloatWriter write(layout.fields.scale);
  for (int64_t group = 0; group < layout.groups; ++group) {
    char *at = out + group * layout.groupBytes;
    int64_t begin = group * layout.fields.group, count = std::min(layout.fields.group, layout.columns - begin);
    for (int64_t channel = 0; channel < rows.rows; ++channel) {
      float zero = rows.zeros[channel * layout.groups + group];
      write(rows.scales[channel * layout.groups + group], at + channel * layout.scaleBytes);
      if (layout.fields.floatZeros)
        std::memcpy(at + layout.zeroOffset + channel * 4, &zero, 4);
      else if (layout.fields.hasZeros)
        at[layout.zeroOffset + channel] = static_cast<char>(static_cast<uint8_t>(zero));
      const uint8_t *codes = &rows.codes[channel * layout.columns + begin];
      packCodes(layout, channel, codes, count, at + layout.codeOffset);
      if (!layout.sums)
        continue;
      int32_t sum = 0;
      for (int64_t k = 0; k < count; ++k)
        sum += codes[k] - static_cast<int32_t>(zero);
      std::memcpy(at + layout.sumOffset + channel * 4, &sum, 4);
    }
  }
}

void sinter::kern::unpackPanel(const PanelLayout &layout, const char *bytes, int64_t count, qt::Rows &out) {
  out = qt::Rows();
  out.rows = count;
  out.columns = layout.columns;
  out.group = layout.fields.group ? layout.fields.group : layout.columns;
  if (layout.order == PanelOrder::Floats) {
    int64_t size = layout.fields.valueBytes();
    for (int64_t channel = 0; channel < count; ++channel)
      for (int64_t k = 0; k < layout.columns; ++k)
        out.values.push_back(loadFloat(layout.fields.value, bytes + (k * layout.channels + channel) * size));
    return;
  }
  unsigned mask = (1u << layout.fields.bits) - 1;
  for (int64_t channel = 0; channel < count; ++channel)
    for (int64_t group = 0; group < layout.groups; ++group) {
      const char *at = bytes + group * layout.groupBytes;
      out.scales.push_back(loadFloat(layout.fields.scale, at + channel * layout.scaleBytes));
      float zero = static_cast<float>(layout.fields.zero);
      if (layout.fields.floatZeros)
        std::memcpy(&zero, at + layout.zeroOffset + channel * 4, 4);
      else if (layout.fields.hasZeros)
        zero = static_cast<uint8_t>(at[layout.zeroOffset + channel]);
      out.zeros.push_back(zero);
      int64_t length = std::min(layout.fields.group, layout.columns - group * layout.fields.group);
      for (int64_t k = 0; k < length; ++k) {
        unsigned shift;
        int64_t byte = codeByte(layout, channel, k, shift);
        out.codes.push_back(static_cast<uint8_t>(static_cast<uint8_t>(at[layout.codeOffset + byte]) >> shift & mask));
      }
    }
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

ActivationLayout::ActivationLayout(qt::QuantTensorType weight, qt::ActivationAttr activation)
    : columns(llvm::alignTo(weight.getColumns(), 8)), groups(weight.getGroups()),
      granularity(activation.getGranularity()) {}

static int64_t alignTo64(int64_t bytes) { return llvm::alignTo(bytes, 64); }

int64_t ActivationLayout::scaleOffset(int64_t rows) const { return alignTo64(rows * columns); }

int64_t ActivationLayout::sumOffset(int64_t rows) const {
  switch (granularity) {
  case qt::Granularity::tensor:
    return scaleOffset(rows) + 64;
  case qt::Granularity::token:
    return scaleOffset(rows) + alignTo64(rows * 4);
  case qt::Granularity::group:
    return scaleOffset(rows) + alignTo64(rows * groups * 4);
  }
  return 0;
}

int64_t ActivationLayout::bytes(int64_t rows) const { return sumOffset(rows) + alignTo64(rows * groups * 4); }

/// rows * scale, rounded up to 64.
static Value buildAligned(OpBuilder &builder, Location loc, Value rows, int64_t scale) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); };
  Value product = arith::MulIOp::create(builder, loc, rows, constant(scale));
  if (scale % 64 == 0)
    return product;
  Value up = arith::AddIOp::create(builder, loc, product, constant(63));
  Value blocks = arith::DivUIOp::create(builder, loc, up, constant(64));
  return arith::MulIOp::create(builder, loc, blocks, constant(64));
}

Value ActivationLayout::buildScaleOffset(OpBuilder &builder, Location loc, Value rows) const {
  return buildAligned(builder, loc, rows, columns);
}

Value ActivationLayout::buildSumOffset(OpBuilder &builder, Location loc, Value rows) const {
  Value begin = buildScaleOffset(builder, loc, rows), size;
  if (granularity == qt::Granularity::tensor)
    size = arith::ConstantIndexOp::create(builder, loc, 64);
  else
    size = buildAligned(builder, loc, rows, granularity == qt::Granularity::token ? 4 : groups * 4);
  return arith::AddIOp::create(builder, loc, begin, size);
}

Value ActivationLayout::buildBytes(OpBuilder &builder, Location loc, Value rows) const {
  return arith::AddIOp::create(builder, loc, buildSumOffset(builder, loc, rows),
                               buildAligned(builder, loc, rows, groups * 4));
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

LinearScratch::LinearScratch(const PanelLayout &layout, qt::ActivationAttr activation, LinearStrategyAttr strategy,
                             int64_t weights) {
  int64_t tile = strategy.getRowBlock() * layout.channels * 4;
  splitGroups = !layout.fields.isFloat() && layout.fields.group > strategy.getSegment();
  sums = tile * weights;
  unpacked = sums + (splitGroups ? tile : 0);
  bytes = unpacked + strategy.getSegment() * layout.channels * (activation ? 1 : 4);
}
