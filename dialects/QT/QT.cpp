//===- QT.cpp - the qt dialect ----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/QT/QT.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::qt;

#include "dialects/QT/QTDialect.cpp.inc"

#include "dialects/QT/QTEnums.cpp.inc"

#include "dialects/QT/QTInterfaces.cpp.inc"

#include "dialects/QT/QTOpInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/QT/QTAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/QT/QTTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/QT/QTOps.cpp.inc"

void QTDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/QT/QTTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/QT/QTAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/QT/QTOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// QuantTensorType
//===----------------------------------------------------------------------===//

Type QuantTensorType::parse(AsmParser &parser) {
  SmallVector<int64_t, 2> shape;
  QuantFormat format;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false, /*withTrailingX=*/false) ||
      parser.parseComma() || parser.parseAttribute(format) || parser.parseGreater())
    return {};
  if (shape.size() != 2) {
    parser.emitError(loc) << "expected two sizes, but got " << shape.size();
    return {};
  }
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(), shape[0], shape[1], format);
}

void QuantTensorType::print(AsmPrinter &printer) const {
  printer << "<" << getRows() << "x" << getColumns() << ", " << getFormat() << ">";
}

LogicalResult QuantTensorType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t rows, int64_t columns,
                                      QuantFormat format) {
  constexpr int64_t kMost = int64_t(1) << 31;
  if (rows <= 0 || columns <= 0 || rows >= kMost || columns >= kMost)
    return emitError() << "expected sizes from 1 to 2^31 - 1, but got " << rows << "x" << columns;
  if (!format)
    return emitError() << "expected a weight format";
  return success();
}

Fields QuantTensorType::getFields() const {
  Fields fields = getFormat().getFields();
  if (fields.group == 0 || fields.group > getColumns())
    fields.group = getColumns();
  return fields;
}

int64_t QuantTensorType::getGroups() const {
  int64_t group = getFields().group;
  return (getColumns() + group - 1) / group;
}

//===----------------------------------------------------------------------===//
// ActivationAttr
//===----------------------------------------------------------------------===//

LogicalResult ActivationAttr::verify(function_ref<InFlightDiagnostic()> emitError, IntegerType type,
                                     Granularity granularity, ScaleSource scale, bool zp) {
  if (type.getWidth() != 8 || type.isSigned())
    return emitError() << "expected i8 or ui8, but got " << type;
  if (granularity != Granularity::tensor && (scale == ScaleSource::Static || zp))
    return emitError() << "only a scale a tensor can be static or have a zero point";
  if (type.isUnsigned() && !zp)
    return emitError() << "unsigned activations need a zero point";
  return success();
}

//===----------------------------------------------------------------------===//
// SourceAttr and ConstantOp
//===----------------------------------------------------------------------===//

/// The type of a component: an `#onnx.tensor` or a dense constant.
static RankedTensorType getComponentType(Attribute component) {
  if (auto tensor = dyn_cast_if_present<onnx::TensorAttr>(component))
    return tensor.getType();
  if (auto dense = dyn_cast_if_present<DenseElementsAttr>(component))
    return dyn_cast<RankedTensorType>(dense.getType());
  return {};
}

static bool isReadableFloat(Type type) { return type.isF64() || type.isF32() || type.isF16() || type.isBF16(); }

LogicalResult SourceAttr::verify(function_ref<InFlightDiagnostic()> emitError, Form form, int64_t rows, int64_t columns,
                                 bool transposed, unsigned bits, int64_t group, Attribute payload, Attribute scales,
                                 Attribute zeros) {
  if (rows <= 0 || columns <= 0 || rows >= int64_t(1) << 31 || columns >= int64_t(1) << 31)
    return emitError() << "expected sizes from 1 to 2^31 - 1, but got " << rows << "x" << columns;
  if (group < 0 || group >= int64_t(1) << 31)
    return emitError() << "expected a group from 0 to 2^31 - 1, but got " << group;
  RankedTensorType payloadType = getComponentType(payload), scaleType = getComponentType(scales),
                   zeroType = getComponentType(zeros);
  if (!payloadType || !payloadType.hasStaticShape())
    return emitError() << "expected a payload that is an #onnx.tensor or a dense constant";
  if (scales && (!scaleType || !scaleType.hasStaticShape() || !isReadableFloat(scaleType.getElementType())))
    return emitError() << "expected scales that are a tensor of floats";
  if (zeros && (!zeroType || !zeroType.hasStaticShape()))
    return emitError() << "expected zero points that are an #onnx.tensor or a dense constant";
  Type element = payloadType.getElementType();
  int64_t elements = payloadType.getNumElements();
  if (form == Form::dense) {
    if (!isReadableFloat(element) || elements != rows * columns || scales || zeros)
      return emitError() << "expected a payload of " << rows << "x" << columns << " floats and nothing else, but got "
                         << payloadType;
    return success();
  }
  if (!scales)
    return emitError() << "expected scales";
  if (form == Form::matmul_nbits) {
    if ((bits != 4 && bits != 8) || group < 16 || (group & (group - 1)) != 0)
      return emitError() << "expected 4 or 8 bits in groups that are a power of 2 from 16, but got " << bits
                         << " bits in groups of " << group;
    int64_t groups = (columns + group - 1) / group;
    if (!element.isInteger(8) || elements != rows * groups * (group * bits / 8))
      return emitError() << "expected a payload of " << rows << "x" << groups << "x" << group * bits / 8
                         << " bytes, but got " << payloadType;
    if (scaleType.getNumElements() != rows * groups)
      return emitError() << "expected " << rows << "x" << groups << " scales, but got " << scaleType;
    if (zeros &&
        !(zeroType.getElementType().isInteger(8) && zeroType.getNumElements() == rows * ((groups * bits + 7) / 8)) &&
        !(isReadableFloat(zeroType.getElementType()) && zeroType.getNumElements() == rows * groups))
      return emitError() << "expected " << rows << "x" << groups << " zero points, packed or floats, but got "
                         << zeroType;
    return success();
  }
  if (!element.isInteger(8) && !element.isInteger(4))
    return emitError() << "expected a payload of 4- or 8-bit integers, but got " << payloadType;
  if (elements != rows * columns)
    return emitError() << "expected a payload of " << rows << "x" << columns << " elements, but got " << payloadType;
  int64_t groups = group ? (columns + group - 1) / group : 1, count = scaleType.getNumElements();
  if (count != rows * groups && !(count == 1 && !group))
    return emitError() << "expected " << rows << "x" << groups << " scales" << (group ? "" : " or one") << ", but got "
                       << scaleType;
  if (zeros && (zeroType.getElementType() != element || zeroType.getNumElements() != count))
    return emitError() << "expected " << count << " zero points of type " << element << ", but got " << zeroType;
  return success();
}

QuantTensorType sinter::qt::getNaturalType(SourceAttr source) {
  MLIRContext *context = source.getContext();
  QuantFormat format;
  if (source.getForm() == Form::dense) {
    Type element = getComponentType(source.getPayload()).getElementType();
    format = FloatFormatAttr::get(context, element.isF64() ? Float32Type::get(context) : cast<FloatType>(element));
    return QuantTensorType::get(context, source.getRows(), source.getColumns(), format);
  }
  Type element = getComponentType(source.getPayload()).getElementType();
  unsigned bits = source.getForm() == Form::affine ? element.getIntOrFloatBitWidth() : source.getBits();
  int64_t group = source.getGroup() >= source.getColumns() ? 0 : source.getGroup();
  if (group % 8 != 0)
    return {};
  Type scale = getComponentType(source.getScales()).getElementType();
  ZeroPoint zero;
  if (source.getZeros())
    zero.kind =
        isReadableFloat(getComponentType(source.getZeros()).getElementType()) ? ZeroPoint::Float : ZeroPoint::Integer;
  else if (source.getForm() == Form::matmul_nbits)
    zero = {ZeroPoint::Constant, int64_t(1) << (bits - 1)};
  else if (element.isUnsignedInteger())
    zero = {ZeroPoint::Constant, 0};
  format = IntFormatAttr::get(context, bits, group, scale.isF64() ? Float32Type::get(context) : cast<FloatType>(scale),
                              zero);
  return QuantTensorType::get(context, source.getRows(), source.getColumns(), format);
}

LogicalResult ConstantOp::verify() {
  QuantTensorType type = getResult().getType();
  int64_t rows = 0;
  for (auto source : getSources().getAsRange<SourceAttr>()) {
    if (source.getColumns() != type.getColumns())
      return emitOpError() << "expected sources with " << type.getColumns() << " columns, but got "
                           << source.getColumns();
    rows += source.getRows();
  }
  if (rows != type.getRows())
    return emitOpError() << "expected sources with " << type.getRows() << " rows together, but got " << rows;
  return success();
}
