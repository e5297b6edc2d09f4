//===- DataTest.cpp - reading #onnx.data ----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Onnx/Onnx.h"
#include "test/unit/Import/TempFolder.h"

#include <gtest/gtest.h>
#include <thread>

using namespace sinter::onnx;

namespace {
class DataTest : public testing::Test {
protected:
  DataTest() : dialect(*context.getOrLoadDialect<OnnxDialect>()) {}

  /// The bytes that are read, or the error.
  std::string read(const std::string &bytes, Encoding encoding, uint64_t offset = 0, std::optional<uint64_t> size = {}) {
    std::string file = folder.write("data" + std::to_string(++files), bytes);
    llvm::Expected<llvm::ArrayRef<char>> result =
        dialect.read(DataAttr::get(&context, file, offset, size.value_or(bytes.size()), encoding));
    return result ? std::string(result->begin(), result->end()) : toString(result.takeError());
  }

  TempFolder folder;
  int files = 0;
  mlir::MLIRContext context;
  OnnxDialect &dialect;
};

using namespace std::string_literals;
} // namespace

TEST_F(DataTest, RawIsAPartOfTheFile) { EXPECT_EQ(read("0123456789", Encoding::raw, 2, 3), "234"); }

TEST_F(DataTest, RawPointsIntoTheMapping) {
  std::string file = folder.write("data", "0123456789");
  llvm::ArrayRef<char> whole = llvm::cantFail(dialect.map(file));
  llvm::ArrayRef<char> part = llvm::cantFail(dialect.read(DataAttr::get(&context, file, 4, 2, Encoding::raw)));
  EXPECT_EQ(part.data(), whole.data() + 4);
}

TEST_F(DataTest, RangeOutsideTheFile) {
  EXPECT_NE(read("0123", Encoding::raw, 2, 3).find("bytes 2 to 5 are not in"), std::string::npos);
  EXPECT_NE(read("0123", Encoding::raw, 5, 0).find("are not in"), std::string::npos);
  EXPECT_NE(read("0123", Encoding::raw, 1, UINT64_MAX).find("are not in"), std::string::npos);
}

TEST_F(DataTest, Varints) {
  // 1, 300, -1 as protobuf writes them.
  std::string bytes = "\x01\xac\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;
  EXPECT_EQ(read(bytes, Encoding::varint8), "\x01\x2c\xff"s);
  EXPECT_EQ(read(bytes, Encoding::varint16), "\x01\x00\x2c\x01\xff\xff"s);
  EXPECT_EQ(read(bytes, Encoding::varint32), "\x01\x00\x00\x00\x2c\x01\x00\x00\xff\xff\xff\xff"s);
  EXPECT_NE(read("\x80", Encoding::varint8).find("malformed varint"), std::string::npos);
  EXPECT_NE(read(std::string(11, '\xff'), Encoding::varint64).find("malformed varint"), std::string::npos);
}

TEST_F(DataTest, Fields) {
  // int32_data 1; a name between; int32_data 2 and 3, packed.
  EXPECT_EQ(read("\x28\x01\x42\x01n\x2a\x02\x02\x03"s, Encoding::fields8), "\x01\x02\x03"s);
  // float_data 1.0, then packed -2.0.
  EXPECT_EQ(read("\x25\x00\x00\x80\x3f\x22\x04\x00\x00\x00\xc0"s, Encoding::fields32), "\x00\x00\x80\x3f\x00\x00\x00\xc0"s);
  EXPECT_NE(read("\x22\x03\x00\x00\x00"s, Encoding::fields32).find("ragged"), std::string::npos);
  EXPECT_NE(read("\x28\x01\x2a\x09"s, Encoding::fields8).find("malformed"), std::string::npos);
}

TEST_F(DataTest, ReadAgainAfterRelease) {
  std::string bytes(100000, 'x');
  std::string file = folder.write("data", bytes);
  for (Encoding encoding : {Encoding::raw, Encoding::varint8}) {
    DataAttr data = DataAttr::get(&context, file, 0, bytes.size(), encoding);
    EXPECT_EQ(llvm::cantFail(dialect.read(data)).back(), 'x');
    dialect.release(data);
    EXPECT_EQ(llvm::cantFail(dialect.read(data)).back(), 'x');
  }
}

TEST_F(DataTest, Threads) {
  std::string file = folder.write("data", std::string(10000, '\x01'));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (uint64_t offset = 0; offset < 1000; ++offset) {
        DataAttr data = DataAttr::get(&context, file, offset, 100, i % 2 ? Encoding::varint16 : Encoding::raw);
        good += llvm::cantFail(dialect.read(data)).size() == (i % 2 ? 200 : 100);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, 8000);
}
