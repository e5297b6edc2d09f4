//===- LargeFileTest.cpp - models over 2 GB -------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Import.h"
#include "compiler/Import/onnx.pb.h"
#include "dialects/Onnx/Onnx.h"
#include "test/unit/Import/TempFolder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

static std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes.push_back(static_cast<char>(value | 0x80));
  return bytes + static_cast<char>(value);
}

/// A message field: its tag and length, then `head` and, to be filled by a hole in the file, `hole` bytes more.
static std::string field(unsigned number, const std::string &head, uint64_t hole = 0) {
  return varint(number << 3 | 2) + varint(head.size() + hole) + head;
}

static long peakKilobytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// A file that protobuf itself refuses: 5 GB of weights in one tensor, a node after it.
TEST(LargeFile, TensorsStayOnDisk) {
  constexpr uint64_t kElements = uint64_t(5) << 30;
  onnx::TensorProto tensor;
  tensor.set_name("w");
  tensor.set_data_type(onnx::TensorProto::INT8);
  tensor.add_dims(kElements);
  onnx::GraphProto rest;
  rest.add_node()->set_op_type("Relu");
  rest.mutable_node(0)->add_input("w");
  rest.mutable_node(0)->add_output("y");
  rest.add_output()->set_name("y");
  std::string tail = rest.SerializeAsString();

  std::string initializer = tensor.SerializeAsString() + field(9, "", kElements);
  std::string graph = field(5, initializer, kElements);
  std::string head = field(7, graph, kElements + tail.size());
  TempFolder folder;
  std::string file = folder.write("model.onnx", head);
  if (truncate(file.c_str(), static_cast<off_t>(head.size() + kElements)) != 0)
    GTEST_SKIP() << "no room for a file of 5 GB, even a sparse one";
  std::ofstream(file, std::ios::binary | std::ios::app) << tail;

  long before = peakKilobytes();
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = sinter::importOnnx(context, file);
  ASSERT_TRUE(module);
  EXPECT_LT(peakKilobytes() - before, 20 * 1024);
  int found = 0;
  module->walk([&](sinter::onnx::InitializerOp op) {
    ++found;
    EXPECT_EQ(op.getData().getOffset(), head.size());
    EXPECT_EQ(op.getData().getSize(), kElements);
  });
  EXPECT_EQ(found, 1);
}
