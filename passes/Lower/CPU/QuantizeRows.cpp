//===- QuantizeRows.cpp - activations as integers -------------------------===//
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

using Values = Code::Values;

namespace {

/// Walks rows of f32 by vectors that never cross the end of a group.
struct RowWalk {
  RowWalk(Code &code, Value input, int64_t columns, int64_t group)
      : code(code), input(input), columns(columns), width(group % 16 == 0 && columns % 16 == 0 ? 16 : 8) {
    f32 = VectorType::get(width, code.getF32Type());
    i32 = VectorType::get(width, code.getI32Type());
  }

  /// `body(x, column, mask, carried)` for vectors of columns [begin, end) of a row; the mask is null where all lanes
  /// are on, and x is 0 where it is off.
  Values overColumns(Value row, Value begin, Value end, ValueRange carried,
                     function_ref<Values(Value, Value, Value, ValueRange)> body) {
    return code.loop(begin, end, width, carried, [&](Value column, ValueRange values) {
      Value mask;
      if (columns % width == 0)
        return body(vector::LoadOp::create(code, f32, input, ValueRange{row, column}), column, mask, values);
      mask = vector::CreateMaskOp::create(code, VectorType::get(width, code.getI1Type()),
                                          ValueRange{code.sub(code.index(columns), column)});
      Value x = vector::MaskedLoadOp::create(code, f32, input, ValueRange{row, column}, mask, code.zeros(f32));
      return body(x, column, mask, values);
    });
  }

  Value splat(double value) {
    return arith::ConstantOp::create(code, DenseElementsAttr::get(f32, static_cast<float>(value)));
  }

  Code &code;
  Value input;
  int64_t columns, width;
  VectorType f32, i32;
};

/// Emits one `kern.quantize_rows`.
struct QuantizeRows {
  QuantizeRows(Code &code, kern::QuantizeRowsOp op, int64_t mr)
      : code(code), op(op), activation(op.getActivation()), type(op.getWeightType()), group(type.getFields().group),
        groups(type.getGroups()), mr(mr), walk(code, op.getInput(), type.getColumns(), groups == 1 ? 16 : group),
        rows(op.getRows()) {
    kern::ActivationLayout layout(type, activation);
    Value scaleOffset = layout.buildScaleOffset(code, code.getLoc(), rows);
    words = code.view(op.getOutput(), code.index(0), code.getI32Type(), -1);
    scales = code.view(op.getOutput(), scaleOffset, code.getF32Type(), -1);
    zero = code.view(op.getOutput(), code.add(scaleOffset, 4), code.getI32Type(), -1);
    sums = code.view(op.getOutput(), layout.buildSumOffset(code, code.getLoc(), rows), code.getI32Type(), -1);
  }

  void emit() {
    Parameters tensor;
    if (activation.getGranularity() == qt::Granularity::tensor)
      tensor = tensorParameters();
    code.loop(op.getBegin(), op.getEnd(), 1, [&](Value block) {
      if (activation.getGranularity() == qt::Granularity::tensor)
        storeTensorParameters(block, tensor);
      Value firstRow = code.mul(block, mr);
      Value count = code.min(code.index(mr), code.sub(rows, firstRow));
      code.loop(code.index(0), count, 1, [&](Value m) { emitRow(firstRow, count, m, tensor); });
    });
  }

private:
  /// code = clamp(round(x * inverse) + zero), or of x / scale where the scale is not ours to choose.
  struct Parameters {
    Value scale, inverse, zero; ///< f32; inverse and zero may be null
  };

  Value constant(double value) {
    return arith::ConstantOp::create(code, code.getF32FloatAttr(static_cast<float>(value)));
  }

  /// Parameters without a zero point from the largest magnitude.
  Parameters symmetric(Value largest) {
    Value nothing = constant(0), isZero = arith::CmpFOp::create(code, arith::CmpFPredicate::OEQ, largest, nothing);
    Value inverse = arith::DivFOp::create(code, constant(127), largest);
    return {arith::DivFOp::create(code, largest, constant(127)),
            arith::SelectOp::create(code, isZero, nothing, inverse),
            {}};
  }

  Parameters tensorParameters() {
    Value zeroIndex = code.index(0);
    if (activation.getScale() == qt::ScaleSource::Static) {
      Parameters result;
      result.scale = memref::LoadOp::create(code, op.getParams()[0], ValueRange{zeroIndex});
      if (activation.getZp()) {
        Value stored = memref::LoadOp::create(code, op.getParams()[1], ValueRange{zeroIndex});
        bool isUnsigned = activation.getType().isUnsigned();
        if (!stored.getType().isSignlessInteger())
          stored = UnrealizedConversionCastOp::create(code, code.getI8Type(), stored).getResult(0);
        Value wide = isUnsigned ? arith::ExtUIOp::create(code, code.getI32Type(), stored).getResult()
                                : arith::ExtSIOp::create(code, code.getI32Type(), stored).getResult();
        result.zero = arith::SIToFPOp::create(
            code, code.getF32Type(), isUnsigned ? arith::SubIOp::create(code, wide, code.i32(128)).getResult() : wide);
      }
      return result;
    }
    Value blocks = code.div(code.add(rows, kern::kRangeRows - 1), kern::kRangeRows), extremes = op.getParams()[0];
    Values range = code.loop(zeroIndex, blocks, 1, {constant(0), constant(0)}, [&](Value block, ValueRange carried) {
      Value low = memref::LoadOp::create(code, extremes, ValueRange{block, zeroIndex});
      Value high = memref::LoadOp::create(code, extremes, ValueRange{block, code.index(1)});
      return Values{arith::MinNumFOp::create(code, carried[0], low), arith::MaxNumFOp::create(code, carried[1], high)};
    });
    Value low = range[0], high = range[1];
    if (!activation.getZp())
      return symmetric(arith::MaxNumFOp::create(code, arith::NegFOp::create(code, low), high));
    // As DynamicQuantizeLinear says; a range of nothing has scale 1.
    Value width = arith::SubFOp::create(code, high, low);
    Value isEmpty = arith::CmpFOp::create(code, arith::CmpFPredicate::OEQ, width, constant(0));
    Value scale =
        arith::SelectOp::create(code, isEmpty, constant(1), arith::DivFOp::create(code, width, constant(255)));
    Value point = math::RoundEvenOp::create(code, arith::DivFOp::create(code, arith::NegFOp::create(code, low), scale));
    point = arith::MinNumFOp::create(code, arith::MaxNumFOp::create(code, point, constant(0)), constant(255));
    return {scale, {}, arith::SubFOp::create(code, point, constant(128))};
  }

  void storeTensorParameters(Value block, const Parameters &tensor) {
    Value isFirst = arith::CmpIOp::create(code, arith::CmpIPredicate::eq, block, code.index(0));
    code.ifThen(isFirst, [&] {
      memref::StoreOp::create(code, tensor.scale, scales, ValueRange{code.index(0)});
      if (tensor.zero)
        memref::StoreOp::create(code, arith::FPToSIOp::create(code, code.getI32Type(), tensor.zero), zero,
                                ValueRange{code.index(0)});
    });
  }

  /// Magnitudes are compared as integers, which order as the floats do; a NaN is the largest and reaches the result.
  Value largestMagnitude(Value row, Value begin, Value end) {
    Value magnitude = code.splatInt(walk.i32, 0x7fffffff);
    Values result =
        walk.overColumns(row, begin, end, {code.zeros(walk.i32)}, [&](Value x, Value, Value, ValueRange carried) {
          Value bits = arith::AndIOp::create(code, vector::BitCastOp::create(code, walk.i32, x), magnitude);
          return Values{arith::MaxSIOp::create(code, carried[0], bits)};
        });
    Value bits = vector::ReductionOp::create(code, vector::CombiningKind::MAXSI, result[0]);
    return arith::BitcastOp::create(code, code.getF32Type(), bits);
  }

  void emitRow(Value firstRow, Value count, Value m, Parameters parameters) {
    Value row = code.add(firstRow, m), columns = code.index(type.getColumns()), lastGroup = code.index(groups - 1);
    if (activation.getGranularity() == qt::Granularity::token) {
      parameters = symmetric(largestMagnitude(row, code.index(0), columns));
      memref::StoreOp::create(code, parameters.scale, scales, ValueRange{row});
    }
    int64_t tail = type.getColumns() - (groups - 1) * group;
    code.loop(code.index(0), code.index(groups), 1, [&](Value number) {
      Value begin = code.mul(number, group), end = code.add(begin, code.selectEqual(number, lastGroup, tail, group));
      Value groupRow = code.add(code.mul(rows, number), row);
      if (activation.getGranularity() == qt::Granularity::group) {
        parameters = symmetric(largestMagnitude(row, begin, end));
        memref::StoreOp::create(code, parameters.scale, scales, ValueRange{groupRow});
      }
      Value groupWords = code.selectEqual(number, lastGroup, llvm::alignTo(tail, 8) / 4, group / 4);
      Value base = code.add(code.add(code.mul(code.mul(rows, number), group / 4), code.mul(firstRow, groupWords)), m);
      Values sum = walk.overColumns(
          row, begin, end, {code.zeros(walk.i32)}, [&](Value x, Value column, Value mask, ValueRange carried) {
            Value codes = quantize(x, parameters, mask);
            storeWords(codes, code.add(base, code.mul(code.div(code.sub(column, begin), 4), count)), count);
            return Values{arith::AddIOp::create(code, carried[0], codes)};
          });
      memref::StoreOp::create(code, vector::ReductionOp::create(code, vector::CombiningKind::ADD, sum[0]), sums,
                              ValueRange{groupRow});
    });
  }

  Value quantize(Value x, const Parameters &parameters, Value mask) {
    Value scaled = parameters.inverse
                       ? arith::MulFOp::create(code, x, code.splat(walk.f32, parameters.inverse)).getResult()
                       : arith::DivFOp::create(code, x, code.splat(walk.f32, parameters.scale)).getResult();
    Value rounded = math::RoundEvenOp::create(code, scaled);
    if (parameters.zero)
      rounded = arith::AddFOp::create(code, rounded, code.splat(walk.f32, parameters.zero));
    Value low = walk.splat(parameters.inverse ? -127 : -128);
    // Comparisons that are false for NaN make it the low end.
    auto choose = [&](arith::CmpFPredicate predicate, Value bound) {
      rounded = arith::SelectOp::create(code, arith::CmpFOp::create(code, predicate, rounded, bound), rounded, bound);
    };
    choose(arith::CmpFPredicate::OGT, low);
    choose(arith::CmpFPredicate::OLT, walk.splat(127));
    Value codes = arith::FPToSIOp::create(code, walk.i32, rounded);
    // Where no column is, the zero point must not count.
    return mask && parameters.zero ? arith::SelectOp::create(code, mask, codes, code.zeros(walk.i32)).getResult()
                                   : codes;
  }

  void storeWords(Value codes, Value at, Value stride) {
    auto bytes = VectorType::get(walk.width, code.getI8Type());
    int64_t count = walk.width / 4;
    Value packed = arith::TruncIOp::create(code, bytes, codes);
    packed = vector::BitCastOp::create(code, VectorType::get(count, code.getI32Type()), packed);
    for (int64_t i = 0; i < count; ++i) {
      Value word = vector::ExtractOp::create(code, packed, i);
      memref::StoreOp::create(code, word, words, ValueRange{i ? code.add(at, code.mul(stride, i)) : at});
    }
  }

  Code &code;
  kern::QuantizeRowsOp op;
  qt::ActivationAttr activation;
  qt::QuantTensorType type;
  int64_t group, groups, mr;
  RowWalk walk;
  Value rows, words, scales, zero, sums;
};

struct LowerQuantizeRows : OpRewritePattern<kern::QuantizeRowsOp> {
  LowerQuantizeRows(MLIRContext *context, kern::TargetAttr target) : OpRewritePattern(context), target(target) {}

  LogicalResult matchAndRewrite(kern::QuantizeRowsOp op, PatternRewriter &rewriter) const override {
    Code code(op.getLoc(), rewriter);
    kern::LinearStrategyAttr strategy =
        op.getStrategyAttr() ? op.getStrategyAttr() : kern::chooseStrategy(target, op.getActivation());
    QuantizeRows(code, op, strategy.getMr()).emit();
    rewriter.eraseOp(op);
    return success();
  }

  kern::TargetAttr target;
};

struct LowerRowRange : OpRewritePattern<kern::RowRangeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(kern::RowRangeOp op, PatternRewriter &rewriter) const override {
    Code code(op.getLoc(), rewriter);
    int64_t columns = cast<MemRefType>(op.getInput().getType()).getDimSize(1);
    RowWalk walk(code, op.getInput(), columns, 16);
    code.loop(op.getBegin(), op.getEnd(), 1, [&](Value item) {
      Value first = code.mul(item, kern::kRangeRows), last = code.min(code.add(first, kern::kRangeRows), op.getRows());
      Values range =
          code.loop(first, last, 1, {code.zeros(walk.f32), code.zeros(walk.f32)}, [&](Value row, ValueRange carried) {
            return walk.overColumns(row, code.index(0), code.index(columns), carried,
                                    [&](Value x, Value, Value, ValueRange extremes) {
                                      return Values{arith::MinNumFOp::create(code, extremes[0], x),
                                                    arith::MaxNumFOp::create(code, extremes[1], x)};
                                    });
          });
      Value low = vector::ReductionOp::create(code, vector::CombiningKind::MINNUMF, range[0]);
      Value high = vector::ReductionOp::create(code, vector::CombiningKind::MAXNUMF, range[1]);
      memref::StoreOp::create(code, low, op.getOutput(), ValueRange{item, code.index(0)});
      memref::StoreOp::create(code, high, op.getOutput(), ValueRange{item, code.index(1)});
    });
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void sinter::lower::populateQuantizeRowsLowering(RewritePatternSet &patterns, kern::TargetAttr target) {
  patterns.add<LowerQuantizeRows>(patterns.getContext(), target);
  patterns.add<LowerRowRange>(patterns.getContext());
}
