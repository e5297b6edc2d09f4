//===- Weights.cpp - constants as tensors ---------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/WeightReader.h"
#include "passes/Lower/Reference/Patterns.h"

using namespace mlir;

namespace sinter::reference {
namespace {

/// Weights are what their format decodes to.
struct DecodeWeight : OpConversionPattern<qt::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(qt::ConstantOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    auto reader = qt::WeightReader::open(op);
    if (failed(reader))
      return failure();
    qt::QuantTensorType type = op.getType();
    qt::Rows rows;
    reader->read(0, type.getRows(), rows);
    std::vector<float> values(type.getRows() * type.getColumns());
    type.getFormat().decode(rows, values.data());
    auto tensorType = cast<RankedTensorType>(getTypeConverter()->convertType(type));
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, DenseElementsAttr::get(tensorType, ArrayRef<float>(values)));
    return success();
  }
};

struct ReadInitializer : OpConversionPattern<onnx::InitializerOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(onnx::InitializerOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    auto *dialect = cast<onnx::OnnxDialect>(op->getDialect());
    llvm::Expected<ArrayRef<char>> bytes = dialect->read(op.getData());
    if (!bytes)
      return op.emitOpError() << toString(bytes.takeError());
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, dense(type, *bytes));
    return success();
  }

  /// Elements of less than a byte are packed from the low bits up, but a bool is a byte.
  static DenseElementsAttr dense(RankedTensorType type, ArrayRef<char> bytes) {
    unsigned bits = type.getElementTypeBitWidth();
    if (bits >= 8)
      return DenseElementsAttr::getFromRawBuffer(type, bytes);
    unsigned stored = bits == 1 ? 8 : bits, each = 8 / stored;
    SmallVector<APInt> values;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      values.push_back(
          APInt(bits, uint8_t(bytes[i / each]) >> (i % each * stored), /*isSigned=*/false, /*implicitTrunc=*/true));
    return DenseElementsAttr::get(type, values);
  }
};

struct PlainConstant : OpConversionPattern<onnx::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(onnx::ConstantOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!dense)
      return rewriter.notifyMatchFailure(op, "not dense");
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type == dense.getType() ? dense
                                                                               : dense.bitcast(type.getElementType()));
    return success();
  }
};

/// Signs belong to operations, not to types: nothing is left of a cast between integers of one width.
struct DropSign : OpConversionPattern<tensor::BitcastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(tensor::BitcastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (getTypeConverter()->convertType(op.getType()) != adaptor.getSource().getType())
      return rewriter.notifyMatchFailure(op, "changes more than a sign");
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

} // namespace

void populateWeightDefinitions(RewritePatternSet &patterns, const TypeConverter &types) {
  patterns.add<DecodeWeight, ReadInitializer, PlainConstant, DropSign>(types, patterns.getContext());
}

} // namespace sinter::reference
