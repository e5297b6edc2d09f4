//===- GatherRows.cpp - rows of a packed weight ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Panel.h"
#include "passes/Lower/CPU/Code.h"
#include "passes/Lower/CPU/LinearPatterns.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

namespace {

/// Emits one `kern.gather_rows`. A row's codes lie 4 bytes together in every step of a panel.
struct GatherRows {
  GatherRows(Code &code, kern::GatherRowsOp op) : code(code), op(op), layout(op.getPanel(), op.getWeightType()) {}

  void emit() {
    code.loop(op.getBegin(), op.getEnd(), 1, [&](Value item) {
      Value id = rowOf(item);
      Value panelByte = code.mul(code.div(id, layout.channels), layout.panelBytes);
      Value channel = arith::RemUIOp::create(code, id, code.index(layout.channels));
      if (layout.order == kern::PanelOrder::Floats)
        return emitFloats(item, panelByte, channel);
      Value lastGroup = code.index(layout.groups - 1);
      int64_t tail = layout.columns - (layout.groups - 1) * layout.fields.group;
      code.loop(code.index(0), code.index(layout.groups), 1, [&](Value group) {
        Value columns = code.selectEqual(group, lastGroup, tail, layout.fields.group);
        emitGroup(item, code.add(panelByte, code.mul(group, layout.groupBytes)), channel,
                  code.mul(group, layout.fields.group), columns);
      });
    });
  }

private:
  /// The id of an item, inside the table.
  Value rowOf(Value item) {
    Value id = memref::LoadOp::create(code, op.getIds(), ValueRange{item});
    id = arith::IndexCastOp::create(code, code.getIndexType(), id);
    Value isNegative = arith::CmpIOp::create(code, arith::CmpIPredicate::slt, id, code.index(0));
    id = arith::SelectOp::create(code, isNegative, arith::AddIOp::create(code, id, code.index(layout.rows)), id);
    return arith::MinSIOp::create(code, arith::MaxSIOp::create(code, id, code.index(0)), code.index(layout.rows - 1));
  }

  /// One float of `type` at byte `at`, as f32.
  Value loadFloat(FloatType type, Value at) {
    Value value = vector::ExtractOp::create(code, code.load(VectorType::get(1, type), op.getWeights(), at), int64_t(0));
    if (type.isF32())
      return value;
    if (type.isF16())
      return arith::ExtFOp::create(code, code.getF32Type(), value);
    Value bits =
        arith::ExtUIOp::create(code, code.getI32Type(), arith::BitcastOp::create(code, code.getI16Type(), value));
    return arith::BitcastOp::create(code, code.getF32Type(), arith::ShLIOp::create(code, bits, code.i32(16)));
  }

  void emitFloats(Value item, Value panelByte, Value channel) {
    int64_t size = layout.fields.valueBytes();
    Value base = code.add(panelByte, code.mul(channel, size));
    code.loop(code.index(0), code.index(layout.columns), 1, [&](Value column) {
      Value value = loadFloat(layout.fields.value, code.add(base, code.mul(column, layout.channels * size)));
      memref::StoreOp::create(code, value, op.getOutput(), ValueRange{item, column});
    });
  }

  void emitGroup(Value item, Value groupByte, Value channel, Value firstColumn, Value columns) {
    Value scale = loadFloat(layout.fields.scale, code.add(groupByte, code.mul(channel, layout.scaleBytes)));
    Value zeroByte = code.add(groupByte, layout.zeroOffset), zero;
    if (layout.fields.floatZeros) {
      zero = loadFloat(cast<FloatType>(Float32Type::get(code.getContext())), code.add(zeroByte, code.mul(channel, 4)));
    } else if (layout.fields.hasZeros) {
      Value stored = memref::LoadOp::create(code, op.getWeights(), ValueRange{code.add(zeroByte, channel)});
      zero = arith::UIToFPOp::create(code, code.getF32Type(), stored);
    } else {
      zero = arith::ConstantOp::create(code, code.getF32FloatAttr(static_cast<float>(layout.fields.zero)));
    }
    // A step is one word of the row: its columns are shifts of it.
    bool nibbles = layout.order == kern::PanelOrder::Nibbles;
    int64_t step = nibbles ? 8 : 4;
    auto i32 = VectorType::get(step, code.getI32Type()), f32 = VectorType::get(step, code.getF32Type());
    SmallVector<int32_t> shifts;
    for (int64_t k = 0; k < step; ++k)
      shifts.push_back(nibbles ? k % 4 * 8 + k / 4 * 4 : k * 8);
    Value shift = arith::ConstantOp::create(code, DenseElementsAttr::get(i32, ArrayRef<int32_t>(shifts)));
    Value mask = code.splatInt(i32, nibbles ? 15 : 255);
    Value base = code.add(code.add(groupByte, layout.codeOffset), code.mul(channel, 4));
    code.loop(code.index(0), columns, step, [&](Value column) {
      Value at = code.add(base, code.mul(code.div(column, step), layout.channels * 4));
      Value word = vector::ExtractOp::create(
          code, code.load(VectorType::get(1, code.getI32Type()), op.getWeights(), at), int64_t(0));
      Value codes = arith::AndIOp::create(code, arith::ShRUIOp::create(code, code.splat(i32, word), shift), mask);
      Value difference = arith::SubFOp::create(code, arith::SIToFPOp::create(code, f32, codes), code.splat(f32, zero));
      Value values = arith::MulFOp::create(code, difference, code.splat(f32, scale));
      Value to = code.add(firstColumn, column);
      if (layout.columns % step == 0) {
        vector::StoreOp::create(code, values, op.getOutput(), ValueRange{item, to});
        return;
      }
      Value inside = vector::CreateMaskOp::create(code, VectorType::get(step, code.getI1Type()),
                                                  ValueRange{code.sub(code.index(layout.columns), to)});
      vector::MaskedStoreOp::create(code, op.getOutput(), ValueRange{item, to}, inside, values);
    });
  }

  Code &code;
  kern::GatherRowsOp op;
  kern::PanelLayout layout;
};

struct LowerGatherRows : OpRewritePattern<kern::GatherRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(kern::GatherRowsOp op, PatternRewriter &rewriter) const override {
    Code code(op.getLoc(), rewriter);
    GatherRows(code, op).emit();
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void sinter::lower::populateGatherRowsLowering(RewritePatternSet &patterns, kern::TargetAttr) {
  patterns.add<LowerGatherRows>(patterns.getContext());
}
