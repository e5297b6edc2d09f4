//===- ModelFolderTest.cpp - what lies beside a model -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/ModelFolder.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace sinter;

static const char *const kTokenizer = R"({"added_tokens": [{"id": 1, "content": "</s>", "special": true}],
  "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})";

namespace {
struct ModelFolderTest : testing::Test {
  SmallString<128> folder;
  void SetUp() override { ASSERT_FALSE(sys::fs::createUniqueDirectory("sinter-find", folder)); }
  void TearDown() override { sys::fs::remove_directories(folder); }
  void write(const Twine &name, StringRef text) {
    std::error_code code;
    raw_fd_ostream(folder.str().str() + "/" + name.str(), code) << text;
    ASSERT_FALSE(code);
  }
  FoundTokenizer find() { return findTokenizer((folder + "/model.onnx").str()); }
};
} // namespace

TEST_F(ModelFolderTest, NothingThere) {
  FoundTokenizer found = find();
  EXPECT_EQ(found.path, "");
  EXPECT_EQ(found.note, "");
  EXPECT_TRUE(found.eos.empty());
}

TEST_F(ModelFolderTest, TokenizerAndEndTokens) {
  write("tokenizer.json", kTokenizer);
  FoundTokenizer found = find();
  EXPECT_EQ(found.kind, "hf");
  EXPECT_EQ(found.bytes, kTokenizer);
  EXPECT_EQ(found.eos, (std::vector<int64_t>{1})); // by its name
  write("tokenizer_config.json", R"({"eos_token": {"content": "a"}})");
  EXPECT_EQ(find().eos, (std::vector<int64_t>{0}));
  write("config.json", R"({"eos_token_id": 7})");
  EXPECT_EQ(find().eos, (std::vector<int64_t>{7}));
  write("genai_config.json", R"({"model": {"eos_token_id": [8, 9, 8]}})");
  EXPECT_EQ(find().eos, (std::vector<int64_t>{8, 9}));
  write("generation_config.json", R"({"eos_token_id": [5, -1, "x"]})");
  EXPECT_EQ(find().eos, (std::vector<int64_t>{5}));
}

TEST_F(ModelFolderTest, EndTokensWithoutTokenizer) {
  write("config.json", R"({"eos_token_id": 7})");
  EXPECT_EQ(find().eos, (std::vector<int64_t>{7}));
}

TEST_F(ModelFolderTest, OneThatCannotBeUsed) {
  write("tokenizer.json", R"({"model": {"type": "WordPiece", "vocab": {}}})");
  write("config.json", "{ no JSON");
  FoundTokenizer found = find();
  EXPECT_EQ(found.path, "");
  EXPECT_TRUE(
      StringRef(found.note).ends_with("cannot use the tokenizer: models of type 'WordPiece' are not supported"));
}

TEST_F(ModelFolderTest, AboveOnnx) {
  write("tokenizer.json", kTokenizer);
  ASSERT_FALSE(sys::fs::create_directory(folder + "/onnx"));
  EXPECT_EQ(findTokenizer((folder + "/onnx/model.onnx").str()).kind, "hf");
  ASSERT_FALSE(sys::fs::create_directory(folder + "/other"));
  EXPECT_EQ(findTokenizer((folder + "/other/model.onnx").str()).kind, "");
}

TEST_F(ModelFolderTest, ContextLength) {
  auto length = [&] { return findContextLength((folder + "/model.onnx").str()); };
  EXPECT_EQ(length(), std::nullopt);
  write("config.json", R"({"n_positions": 1024})");
  EXPECT_EQ(length(), 1024);
  // The exporter's own configuration knows better; what is no length is none.
  write("genai_config.json", R"({"model": {"context_length": 512}})");
  EXPECT_EQ(length(), 512);
  write("genai_config.json", R"({"model": {"context_length": -1}})");
  EXPECT_EQ(length(), 1024);
}
