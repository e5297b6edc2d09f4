//===- Functions.cpp - calls of a model's own functions -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GraphImporter.h"

using namespace mlir;
using namespace sinter::importer;

static std::string getKey(StringRef domain, StringRef name, StringRef overload) {
  return (normaliseDomain(domain) + Twine('\0') + name + Twine('\0') + overload).str();
}

LogicalResult GraphImporter::readOpsets(const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &list, Location loc,
                                        Opsets &out) {
  for (const ::onnx::OperatorSetIdProto &opset : list) {
    StringRef domain = normaliseDomain(opset.domain());
    auto [it, isNew] = out.try_emplace(domain, opset.version());
    if (!isNew && it->second != opset.version())
      return emitError(loc) << "operator set '" << domain << "' is imported in versions " << it->second << " and " << opset.version();
    if (opset.version() < 0)
      return emitError(loc) << "operator set '" << domain << "' has negative version " << opset.version();
  }
  return success();
}

LogicalResult GraphImporter::readOpsets() {
  MLIRContext *context = builder.getContext();
  for (const ::onnx::FunctionProto &function : model.functions())
    if (!functions.try_emplace(getKey(function.domain(), function.name(), function.overload()), &function).second)
      return emitError(getNameLoc(context, function.name(), "function")) << "local function defined twice";
  return readOpsets(model.opset_import(), getNameLoc(context, "", "opset_import"), opsets);
}

const ::onnx::FunctionProto *GraphImporter::findFunction(const ::onnx::NodeProto &node) const {
  return functions.lookup(getKey(node.domain(), node.op_type(), node.overload()));
}

const ::onnx::AttributeProto *GraphImporter::resolve(const ::onnx::AttributeProto &attribute, const Frame &frame) const {
  return attribute.ref_attr_name().empty() ? &attribute : frame.arguments.lookup(attribute.ref_attr_name());
}

LogicalResult GraphImporter::inlineFunction(const ::onnx::NodeProto &node, const ::onnx::FunctionProto &function, Location loc,
                                            Scope &scope, const Frame &frame) {
  for (const Frame *at = &frame; at; at = at->caller)
    if (at->function == &function)
      return emitError(loc) << "local function '" << function.name() << "' calls itself";
  if (node.input_size() > function.input_size() || node.output_size() > function.output_size())
    return emitError(loc) << "call of local function '" << function.name() << "' with more inputs or outputs than it has";

  Opsets functionOpsets;
  if (failed(readOpsets(function.opset_import(), loc, functionOpsets)))
    return failure();
  Frame inner{&functionOpsets, &function, &frame, {}, frame.prefix + (node.name().empty() ? node.op_type() : node.name()) + "/"};
  for (const ::onnx::AttributeProto &attribute : function.attribute_proto())
    inner.arguments[attribute.name()] = &attribute;
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    const ::onnx::AttributeProto *value = resolve(attribute, frame);
    // A graph would have to see the caller's values.
    if (value && (value->has_g() || value->graphs_size()))
      return emitError(loc) << "attribute '" << attribute.name() << "' gives a graph to a local function, which is not supported";
    if (value)
      inner.arguments[attribute.name()] = value;
  }

  Scope body(nullptr);
  SmallVector<Value> inputs;
  if (failed(getInputs(node, loc, scope, inputs)))
    return failure();
  inputs.resize(function.input_size());
  for (auto [name, value] : llvm::zip(function.input(), inputs))
    if (!body.define(name, {value ? value : getNone(), ""}))
      return emitError(loc) << "local function '" << function.name() << "' has two inputs '" << name << "'";
  if (failed(importNodes(function.node(), body, inner)))
    return failure();

  for (auto [index, name] : llvm::enumerate(node.output())) {
    if (name.empty())
      continue;
    const std::string &inside = function.output(static_cast<int>(index));
    const Scope::Binding *binding = body.lookup(inside);
    if (!binding)
      return emitError(loc) << "local function '" << function.name() << "' does not define its output '" << inside << "'";
    if (!scope.define(name, *binding))
      return emitError(loc) << "output '" << name << "' is already the name of another value";
  }
  return success();
}
