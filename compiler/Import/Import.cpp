//===- Import.cpp - reads ONNX files --------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Import.h"

#include "compiler/Import/GraphImporter.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace mlir;
using namespace sinter;
using namespace sinter::importer;

namespace {
/// Builds the module around the graph: the function with its interface, and what the file says about itself.
class ModelImporter {
public:
  ModelImporter(ModuleOp module, const ::onnx::ModelProto &model, TensorReader &tensors, const ImportOptions &options)
      : module(module), model(model), tensors(tensors), options(options), builder(module.getBodyRegion()) {}

  LogicalResult run();

private:
  LogicalResult addInputs(func::FuncOp func, Scope &scope);
  LogicalResult addOutputs(func::FuncOp func, ValueRange values);
  void addModuleAttributes(const Opsets &opsets);

  ModuleOp module;
  const ::onnx::ModelProto &model;
  TensorReader &tensors;
  const ImportOptions &options;
  OpBuilder builder;
};
} // namespace

LogicalResult ModelImporter::run() {
  const ::onnx::GraphProto &graph = model.graph();
  auto func = func::FuncOp::create(builder, module.getLoc(), "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(func.addEntryBlock());
  GraphImporter importer(builder, tensors, model, options);
  Scope scope(nullptr);
  SmallVector<Value> outputs;
  if (failed(importer.readOpsets()) || failed(addInputs(func, scope)) ||
      failed(importer.importBody(graph, scope, importer.getMainFrame())) || failed(importer.getOutputs(graph, scope, outputs)))
    return failure();
  func::ReturnOp::create(builder, builder.getUnknownLoc(), outputs);
  addModuleAttributes(importer.getOpsets());
  return addOutputs(func, outputs);
}

LogicalResult ModelImporter::addInputs(func::FuncOp func, Scope &scope) {
  const ::onnx::GraphProto &graph = model.graph();
  llvm::StringSet<> initializers;
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    initializers.insert(tensor.name());
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    // Old files name every initializer as an input, to be overridden by a caller; nobody does.
    if (initializers.contains(input.name()))
      continue;
    Location loc = getNameLoc(builder.getContext(), input.name(), "input");
    const ::onnx::TypeProto_Tensor &declared = input.type().tensor_type();
    Type element = getElementType(builder.getContext(), declared.elem_type());
    if (!input.type().has_tensor_type() || !element)
      return emitError(loc) << "input '" << input.name() << "' is no tensor of numbers";
    if (!declared.has_shape())
      return emitError(loc) << "input '" << input.name() << "' has no rank: the file does not say its number of dimensions";
    SmallVector<int64_t> sizes;
    FailureOr<ArrayAttr> dims = getDims(builder, declared.shape(), loc, "input '" + input.name() + "'", sizes);
    if (failed(dims))
      return failure();
    types.push_back(RankedTensorType::get(sizes, element));
    attributes.push_back(builder.getDictionaryAttr({builder.getNamedAttr("onnx.name", builder.getStringAttr(input.name())),
                                                    builder.getNamedAttr("onnx.dims", *dims)}));
    if (input.name().empty() || !scope.define(input.name(), {func.front().addArgument(types.back(), loc), ""}))
      return emitError(loc) << "input '" << input.name() << "' has no name or that of another";
  }
  func.setFunctionType(builder.getFunctionType(types, {}));
  func.setAllArgAttrs(attributes);
  return success();
}

LogicalResult ModelImporter::addOutputs(func::FuncOp func, ValueRange values) {
  SmallVector<DictionaryAttr> attributes;
  llvm::StringSet<> names;
  for (const ::onnx::ValueInfoProto &output : model.graph().output()) {
    Location loc = getNameLoc(builder.getContext(), output.name(), "output");
    if (!names.insert(output.name()).second)
      return emitError(loc) << "output '" << output.name() << "' is declared twice";
    NamedAttrList list;
    list.set("onnx.name", builder.getStringAttr(output.name()));
    const ::onnx::TypeProto_Tensor &declared = output.type().tensor_type();
    if (Type element = getElementType(builder.getContext(), declared.elem_type()))
      list.set("onnx.type", TypeAttr::get(element));
    if (declared.has_shape()) {
      SmallVector<int64_t> sizes;
      FailureOr<ArrayAttr> dims = getDims(builder, declared.shape(), loc, "output '" + output.name() + "'", sizes);
      if (failed(dims))
        return failure();
      list.set("onnx.dims", *dims);
    }
    attributes.push_back(list.getDictionary(builder.getContext()));
  }
  func.setFunctionType(builder.getFunctionType(func.getArgumentTypes(), values.getTypes()));
  func.setAllResultAttrs(attributes);
  return success();
}

void ModelImporter::addModuleAttributes(const Opsets &opsets) {
  NamedAttrList versions;
  for (const auto &opset : opsets)
    versions.set(opset.getKey().empty() ? "ai.onnx" : opset.getKey(), builder.getI64IntegerAttr(opset.getValue()));
  module->setAttr("onnx.opset", versions.getDictionary(builder.getContext()));
  module->setAttr("onnx.ir_version", builder.getI64IntegerAttr(model.ir_version()));
  std::string producer = model.producer_name() + (model.producer_version().empty() ? "" : " ") + model.producer_version();
  if (!producer.empty())
    module->setAttr("onnx.producer", builder.getStringAttr(producer));
}

/// Each level of graphs is three messages, and types nest a few more.
static bool parse(const Skeleton &skeleton, const ImportOptions &options, ::onnx::ModelProto &model) {
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t *>(skeleton.bytes.data()),
                                                static_cast<int>(skeleton.bytes.size()));
  stream.SetRecursionLimit(3 * static_cast<int>(options.maxDepth) + 32);
  return model.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

OwningOpRef<ModuleOp> sinter::importOnnx(MLIRContext &context, StringRef path, const ImportOptions &options) {
  auto &dialect = *context.getOrLoadDialect<onnx::OnnxDialect>();
  Location loc = getNameLoc(&context, path, "model");
  auto fail = [&](llvm::Error error) {
    emitError(loc) << llvm::toString(std::move(error));
    return nullptr;
  };
  llvm::Expected<ArrayRef<char>> file = dialect.map(path);
  if (!file)
    return fail(file.takeError());
  llvm::Expected<Skeleton> skeleton = makeSkeleton(*file, options.maxDepth);
  // The walk touches pages all over the file.
  dialect.release(onnx::DataAttr::get(&context, path, 0, file->size(), onnx::Encoding::raw));
  if (!skeleton)
    return fail(skeleton.takeError());
  ::onnx::ModelProto model;
  if (skeleton->bytes.size() > INT32_MAX || !parse(*skeleton, options, model))
    return fail(llvm::createStringError("malformed: no ONNX model"));
  skeleton->bytes = std::string();
  if (!model.has_graph())
    return fail(llvm::createStringError("no ONNX model: it has no graph"));

  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  TensorReader tensors(dialect, path, *skeleton);
  if (failed(ModelImporter(*module, model, tensors, options).run()) || failed(verify(*module)))
    return nullptr;
  return module;
}
