//===- TokenizerTest.cpp - tokenizers and what they are made of ---------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Tokenizer.h"
#include "tools/sinter/Tokenizer/Kinds.h"
#include "tools/sinter/Tokenizer/Regex.h"
#include "tools/sinter/Tokenizer/Unicode.h"

#include <gtest/gtest.h>


using namespace llvm;
using namespace sinter;

//===----------------------------------------------------------------------===//
// Unicode
//===----------------------------------------------------------------------===//

TEST(Unicode, KnowsCategories) {
  using namespace unicode;
  EXPECT_EQ(category('a'), Ll);
  EXPECT_EQ(category(0x1c5), Lt);
  EXPECT_EQ(category(0x4e2d), Lo);
  EXPECT_EQ(category(0x2167), Nl);
  EXPECT_EQ(category(0x301), Mn);
  EXPECT_EQ(category(0x1f600), So);
  EXPECT_EQ(category(0x10ffff), Cn);
}

TEST(Unicode, Composes) {
  EXPECT_EQ(unicode::toNFC("e\u0301 A\u030a \u1112\u1161\u11ab"), "\u00e9 \u00c5 \ud55c");
  EXPECT_EQ(unicode::toNFC("q\u0307\u0323"), "q\u0323\u0307"); // marks in the order of their classes
  EXPECT_EQ(unicode::toNFC("\u0958"), "\u0915\u093c");         // excluded from composition
  EXPECT_EQ(unicode::toNFD("\u1e69\ud55c"), "s\u0323\u0307\u1112\u1161\u11ab");
  EXPECT_EQ(unicode::toNFC("plain"), "plain");
}

TEST(Unicode, ReplacesInvalidBytes) {
  EXPECT_EQ(unicode::toValid("a\xff\xc0\x80z"), "a\ufffd\ufffd\ufffdz");
  EXPECT_EQ(unicode::toValid("\xed\xa0\x80"), "\ufffd\ufffd\ufffd"); // a surrogate
  EXPECT_EQ(unicode::toValid("\xe4\xbd"), "\ufffd\ufffd");
}

//===----------------------------------------------------------------------===//
// Regular expressions
//===----------------------------------------------------------------------===//

/// The matches of a pattern with '|' between; what is not matched is left out.
static std::string matches(StringRef pattern, StringRef text) {
  Regex regex = cantFail(Regex::compile(pattern));
  CodePoints points(text);
  std::string out;
  for (size_t at = 0; at < points.points.size();) {
    int64_t end = regex.matchAt(points.points, at);
    if (end <= int64_t(at)) {
      ++at;
      continue;
    }
    out += (out.empty() ? "" : "|") + text.slice(points.offsets[at], points.offsets[end]).str();
    at = end;
  }
  return out;
}

TEST(Regex, Matches) {
  EXPECT_EQ(matches(" ?\\p{L}+|\\s+(?!\\S)|\\s+", "ab  \u00e9t\u00e9  "), "ab| | \u00e9t\u00e9|  ");
  EXPECT_EQ(matches("(?i:'s|'ll)", "'S 'lL 'l '\u017f"), "'S|'lL|'\u017f");
  EXPECT_EQ(matches("\\p{N}{1,3}", "1234567"), "123|456|7");
  EXPECT_EQ(matches("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+", "!a\n b1c"), "!a| b|c");
  EXPECT_EQ(matches("a+?b|a", "aab"), "aab");
  EXPECT_EQ(matches("a++a|b", "aaab"), "b");
  EXPECT_EQ(matches("(?:ab|a)(?:c|bd)", "abdabc"), "abd|abc");
  EXPECT_EQ(matches("(?:ab){2,3}", "ababababab"), "ababab|abab");
  EXPECT_EQ(matches("(?<=x)y|(?<!x)z", "xyyxzz"), "y|z");
  EXPECT_EQ(matches("[a-c\\-\\]]+", "a-]d"), "a-]");
  EXPECT_EQ(matches("\\x41\\u0042\\x{1F600}", "AB\U0001F600"), "AB\U0001F600");
  EXPECT_EQ(matches("^a|b$", "a\nab"), "a|a|b");
}

TEST(Regex, RefusesWhatItDoesNotKnow) {
  for (const char *pattern : {"(", ")", "[a", "a{3,1}", "\\w", "(?<n>a)", "[[:alpha:]]", "(a*)*", "*a", "\\p{Han}",
                              "a\\", "[b-a]", "(?i:\u00e9)"}) {
    Expected<Regex> regex = Regex::compile(pattern);
    EXPECT_FALSE(bool(regex)) << pattern;
    consumeError(regex.takeError());
  }
  Expected<Regex> deep = Regex::compile(std::string(1000, '('));
  EXPECT_FALSE(bool(deep));
  consumeError(deep.takeError());
  Expected<Regex> large = Regex::compile("(?:(?:(?:ab){1000}){1000}){1000}");
  EXPECT_FALSE(bool(large));
  consumeError(large.takeError());
}

//===----------------------------------------------------------------------===//
// Tokenizers
//===----------------------------------------------------------------------===//

static std::string stream(const Tokenizer &tokenizer, ArrayRef<int64_t> ids) {
  TextStream text(tokenizer);
  std::string out;
  for (int64_t id : ids)
    out += text.push(id) + "|";
  return out + text.finish();
}

static const char *const kByteLevel = R"({"added_tokens": [{"id": 6, "content": "<end>", "special": true}],
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "decoder": {"type": "ByteLevel"},
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "ā": 3, "Ġ": 4, "Ġab": 5}, "merges": ["a b", ["Ġ", "ab"]]}})";

TEST(Tokenizer, ByteLevel) {
  auto tokenizer = cantFail(Tokenizer::load(kByteLevel, "hf"));
  std::vector<int64_t> ids = tokenizer->encode(std::string("ab ab<end>\x01z"), true);
  EXPECT_EQ(ids, (std::vector<int64_t>{2, 5, 6, 3}));
  EXPECT_EQ(stream(*tokenizer, ids), std::string("ab| ab||\x01|"));
  EXPECT_EQ(tokenizer->find("<end>"), 6);
}

TEST(Tokenizer, StreamsWholeCharacters) {
  auto tokenizer = cantFail(Tokenizer::load("", "bytes"));
  EXPECT_EQ(tokenizer->encode("\xc3\xa9", true), (std::vector<int64_t>{0xc3, 0xa9}));
  EXPECT_EQ(stream(*tokenizer, {0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80}), "|\u00e9||||\U0001F600|");
  EXPECT_EQ(stream(*tokenizer, {0xe4, 0xbd, 'a', 0xff, 0xe4}), "||\ufffda|\ufffd||\ufffd");
  EXPECT_EQ(stream(*tokenizer, {-1, 256, 1 << 30}), "|||");
}

static std::string llama2c(std::initializer_list<std::pair<const char *, float>> pieces) {
  std::string file("\7\0\0\0", 4);
  auto add = [&](StringRef text, float score) {
    uint32_t size = text.size();
    file.append(reinterpret_cast<const char *>(&score), 4);
    file.append(reinterpret_cast<const char *>(&size), 4);
    file += text;
  };
  for (const char *text : {"<unk>", "\n<s>\n", "\n</s>\n"})
    add(text, 0);
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    snprintf(text, sizeof text, "<0x%02X>", byte);
    add(text, 0);
  }
  for (auto &[text, score] : pieces)
    add(text, score);
  return file;
}

TEST(Tokenizer, Llama2c) {
  std::string file = llama2c({{" ", -9}, {"a", -9}, {"b", -9}, {"ab", -2}, {" a", -1}, {"aa", -3}});
  auto tokenizer = cantFail(Tokenizer::load(file, "llama2c"));
  EXPECT_EQ(tokenizer->encode("ab", true), (std::vector<int64_t>{1, 263, 261})); // " a" scores more than "ab"
  EXPECT_EQ(tokenizer->encode("aaaa\u00e9", false), (std::vector<int64_t>{263, 264, 260, 3 + 0xc3, 3 + 0xa9}));
  EXPECT_EQ(stream(*tokenizer, {1, 263, 261, 263, 3 + 0xc3, 3 + 0xa9}), "|a|b| a||\u00e9|");
  EXPECT_EQ(tokenizer->endTokens(), (std::vector<int64_t>{1, 2}));
}

TEST(Tokenizer, RefusesDamagedFiles) {
  std::string file = llama2c({{"a", 0}});
  for (size_t size = 0; size < file.size(); ++size) {
    if (size == file.size() - 9)
      continue; // a whole file with one token less
    auto tokenizer = Tokenizer::load(StringRef(file).take_front(size), "llama2c");
    EXPECT_FALSE(bool(tokenizer)) << size;
    consumeError(tokenizer.takeError());
  }
  StringRef good = kByteLevel;
  for (size_t size = 0; size < good.size(); ++size)
    consumeError(Tokenizer::load(good.take_front(size), "hf").takeError());
  auto message = [](StringRef json) { return toString(Tokenizer::load(json, "hf").takeError()); };
  EXPECT_EQ(message(R"({"model": {"type": "Unigram"}})"),
            "cannot use the tokenizer: models of type 'Unigram' are not supported");
  EXPECT_EQ(message(R"({"model": {"vocab": {"a": 99999999}, "merges": []}})"),
            "cannot use the tokenizer: the id of token 'a' is no number below 16777216");
  EXPECT_EQ(message(R"({"model": {"vocab": {"a": 0}, "merges": ["a b"]}})"),
            "cannot use the tokenizer: merge 0 is not of tokens in the vocabulary");
  EXPECT_EQ(message(R"({"model": {"vocab": {}, "merges": []}, "pre_tokenizer": {"type": "Whatever"}})"),
            "cannot use the tokenizer: pre-tokenizer 'Whatever' is not supported");
  EXPECT_EQ(message(std::string(100000, '[')), "the tokenizer is no JSON: JSON nested too deeply");
}
