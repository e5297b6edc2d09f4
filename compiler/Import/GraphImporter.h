//===- GraphImporter.h - graphs to IR ---------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_GRAPHIMPORTER_H
#define SINTER_COMPILER_IMPORT_GRAPHIMPORTER_H

#include "compiler/Import/Import.h"
#include "compiler/Import/NodeOrder.h"
#include "compiler/Import/Tensors.h"

namespace sinter::importer {

/// ONNX's own domain has two spellings; this gives the empty one.
llvm::StringRef normaliseDomain(llvm::StringRef domain);

/// A place for errors and operations that is called `name`, or `fallback` where that is empty.
mlir::Location getNameLoc(mlir::MLIRContext *context, llvm::StringRef name, const llvm::Twine &fallback);

/// `onnx.dims` of a value, with `?` as `ShapedType::kDynamic` in `shape`; fails for a negative size or one that is no number of elements.
mlir::FailureOr<mlir::ArrayAttr> getDims(mlir::Builder &builder, const ::onnx::TensorShapeProto &shape, mlir::Location loc,
                                         const llvm::Twine &what, llvm::SmallVectorImpl<int64_t> &sizes);

/// Names of values in a graph, and of the graphs around it.
class Scope {
public:
  explicit Scope(Scope *outer) : outer(outer) {}

  /// A value, or the reason why what it names cannot be used.
  struct Binding {
    mlir::Value value;
    std::string refusal;
  };

  /// False where this graph already has the name.
  bool define(llvm::StringRef name, Binding binding) { return names.try_emplace(name, std::move(binding)).second; }
  const Binding *lookup(llvm::StringRef name) const;

private:
  Scope *outer;
  llvm::StringMap<Binding> names;
};

/// Versions of the operator sets by normalised domain.
using Opsets = llvm::StringMap<int64_t>;

/// What surrounds a node: the model, or the calls of local functions that it was inlined through.
struct Frame {
  const Opsets *opsets;
  const ::onnx::FunctionProto *function = nullptr;
  const Frame *caller = nullptr;
  llvm::StringMap<const ::onnx::AttributeProto *> arguments; ///< attributes of the call, defaults included
  std::string prefix;                                        ///< of the names of nodes
};

/// Builds the operations of graphs. Every member that returns a failure has emitted an error.
class GraphImporter {
public:
  GraphImporter(mlir::OpBuilder &builder, TensorReader &tensors, const ::onnx::ModelProto &model, const ImportOptions &options);

  llvm::LogicalResult readOpsets();
  const Opsets &getOpsets() const { return opsets; }

  /// Nodes of the model's main graph, whose inputs `scope` has, at the builder's insertion point.
  llvm::LogicalResult importBody(const ::onnx::GraphProto &graph, Scope &scope, const Frame &frame);
  llvm::LogicalResult importInitializer(const ::onnx::TensorProto &tensor, Scope &scope);
  /// The values that a graph gives its surroundings.
  llvm::LogicalResult getOutputs(const ::onnx::GraphProto &graph, const Scope &scope, llvm::SmallVectorImpl<mlir::Value> &values);
  Frame getMainFrame() const { return Frame{&opsets, nullptr, nullptr, {}, ""}; }

private:
  struct Attributes {
    mlir::NamedAttrList list;
    llvm::SmallVector<std::pair<mlir::StringAttr, const ::onnx::GraphProto *>> graphs;
  };

  llvm::LogicalResult importNodes(const Nodes &nodes, Scope &scope, const Frame &frame);
  llvm::LogicalResult importNode(const ::onnx::NodeProto &node, mlir::Location loc, Scope &scope, const Frame &frame);
  llvm::LogicalResult importConstant(const ::onnx::NodeProto &node, mlir::Location loc, Scope &scope, const Frame &frame);
  llvm::LogicalResult importRegion(const ::onnx::GraphProto &graph, mlir::Region &region, Scope &outer, const Frame &frame);
  llvm::LogicalResult importAttribute(const ::onnx::AttributeProto &attribute, llvm::StringRef name, mlir::Location loc, Attributes &out);
  llvm::LogicalResult getInputs(const ::onnx::NodeProto &node, mlir::Location loc, const Scope &scope,
                                llvm::SmallVectorImpl<mlir::Value> &values);
  llvm::LogicalResult defineOutputs(const ::onnx::NodeProto &node, mlir::Location loc, mlir::ValueRange values, Scope &scope);
  llvm::LogicalResult bindTensor(llvm::StringRef name, const Tensor &tensor, mlir::Location loc, Scope &scope);
  mlir::Value makeTensor(const Tensor &tensor, llvm::StringRef name, mlir::Location loc);
  mlir::Value getNone();

  // Functions.cpp
  const ::onnx::FunctionProto *findFunction(const ::onnx::NodeProto &node) const;
  llvm::LogicalResult inlineFunction(const ::onnx::NodeProto &node, const ::onnx::FunctionProto &function, mlir::Location loc,
                                     Scope &scope, const Frame &frame);
  /// The attribute itself, or what the call gives for the one that it refers to; null where the call gives nothing.
  const ::onnx::AttributeProto *resolve(const ::onnx::AttributeProto &attribute, const Frame &frame) const;
  llvm::LogicalResult readOpsets(const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &list, mlir::Location loc, Opsets &out);

  mlir::OpBuilder &builder;
  mlir::Block *entry; ///< where `none` lives
  mlir::Value none;
  TensorReader &tensors;
  const ::onnx::ModelProto &model;
  ImportOptions options;
  Opsets opsets;
  llvm::StringMap<const ::onnx::FunctionProto *> functions;
  uint64_t nodeCount = 0;
  unsigned depth = 0;
};

} // namespace sinter::importer

#endif // SINTER_COMPILER_IMPORT_GRAPHIMPORTER_H
