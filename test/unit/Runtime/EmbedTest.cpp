//===- EmbedTest.cpp - the header alone, from C ---------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "ToyDecoder.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace sinter::test;

static std::string outputOf(const std::string &command, int *status = nullptr) {
  FILE *pipe = popen(command.c_str(), "r");
  std::string text(4096, 0);
  text.resize(fread(text.data(), 1, text.size(), pipe));
  int result = pclose(pipe);
  if (status)
    *status = result;
  return text;
}

TEST(Embed, continuesAPrompt) {
  std::vector<int64_t> tokens = {3, 1, 4};
  std::string expected;
  while (tokens.size() <= static_cast<size_t>(kCapacity)) { // the last one follows from a full cache
    std::vector<float> logits = expectedLogits(tokens, static_cast<int64_t>(tokens.size()) - 1);
    int64_t next = std::max_element(logits.begin(), logits.end()) - logits.begin();
    if (next == 2) // the toy's end of sequence
      break;
    tokens.push_back(next);
    expected += std::to_string(next) + " ";
  }
  ASSERT_FALSE(expected.empty());
  std::string printed = outputOf(std::string(SINTER_EMBED) + " " + SINTER_TOY_MODEL + " 3 1 4");
  EXPECT_EQ(printed, expected + "\n");
  // The first new token is the toy's largest, 4.
  EXPECT_EQ(outputOf(std::string("TOY_EOS=1,4 ") + SINTER_EMBED + " " + SINTER_TOY_MODEL + " 3 1 4"), "\n");
}

#ifdef SINTER_TABLE_ONLY
TEST(Embed, theShippedObjectIsSmallAndSelfContained) {
  FILE *file = fopen(SINTER_TABLE_ONLY, "r");
  ASSERT_TRUE(file);
  fseek(file, 0, SEEK_END);
  EXPECT_LT(ftell(file), 200 << 10);
  fclose(file);
  sinter_model *model;
  char why[SINTER_MESSAGE_BYTES];
  EXPECT_EQ(sinter_open(SINTER_TABLE_ONLY, nullptr, &model, why), SINTER_ERROR_VERSION);
  std::string symbols = outputOf(std::string("nm -D --defined-only ") + SINTER_TABLE_ONLY);
  EXPECT_EQ(std::count(symbols.begin(), symbols.end(), '\n'), 1) << symbols;
  EXPECT_NE(symbols.find(" sinter_model_v1\n"), std::string::npos) << symbols;
}
#endif

TEST(Embed, saysWhatIsWrong) {
  int status;
  EXPECT_EQ(outputOf(std::string(SINTER_EMBED) + " /nowhere.so 1 2>&1", &status),
            "\ncannot load the model: /nowhere.so: cannot open shared object file: No such file or directory\n");
  EXPECT_NE(status, 0);
  std::string many;
  for (int64_t i = 0; i <= kCapacity; ++i)
    many += " 1";
  EXPECT_EQ(outputOf(std::string(SINTER_EMBED) + " " + SINTER_TOY_MODEL + many + " 2>&1"),
            "\n33 new tokens do not fit: the cache holds 0 of at most 32\n");
}
