//===- Skeleton.cpp - a model without its tensors' bytes ------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Skeleton.h"

#include "compiler/Import/onnx.pb.h"
#include "dialects/Onnx/Wire.h"

using namespace llvm;
using namespace sinter::importer;
namespace wire = sinter::onnx::wire;
using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;
using ::onnx::SparseTensorProto;
using ::onnx::TensorProto;

namespace {
enum class Message { Model, Graph, Node, Attribute, Tensor, SparseTensor, Function };

/// What becomes of a field: copied, left out, or itself walked as a message.
struct Action {
  enum { Keep, Drop, Descend } kind;
  Message message = Message::Model;
};
} // namespace

static Action getAction(Message message, uint32_t number) {
  const Action keep{Action::Keep}, drop{Action::Drop};
  switch (message) {
  case Message::Model:
    switch (number) {
    case ModelProto::kGraphFieldNumber:
      return {Action::Descend, Message::Graph};
    case ModelProto::kFunctionsFieldNumber:
      return {Action::Descend, Message::Function};
    case ModelProto::kDocStringFieldNumber:
    case ModelProto::kMetadataPropsFieldNumber:
    case ModelProto::kTrainingInfoFieldNumber:
      return drop;
    }
    return keep;
  case Message::Graph:
    switch (number) {
    case GraphProto::kNodeFieldNumber:
      return {Action::Descend, Message::Node};
    case GraphProto::kInitializerFieldNumber:
      return {Action::Descend, Message::Tensor};
    case GraphProto::kSparseInitializerFieldNumber:
      return {Action::Descend, Message::SparseTensor};
    case GraphProto::kDocStringFieldNumber:
    case GraphProto::kMetadataPropsFieldNumber:
    case GraphProto::kQuantizationAnnotationFieldNumber:
    case GraphProto::kValueInfoFieldNumber:
      return drop;
    }
    return keep;
  case Message::Node:
    switch (number) {
    case NodeProto::kAttributeFieldNumber:
      return {Action::Descend, Message::Attribute};
    case NodeProto::kDocStringFieldNumber:
    case NodeProto::kMetadataPropsFieldNumber:
      return drop;
    }
    return keep;
  case Message::Attribute:
    switch (number) {
    case AttributeProto::kTFieldNumber:
    case AttributeProto::kTensorsFieldNumber:
      return {Action::Descend, Message::Tensor};
    case AttributeProto::kSparseTensorFieldNumber:
    case AttributeProto::kSparseTensorsFieldNumber:
      return {Action::Descend, Message::SparseTensor};
    case AttributeProto::kGFieldNumber:
    case AttributeProto::kGraphsFieldNumber:
      return {Action::Descend, Message::Graph};
    case AttributeProto::kDocStringFieldNumber:
      return drop;
    }
    return keep;
  case Message::Tensor:
    switch (number) {
    case TensorProto::kDocStringFieldNumber:
    case TensorProto::kMetadataPropsFieldNumber:
      return drop;
    }
    return keep;
  case Message::SparseTensor:
    switch (number) {
    case SparseTensorProto::kValuesFieldNumber:
    case SparseTensorProto::kIndicesFieldNumber:
      return {Action::Descend, Message::Tensor};
    }
    return keep;
  case Message::Function:
    switch (number) {
    case FunctionProto::kNodeFieldNumber:
      return {Action::Descend, Message::Node};
    case FunctionProto::kAttributeProtoFieldNumber:
      return {Action::Descend, Message::Attribute};
    case FunctionProto::kDocStringFieldNumber:
    case FunctionProto::kMetadataPropsFieldNumber:
    case FunctionProto::kValueInfoFieldNumber:
      return drop;
    }
    return keep;
  }
  return keep;
}

/// The wire type of one unpacked element of a TensorProto's payload fields, nothing for other fields. Strings and raw
/// data are `Bytes` only.
static std::optional<wire::Kind> getElementKind(uint32_t number) {
  switch (number) {
  case TensorProto::kFloatDataFieldNumber:
    return wire::Fixed32;
  case TensorProto::kDoubleDataFieldNumber:
    return wire::Fixed64;
  case TensorProto::kInt32DataFieldNumber:
  case TensorProto::kInt64DataFieldNumber:
  case TensorProto::kUint64DataFieldNumber:
    return wire::Varint;
  case TensorProto::kRawDataFieldNumber:
  case TensorProto::kStringDataFieldNumber:
    return wire::Bytes;
  }
  return std::nullopt;
}

static void appendVarint(uint64_t value, std::string &out) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

static void appendBytes(uint32_t number, StringRef bytes, std::string &out) {
  appendVarint(uint64_t(number) << 3 | wire::Bytes, out);
  appendVarint(bytes.size(), out);
  out.append(bytes);
}

namespace {
class Walker {
public:
  Walker(ArrayRef<char> file, unsigned maxDepth, std::vector<Payload> &payloads)
      : file(file), maxDepth(maxDepth), payloads(payloads) {}

  /// Appends the skeleton of the message between `begin` and `end` to `out`. `depth` counts graphs.
  Error walk(Message message, const char *begin, const char *end, unsigned depth, std::string &out) {
    if (depth > maxDepth)
      return createStringError("graphs are nested deeper than " + Twine(maxDepth) + " levels");
    std::optional<Payload> payload;
    wire::Reader reader(begin, end);
    while (std::optional<wire::Field> field = reader.next()) {
      if (message == Message::Tensor && getElementKind(field->number)) {
        addElements(*field, payload);
        continue;
      }
      Action action = getAction(message, field->number);
      if (action.kind == Action::Drop)
        continue;
      if (action.kind == Action::Keep || field->kind != wire::Bytes) {
        out.append(field->begin, field->end);
        continue;
      }
      std::string child;
      if (Error error = walk(action.message, field->value, field->end, depth + (action.message == Message::Graph), child))
        return error;
      appendBytes(field->number, child, out);
    }
    if (reader.failed())
      return createStringError("malformed at byte " + Twine(uint64_t(reader.position() - file.begin())) + ": truncated or no ONNX model");
    if (payload) {
      uint32_t index = payloads.size();
      payloads.push_back(*payload);
      appendBytes(TensorProto::kRawDataFieldNumber, StringRef(reinterpret_cast<char *>(&index), sizeof(index)), out);
    }
    return Error::success();
  }

private:
  void addElements(const wire::Field &field, std::optional<Payload> &payload) {
    std::optional<wire::Kind> kind = getElementKind(field.number);
    // As protobuf does: a field of another wire type is an unknown one.
    if (field.value == field.end || (field.kind != wire::Bytes && field.kind != *kind))
      return;
    uint64_t begin = field.begin - file.begin(), value = field.value - file.begin(), end = field.end - file.begin();
    bool packed = field.kind == wire::Bytes && field.number != TensorProto::kStringDataFieldNumber;
    bool isRaw = field.number == TensorProto::kRawDataFieldNumber;
    if (!payload || (isRaw && payload->field == field.number)) {
      bool ambiguous = payload && payload->ambiguous;
      payload = Payload{field.number, packed ? value : begin, packed ? end - value : end - begin, !packed, ambiguous};
      first = begin;
    } else if (payload->field != field.number) {
      payload->ambiguous = true;
    } else {
      *payload = Payload{field.number, first, end - first, /*split=*/true, payload->ambiguous};
    }
  }

  ArrayRef<char> file;
  unsigned maxDepth;
  std::vector<Payload> &payloads;
  uint64_t first = 0; ///< where the first field of the tensor's payload begins
};
} // namespace

Expected<Skeleton> sinter::importer::makeSkeleton(ArrayRef<char> file, unsigned maxDepth) {
  Skeleton skeleton;
  Walker walker(file, maxDepth, skeleton.payloads);
  if (Error error = walker.walk(Message::Model, file.begin(), file.end(), 0, skeleton.bytes))
    return error;
  return skeleton;
}

const Payload *Skeleton::find(const TensorProto &tensor) const {
  uint32_t index;
  if (tensor.raw_data().size() != sizeof(index))
    return nullptr;
  memcpy(&index, tensor.raw_data().data(), sizeof(index));
  return index < payloads.size() ? &payloads[index] : nullptr;
}
