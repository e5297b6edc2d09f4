//===- GraphImporter.cpp - graphs to IR -----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GraphImporter.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace sinter::importer;
using namespace sinter::onnx;
using ::onnx::AttributeProto;

StringRef sinter::importer::normaliseDomain(StringRef domain) { return domain == "ai.onnx" ? "" : domain; }

Location sinter::importer::getNameLoc(MLIRContext *context, StringRef name, const Twine &fallback) {
  return NameLoc::get(StringAttr::get(context, name.empty() ? fallback : name));
}

FailureOr<ArrayAttr> sinter::importer::getDims(Builder &builder, const ::onnx::TensorShapeProto &shape, Location loc, const Twine &what,
                                               SmallVectorImpl<int64_t> &sizes) {
  SmallVector<Attribute> dims;
  for (const ::onnx::TensorShapeProto_Dimension &dim : shape.dim()) {
    int64_t size;
    bool fixed = dim.has_dim_value();
    if (fixed)
      size = dim.dim_value();
    else // some exporters write a fixed size as if it were a name
      fixed = !StringRef(dim.dim_param()).getAsInteger(10, size);
    if (fixed && size == -1) // and others an unknown one as if it were a size
      fixed = false;
    if (fixed && (size < 0 || size > (int64_t(1) << 48)))
      return emitError(loc) << what << " has a dimension of impossible size " << size;
    sizes.push_back(fixed ? size : ShapedType::kDynamic);
    dims.push_back(fixed ? Attribute(builder.getI64IntegerAttr(size)) : builder.getStringAttr(dim.dim_param()));
  }
  return builder.getArrayAttr(dims);
}

const Scope::Binding *Scope::lookup(StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->outer)
    if (auto it = scope->names.find(name); it != scope->names.end())
      return &it->second;
  return nullptr;
}

GraphImporter::GraphImporter(OpBuilder &builder, TensorReader &tensors, const ::onnx::ModelProto &model, const ImportOptions &options)
    : builder(builder), entry(builder.getInsertionBlock()), tensors(tensors), model(model), options(options) {}

Value GraphImporter::getNone() {
  if (!none) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(entry);
    none = NoneOp::create(builder, builder.getUnknownLoc());
  }
  return none;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value GraphImporter::makeTensor(const Tensor &tensor, StringRef name, Location loc) {
  StringAttr nameAttr = name.empty() ? StringAttr() : builder.getStringAttr(name);
  if (tensor.dense)
    return ConstantOp::create(builder, loc, cast<ElementsAttr>(Attribute(tensor.dense)), nameAttr);
  return InitializerOp::create(builder, loc, tensor.type, tensor.data, nameAttr);
}

LogicalResult GraphImporter::bindTensor(StringRef name, const Tensor &tensor, Location loc, Scope &scope) {
  Scope::Binding binding;
  if (tensor.isString())
    binding.refusal = "is a tensor of strings, which is not supported";
  else
    binding.value = makeTensor(tensor, name, loc);
  if (!scope.define(name, binding))
    return emitError(loc) << "'" << name << "' is already the name of another value";
  return success();
}

LogicalResult GraphImporter::importInitializer(const ::onnx::TensorProto &proto, Scope &scope) {
  Location loc = getNameLoc(builder.getContext(), proto.name(), "initializer");
  if (proto.name().empty())
    return emitError(loc) << "initializer without a name";
  FailureOr<Tensor> tensor = tensors.read(proto, loc, "initializer '" + proto.name() + "'");
  return failed(tensor) ? failure() : bindTensor(proto.name(), *tensor, loc, scope);
}

LogicalResult GraphImporter::importConstant(const ::onnx::NodeProto &node, Location loc, Scope &scope, const Frame &frame) {
  const AttributeProto *value = node.attribute_size() == 1 ? resolve(node.attribute(0), frame) : nullptr;
  if (!value || node.output_size() != 1 || node.output(0).empty() || node.input_size())
    return emitError(loc) << "expected a Constant with one attribute and one output";
  // `value` may have the name that a call gives it; the node says which kind it is.
  StringRef kind = node.attribute(0).name();
  StringRef output = node.output(0);
  Tensor tensor;
  auto makeType = [&](ArrayRef<int64_t> shape, Type element) { return tensor.type = RankedTensorType::get(shape, element); };
  if (kind == "value" && value->has_t()) {
    FailureOr<Tensor> read = tensors.read(value->t(), loc, "Constant '" + output + "'");
    if (failed(read))
      return failure();
    tensor = *read;
  } else if (kind == "value_int") {
    tensor.dense = DenseElementsAttr::get(makeType({}, builder.getI64Type()), static_cast<int64_t>(value->i()));
  } else if (kind == "value_float") {
    tensor.dense = DenseElementsAttr::get(makeType({}, builder.getF32Type()), value->f());
  } else if (kind == "value_ints") {
    tensor.dense = DenseElementsAttr::get(makeType(value->ints_size(), builder.getI64Type()),
                                          ArrayRef<int64_t>(SmallVector<int64_t>(value->ints().begin(), value->ints().end())));
  } else if (kind == "value_floats") {
    tensor.dense = DenseElementsAttr::get(makeType(value->floats_size(), builder.getF32Type()),
                                          ArrayRef<float>(SmallVector<float>(value->floats().begin(), value->floats().end())));
  } else if (kind != "value_string" && kind != "value_strings") {
    return emitError(loc) << "Constant with attribute '" << kind << "' is not supported";
  }
  return bindTensor(output, tensor, loc, scope);
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// Files of the first IR version do not say the type.
static AttributeProto::AttributeType getAttributeType(const AttributeProto &attribute) {
  if (attribute.type() != AttributeProto::UNDEFINED)
    return attribute.type();
  if (attribute.has_f())
    return AttributeProto::FLOAT;
  if (attribute.has_i())
    return AttributeProto::INT;
  if (attribute.has_s())
    return AttributeProto::STRING;
  if (attribute.has_t())
    return AttributeProto::TENSOR;
  if (attribute.has_g())
    return AttributeProto::GRAPH;
  if (attribute.floats_size())
    return AttributeProto::FLOATS;
  if (attribute.ints_size())
    return AttributeProto::INTS;
  return attribute.strings_size() ? AttributeProto::STRINGS : AttributeProto::UNDEFINED;
}

LogicalResult GraphImporter::importAttribute(const AttributeProto &attribute, StringRef name, Location loc, Attributes &out) {
  auto importTensor = [&](const ::onnx::TensorProto &proto) -> Attribute {
    FailureOr<Tensor> tensor = tensors.read(proto, loc, "attribute '" + name + "'");
    if (failed(tensor))
      return {};
    if (tensor->isString()) {
      emitError(loc) << "attribute '" << name << "' is a tensor of strings, which is not supported";
      return {};
    }
    return tensor->dense ? Attribute(tensor->dense) : TensorAttr::get(builder.getContext(), tensor->data, tensor->type);
  };
  StringAttr key = builder.getStringAttr(name);
  Attribute value;
  SmallVector<Attribute> values;
  switch (getAttributeType(attribute)) {
  case AttributeProto::FLOAT:
    value = builder.getF32FloatAttr(attribute.f());
    break;
  case AttributeProto::INT:
    value = builder.getI64IntegerAttr(attribute.i());
    break;
  case AttributeProto::STRING:
    value = builder.getStringAttr(attribute.s());
    break;
  case AttributeProto::FLOATS:
    value = builder.getDenseF32ArrayAttr(SmallVector<float>(attribute.floats().begin(), attribute.floats().end()));
    break;
  case AttributeProto::INTS:
    value = builder.getDenseI64ArrayAttr(SmallVector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
    break;
  case AttributeProto::STRINGS:
    for (const std::string &string : attribute.strings())
      values.push_back(builder.getStringAttr(string));
    value = builder.getArrayAttr(values);
    break;
  case AttributeProto::TENSOR:
    if (!(value = importTensor(attribute.t())))
      return failure();
    break;
  case AttributeProto::TENSORS:
    for (const ::onnx::TensorProto &tensor : attribute.tensors())
      if (!values.emplace_back(importTensor(tensor)))
        return failure();
    value = builder.getArrayAttr(values);
    break;
  case AttributeProto::GRAPH:
    out.graphs.emplace_back(key, &attribute.g());
    return success();
  case AttributeProto::GRAPHS:
    for (const ::onnx::GraphProto &graph : attribute.graphs())
      out.graphs.emplace_back(key, &graph);
    return success();
  default:
    return emitError(loc) << "attribute '" << name << "' has type " << AttributeProto::AttributeType_Name(attribute.type())
                          << ", which is not supported";
  }
  out.list.append(key, value);
  return success();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::getInputs(const ::onnx::NodeProto &node, Location loc, const Scope &scope, SmallVectorImpl<Value> &values) {
  // Absent inputs at the end say nothing.
  int count = node.input_size();
  while (count && node.input(count - 1).empty())
    --count;
  for (int index = 0; index < count; ++index) {
    const std::string &name = node.input(index);
    if (name.empty()) {
      values.push_back(getNone());
      continue;
    }
    const Scope::Binding *binding = scope.lookup(name);
    if (!binding)
      return emitError(loc) << node.op_type() << " uses '" << name << "', which nothing defines";
    if (!binding->value)
      return emitError(loc) << node.op_type() << " uses '" << name << "', which " << binding->refusal;
    values.push_back(binding->value);
  }
  return success();
}

LogicalResult GraphImporter::defineOutputs(const ::onnx::NodeProto &node, Location loc, ValueRange values, Scope &scope) {
  for (auto [name, value] : llvm::zip(node.output(), values))
    if (!name.empty() && !scope.define(name, {value, ""}))
      return emitError(loc) << "output '" << name << "' is already the name of another value";
  return success();
}

LogicalResult GraphImporter::importNode(const ::onnx::NodeProto &node, Location loc, Scope &scope, const Frame &frame) {
  if (++nodeCount > options.maxNodes)
    return emitError(loc) << "the model has more than " << options.maxNodes << " nodes once its local functions are inlined";
  if (node.op_type().empty())
    return emitError(loc) << "node without an operator";
  if (const ::onnx::FunctionProto *function = findFunction(node))
    return inlineFunction(node, *function, loc, scope, frame);
  StringRef domain = normaliseDomain(node.domain());
  if (domain.empty() && node.op_type() == "Constant")
    return importConstant(node, loc, scope, frame);

  SmallVector<Value> inputs;
  if (failed(getInputs(node, loc, scope, inputs)))
    return failure();
  Attributes attributes;
  llvm::StringSet<> seen;
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.name().empty() || !seen.insert(attribute.name()).second)
      return emitError(loc) << node.op_type() << " has two attributes '" << attribute.name() << "', or one without a name";
    const AttributeProto *value = resolve(attribute, frame);
    if (value && failed(importAttribute(*value, attribute.name(), loc, attributes)))
      return failure();
  }

  SmallVector<Attribute> outputNames, regionNames;
  for (const std::string &name : node.output())
    outputNames.push_back(builder.getStringAttr(name.empty() ? "" : frame.prefix + name));
  for (auto &[name, graph] : attributes.graphs)
    regionNames.push_back(name);
  // A domain that the file does not import is at its first version.
  auto version = frame.opsets->find(domain);
  SmallVector<Type> types(node.output_size(), UnknownType::get(builder.getContext()));
  auto op = NodeOp::create(builder, loc, types, builder.getStringAttr(node.op_type()), inputs, builder.getStringAttr(domain),
                           builder.getI64IntegerAttr(version == frame.opsets->end() ? 1 : version->second),
                           node.name().empty() ? StringAttr() : builder.getStringAttr(frame.prefix + node.name()),
                           attributes.list.getDictionary(builder.getContext()),
                           regionNames.empty() ? ArrayAttr() : builder.getArrayAttr(regionNames), builder.getArrayAttr(outputNames),
                           regionNames.size());
  for (auto [graph, body] : llvm::zip(attributes.graphs, op.getBodies()))
    if (failed(importRegion(*graph.second, body, scope, frame)))
      return failure();
  return defineOutputs(node, loc, op.getResults(), scope);
}

LogicalResult GraphImporter::importNodes(const Nodes &nodes, Scope &scope, const Frame &frame) {
  auto getLoc = [&](int index) {
    const ::onnx::NodeProto &node = nodes[index];
    std::string name = node.name().empty() ? "" : frame.prefix + node.name();
    return getNameLoc(builder.getContext(), name, frame.prefix + node.op_type() + "_" + Twine(index));
  };
  if (++depth > options.maxDepth)
    return emitError(nodes.empty() ? builder.getUnknownLoc() : getLoc(0))
           << "graphs and calls of local functions are nested deeper than " << options.maxDepth << " levels";
  llvm::scope_exit leave([&] { --depth; });

  llvm::StringSet<> outputs;
  for (int index = 0; index < nodes.size(); ++index)
    for (const std::string &name : nodes[index].output())
      if (!name.empty() && !outputs.insert(name).second)
        return emitError(getLoc(index)) << "output '" << name << "' is already the name of another value";
  std::optional<int> cycle;
  SmallVector<int> order = orderNodes(nodes, cycle);
  if (cycle)
    return emitError(getLoc(*cycle)) << nodes[*cycle].op_type() << " needs its own output: the graph has a cycle";
  for (int index : order)
    if (failed(importNode(nodes[index], getLoc(index), scope, frame)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::importBody(const ::onnx::GraphProto &graph, Scope &scope, const Frame &frame) {
  if (graph.sparse_initializer_size()) {
    StringRef name = graph.sparse_initializer(0).values().name();
    return emitError(getNameLoc(builder.getContext(), name, "sparse_initializer"))
           << "sparse initializer '" << name << "' is not supported";
  }
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    if (failed(importInitializer(tensor, scope)))
      return failure();
  return importNodes(graph.node(), scope, frame);
}

LogicalResult GraphImporter::getOutputs(const ::onnx::GraphProto &graph, const Scope &scope, SmallVectorImpl<Value> &values) {
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    Location loc = getNameLoc(builder.getContext(), output.name(), "output");
    const Scope::Binding *binding = scope.lookup(output.name());
    if (!binding)
      return emitError(loc) << "nothing defines output '" << output.name() << "'";
    if (!binding->value)
      return emitError(loc) << "output '" << output.name() << "' " << binding->refusal;
    values.push_back(binding->value);
  }
  return success();
}

LogicalResult GraphImporter::importRegion(const ::onnx::GraphProto &graph, Region &region, Scope &outer, const Frame &frame) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  Scope scope(&outer);
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    Location loc = getNameLoc(builder.getContext(), input.name(), "input");
    if (!scope.define(input.name(), {block->addArgument(UnknownType::get(builder.getContext()), loc), ""}))
      return emitError(loc) << "input '" << input.name() << "' is already the name of another value";
  }
  SmallVector<Value> outputs;
  if (failed(importBody(graph, scope, frame)) || failed(getOutputs(graph, scope, outputs)))
    return failure();
  YieldOp::create(builder, builder.getUnknownLoc(), outputs);
  return success();
}
