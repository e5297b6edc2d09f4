//===- Tensors.cpp - tensors of a model -----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Tensors.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace sinter::importer;
using mlir::MLIRContext;
using mlir::RankedTensorType;
using sinter::onnx::DataAttr;
using sinter::onnx::Encoding;
using ::onnx::TensorProto;

mlir::Type sinter::importer::getElementType(MLIRContext *context, int dataType) {
  using namespace mlir;
  auto integer = [&](unsigned width) { return IntegerType::get(context, width); };
  auto unsignedInteger = [&](unsigned width) { return IntegerType::get(context, width, IntegerType::Unsigned); };
  switch (dataType) {
  case TensorProto::FLOAT:
    return Float32Type::get(context);
  case TensorProto::DOUBLE:
    return Float64Type::get(context);
  case TensorProto::FLOAT16:
    return Float16Type::get(context);
  case TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case TensorProto::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case TensorProto::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case TensorProto::BOOL:
    return integer(1);
  case TensorProto::INT2:
    return integer(2);
  case TensorProto::INT4:
    return integer(4);
  case TensorProto::INT8:
    return integer(8);
  case TensorProto::INT16:
    return integer(16);
  case TensorProto::INT32:
    return integer(32);
  case TensorProto::INT64:
    return integer(64);
  case TensorProto::UINT2:
    return unsignedInteger(2);
  case TensorProto::UINT4:
    return unsignedInteger(4);
  case TensorProto::UINT8:
    return unsignedInteger(8);
  case TensorProto::UINT16:
    return unsignedInteger(16);
  case TensorProto::UINT32:
    return unsignedInteger(32);
  case TensorProto::UINT64:
    return unsignedInteger(64);
  case TensorProto::COMPLEX64:
    return ComplexType::get(Float32Type::get(context));
  case TensorProto::COMPLEX128:
    return ComplexType::get(Float64Type::get(context));
  default:
    return {};
  }
}

/// The typed field that ONNX assigns to elements of a type.
static uint32_t getTypedField(int dataType) {
  switch (dataType) {
  case TensorProto::FLOAT:
  case TensorProto::COMPLEX64:
    return TensorProto::kFloatDataFieldNumber;
  case TensorProto::DOUBLE:
  case TensorProto::COMPLEX128:
    return TensorProto::kDoubleDataFieldNumber;
  case TensorProto::INT64:
    return TensorProto::kInt64DataFieldNumber;
  case TensorProto::UINT32:
  case TensorProto::UINT64:
    return TensorProto::kUint64DataFieldNumber;
  case TensorProto::STRING:
    return TensorProto::kStringDataFieldNumber;
  default:
    return TensorProto::kInt32DataFieldNumber;
  }
}

FailureOr<Tensor> TensorReader::read(const TensorProto &tensor, mlir::Location loc, const Twine &what) {
  Expected<Tensor> result = read(tensor);
  if (result)
    return *result;
  std::string message = toString(result.takeError());
  return mlir::emitError(loc) << what << ": " << message;
}

Expected<Tensor> TensorReader::read(const TensorProto &tensor) {
  if (tensor.data_type() == TensorProto::STRING)
    return Tensor();
  mlir::Type element = getElementType(dialect.getContext(), tensor.data_type());
  if (!element)
    return createStringError("unknown element type " + Twine(tensor.data_type()));
  if (tensor.has_segment())
    return createStringError("tensors in segments are not supported");
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  for (int64_t size : shape)
    if (size < 0)
      return createStringError("negative dimension " + Twine(size));
  auto type = RankedTensorType::get(shape, element);
  std::optional<uint64_t> bytes = onnx::getStoredBytes(type);
  if (!bytes)
    return createStringError("too many elements");

  Expected<DataAttr> data = findElements(tensor, type, *bytes);
  if (!data)
    return data.takeError();
  // The number of elements in a field of varints is only known once they are read; such fields are small.
  bool small = type.getNumElements() <= onnx::kMaxConstantElements;
  if (!small && data->getEncoding() == Encoding::raw)
    return Tensor{type, *data, {}};
  ArrayRef<char> elements;
  if (*bytes) {
    Expected<ArrayRef<char>> read = dialect.read(*data);
    if (!read)
      return read.takeError();
    elements = *read;
  }
  if (elements.size() != *bytes)
    return createStringError("expected " + Twine(*bytes) + " bytes of elements, but got " + Twine(elements.size()));
  Tensor result{type, *data, {}};
  if (small)
    result = {type, {}, onnx::getDense(type, elements)};
  if (data->getEncoding() != Encoding::raw)
    dialect.release(*data);
  return result;
}

Expected<DataAttr> TensorReader::findElements(const TensorProto &tensor, RankedTensorType type, uint64_t bytes) {
  if (tensor.data_location() == TensorProto::EXTERNAL)
    return findExternal(tensor, bytes);
  const Payload *payload = skeleton.find(tensor);
  if (!payload) {
    if (bytes)
      return createStringError("expected " + Twine(bytes) + " bytes of elements, but got none");
    return DataAttr::get(dialect.getContext(), path, 0, 0, Encoding::raw);
  }
  if (payload->ambiguous)
    return createStringError("elements in more than one field");
  bool isRaw = payload->field == TensorProto::kRawDataFieldNumber;
  if (!isRaw && payload->field != getTypedField(tensor.data_type()))
    return createStringError("elements in a field for another element type");

  Encoding encoding = Encoding::raw;
  bool isVarint = payload->field != TensorProto::kFloatDataFieldNumber && payload->field != TensorProto::kDoubleDataFieldNumber;
  if (payload->split || (!isRaw && isVarint)) {
    // Types under 8 bits stand in int32_data a packed byte at a time.
    unsigned bits = std::max(8u, onnx::getStoredBits(type.getElementType()));
    if (isa<mlir::ComplexType>(type.getElementType()))
      bits /= 2;
    Encoding first = payload->split ? Encoding::fields8 : Encoding::varint8;
    encoding = static_cast<Encoding>(unsigned(first) + Log2_32(bits / 8));
  }
  if (encoding == Encoding::raw && payload->size != bytes)
    return createStringError("expected " + Twine(bytes) + " bytes of elements, but got " + Twine(payload->size));
  return DataAttr::get(dialect.getContext(), path, payload->offset, payload->size, encoding);
}

Expected<DataAttr> TensorReader::findExternal(const TensorProto &tensor, uint64_t bytes) {
  std::string location;
  uint64_t offset = 0, length = bytes;
  for (const ::onnx::StringStringEntryProto &entry : tensor.external_data()) {
    uint64_t *number = entry.key() == "offset" ? &offset : entry.key() == "length" ? &length : nullptr;
    if (entry.key() == "location")
      location = entry.value();
    else if (number && StringRef(entry.value()).getAsInteger(10, *number))
      return createStringError("external data has " + entry.key() + " '" + entry.value() + "', which is no number of bytes");
  }
  Expected<std::string> file = resolve(location);
  if (!file)
    return file.takeError();
  if (length != bytes)
    return createStringError("expected " + Twine(bytes) + " bytes of elements, but the external data has " + Twine(length));
  Expected<ArrayRef<char>> mapped = dialect.map(*file);
  if (!mapped)
    return mapped.takeError();
  if (offset > mapped->size() || length > mapped->size() - offset)
    return createStringError("external data of " + Twine(length) + " bytes at byte " + Twine(offset) + " are not in '" + *file +
                             "', which has " + Twine(mapped->size()));
  return DataAttr::get(dialect.getContext(), *file, offset, length, Encoding::raw);
}

static bool isInside(StringRef file, StringRef folder) {
  return file.consume_front(folder) && (folder.ends_with("/") || file.starts_with("/"));
}

Expected<std::string> TensorReader::resolve(const std::string &location) {
  if (auto it = resolved.find(location); it != resolved.end())
    return it->second;
  if (location.empty())
    return createStringError("external data has no location");
  auto refuse = [&] { return createStringError("external data '" + location + "' is outside the model's folder"); };
  if (StringRef(location).contains('\0') || sys::path::is_absolute(location) ||
      is_contained(make_range(sys::path::begin(location), sys::path::end(location)), ".."))
    return refuse();
  SmallString<256> file = sys::path::parent_path(path);
  sys::path::append(file, location);
  // A download cache links both the model and its data into one folder of blobs: a file beside the model's real one is as good.
  SmallString<256> realFile, realFolder, realModel;
  StringRef folder = sys::path::parent_path(path);
  if (std::error_code error = sys::fs::real_path(file, realFile))
    return createStringError("cannot read '" + file + "': " + error.message());
  if (std::error_code error = sys::fs::real_path(folder.empty() ? "." : folder, realFolder))
    return createStringError("cannot read '" + folder + "': " + error.message());
  if (std::error_code error = sys::fs::real_path(path, realModel))
    return createStringError("cannot read '" + path + "': " + error.message());
  if (!isInside(realFile, realFolder) && !isInside(realFile, sys::path::parent_path(realModel)))
    return refuse();
  return resolved.try_emplace(location, file.str().str()).first->second;
}
