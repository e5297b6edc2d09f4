//===- MalformedTest.cpp - files that are damaged -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Import.h"
#include "compiler/Import/onnx.pb.h"
#include "dialects/Onnx/Onnx.h"
#include "test/unit/Import/TempFolder.h"

#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

namespace {

/// Imports `bytes` as a file in `folder`. What it gives is only checked to be IR or an error: a crash ends the test.
bool importBytes(const TempFolder &folder, const std::string &bytes, std::string *message = nullptr,
                 const sinter::ImportOptions &options = {}) {
  std::string file = folder.write("model.onnx", bytes);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string first;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    if (first.empty())
      first = diagnostic.str();
    return mlir::success();
  });
  mlir::OwningOpRef<mlir::ModuleOp> module = sinter::importOnnx(context, file, options);
  EXPECT_EQ(bool(module), first.empty()) << "a failure has an error, a success has none: " << first;
  if (module) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    EXPECT_TRUE(mlir::parseSourceString<mlir::ModuleOp>(text, &context)) << first << "\n" << text;
  }
  if (message)
    *message = first;
  return bool(module);
}

onnx::TensorProto *addInitializer(onnx::GraphProto *graph, const std::string &name, int type, std::initializer_list<int64_t> dims) {
  onnx::TensorProto *tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (int64_t dim : dims)
    tensor->add_dims(dim);
  return tensor;
}

onnx::NodeProto *addNode(onnx::GraphProto *graph, const std::string &type, std::initializer_list<std::string> inputs,
                         std::initializer_list<std::string> outputs) {
  onnx::NodeProto *node = graph->add_node();
  node->set_op_type(type);
  for (const std::string &name : inputs)
    node->add_input(name);
  for (const std::string &name : outputs)
    node->add_output(name);
  return node;
}

onnx::AttributeProto *addAttribute(onnx::NodeProto *node, const std::string &name, onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto *attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

/// A little of everything that the importer knows: typed, raw and external tensors, a subgraph, a function, unsorted nodes.
onnx::ModelProto makeModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("test");
  model.add_opset_import()->set_version(17);
  onnx::GraphProto *graph = model.mutable_graph();
  graph->set_name("g");
  for (auto [name, type] : {std::pair("x", 1), std::pair("c", 9)}) {
    onnx::ValueInfoProto *input = graph->add_input();
    input->set_name(name);
    onnx::TypeProto_Tensor *tensor = input->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    tensor->mutable_shape()->add_dim()->set_dim_param("n");
    tensor->mutable_shape()->add_dim()->set_dim_value(4);
  }
  addInitializer(graph, "raw", 1, {4, 20})->set_raw_data(std::string(320, '\x3f'));
  onnx::TensorProto *ints = addInitializer(graph, "ints", 3, {70});
  for (int i = 0; i < 70; ++i)
    ints->add_int32_data(i - 35);
  addInitializer(graph, "shape", 7, {2})->add_int64_data(-1);
  graph->mutable_initializer(2)->add_int64_data(4);
  onnx::TensorProto *external = addInitializer(graph, "external", 2, {8});
  external->set_data_location(onnx::TensorProto::EXTERNAL);
  for (auto [key, value] : {std::pair("location", "w.bin"), std::pair("offset", "4"), std::pair("length", "8")}) {
    onnx::StringStringEntryProto *entry = external->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }

  addNode(graph, "Add", {"i", "", "raw"}, {"y"});
  onnx::NodeProto *call = addNode(graph, "F", {"x"}, {"f"});
  call->set_domain("local");
  addAttribute(call, "k", onnx::AttributeProto::INT)->set_i(3);
  onnx::NodeProto *branch = addNode(graph, "If", {"c"}, {"i"});
  branch->set_name("if");
  onnx::GraphProto *body = addAttribute(branch, "then_branch", onnx::AttributeProto::GRAPH)->mutable_g();
  addNode(body, "Relu", {"f"}, {"r"});
  body->add_output()->set_name("r");
  onnx::NodeProto *constant = addNode(graph, "Constant", {}, {"k"});
  onnx::TensorProto *value = addAttribute(constant, "value", onnx::AttributeProto::TENSOR)->mutable_t();
  value->set_data_type(16);
  value->add_int32_data(16256);
  graph->add_output()->set_name("y");

  onnx::FunctionProto *function = model.add_functions();
  function->set_name("F");
  function->set_domain("local");
  function->add_input("a");
  function->add_output("b");
  function->add_attribute("k");
  onnx::NodeProto *inner = function->add_node();
  inner->set_op_type("Cast");
  inner->add_input("a");
  inner->add_output("b");
  addAttribute(inner, "to", onnx::AttributeProto::INT)->set_ref_attr_name("k");
  return model;
}

class Malformed : public testing::Test {
protected:
  Malformed() { folder.write("w.bin", std::string(12, 'w')); }
  TempFolder folder;
};
} // namespace

TEST_F(Malformed, WholeModelImports) {
  std::string message;
  EXPECT_TRUE(importBytes(folder, makeModel().SerializeAsString(), &message)) << message;
}

TEST_F(Malformed, TruncatedAnywhere) {
  std::string bytes = makeModel().SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size)
    importBytes(folder, bytes.substr(0, size));
}

TEST_F(Malformed, AnyByteChanged) {
  std::string bytes = makeModel().SerializeAsString();
  // A small change of sizes and types, and the bit that continues a varint.
  for (unsigned flip : {0x01u, 0x80u})
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      importBytes(folder, damaged);
    }
}

TEST_F(Malformed, AnyByteRemoved) {
  std::string bytes = makeModel().SerializeAsString();
  for (size_t i = 0; i < bytes.size(); ++i)
    importBytes(folder, bytes.substr(0, i) + bytes.substr(i + 1));
}

TEST_F(Malformed, Noise) {
  uint32_t state = 1;
  for (int i = 0; i < 500; ++i) {
    std::string bytes(i, '\0');
    for (char &byte : bytes)
      byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    importBytes(folder, bytes);
  }
}

static std::string nest(unsigned levels) {
  onnx::GraphProto graph;
  for (unsigned i = 0; i < levels; ++i) {
    onnx::GraphProto outer;
    *addAttribute(addNode(&outer, "If", {}, {}), "then_branch", onnx::AttributeProto::GRAPH)->mutable_g() = std::move(graph);
    graph = std::move(outer);
  }
  onnx::ModelProto model;
  *model.mutable_graph() = std::move(graph);
  return model.SerializeAsString();
}

TEST_F(Malformed, DeepSubgraphs) {
  std::string message;
  EXPECT_TRUE(importBytes(folder, nest(60), &message)) << message;
  EXPECT_FALSE(importBytes(folder, nest(70), &message));
  EXPECT_NE(message.find("nested deeper than 64 levels"), std::string::npos) << message;
  EXPECT_FALSE(importBytes(folder, nest(2000), &message));
}

/// A chain of functions, each of which calls the next one `calls` times.
static std::string chain(int length, int calls) {
  onnx::ModelProto model;
  onnx::NodeProto *first = addNode(model.mutable_graph(), "F0", {}, {});
  first->set_domain("local");
  for (int i = 0; i < length; ++i) {
    onnx::FunctionProto *function = model.add_functions();
    function->set_name("F" + std::to_string(i));
    function->set_domain("local");
    for (int k = 0; k < calls; ++k) {
      onnx::NodeProto *node = function->add_node();
      node->set_op_type("F" + std::to_string(i + 1));
      node->set_domain("local");
    }
  }
  return model.SerializeAsString();
}

TEST_F(Malformed, DeepFunctions) {
  std::string message;
  EXPECT_TRUE(importBytes(folder, chain(50, 1), &message)) << message;
  EXPECT_FALSE(importBytes(folder, chain(5000, 1), &message));
  EXPECT_NE(message.find("nested deeper than 64 levels"), std::string::npos) << message;
}

TEST_F(Malformed, FunctionsThatGrowWithoutEnd) {
  std::string message;
  EXPECT_FALSE(importBytes(folder, chain(40, 2), &message, {.maxNodes = 10000}));
  EXPECT_NE(message.find("nodes once its local functions are inlined"), std::string::npos) << message;
}
