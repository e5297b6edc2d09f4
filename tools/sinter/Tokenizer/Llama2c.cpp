//===- Llama2c.cpp - the tokenizers of llama2.c -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// A .bin file is the length of the longest token, then for each id a score (float), a length and the bytes. Ids 0 to 2
// are unknown, begin and end; 3 to 258 are the bytes; the others are pieces of SentencePiece, spaces as they are.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Kinds.h"
#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Endian.h"

#include <queue>

using namespace llvm;
using namespace sinter;

static constexpr int64_t kBegin = 1, kEnd = 2, kFirstByte = 3;

namespace {
class Llama2c : public Tokenizer {
public:
  Error read(StringRef bytes);
  std::vector<int64_t> encode(StringRef text, bool addSpecial) const override;
  bool decode(int64_t id, bool first, std::string &bytes) const override;
  std::optional<int64_t> find(StringRef token) const override {
    auto it = ids.find(token);
    return it == ids.end() ? std::nullopt : std::optional<int64_t>(it->second);
  }
  // Texts of its models are told apart by the token that begins them.
  std::vector<int64_t> endTokens() const override { return {kBegin, kEnd}; }

private:
  struct Token {
    std::string text;
    float score;
  };
  std::vector<Token> tokens;
  StringMap<uint32_t> ids;
};
} // namespace

Error Llama2c::read(StringRef bytes) {
  if (bytes.size() < 4)
    return createStringError("it is too short");
  bytes = bytes.drop_front(4);
  while (!bytes.empty()) {
    if (bytes.size() < 8)
      return createStringError("it is cut off");
    float score = support::endian::read<float>(bytes.data(), endianness::little);
    uint32_t size = support::endian::read32le(bytes.data() + 4);
    if (size > bytes.size() - 8)
      return createStringError("a token is longer than the file");
    if (score != score || int64_t(tokens.size()) >= kMaxTokens)
      return createStringError("a token has a score that is no number");
    tokens.push_back({bytes.substr(8, size).str(), score});
    bytes = bytes.drop_front(8 + size);
  }
  if (int64_t(tokens.size()) < kFirstByte + 256)
    return createStringError("it has less than 259 tokens");
  for (auto [id, token] : enumerate(tokens))
    if (int64_t(id) >= kFirstByte)
      ids.try_emplace(token.text, id);
  for (unsigned byte = 0; byte < 256; ++byte)
    tokens[kFirstByte + byte].text = std::string(1, char(byte));
  return Error::success();
}

std::vector<int64_t> Llama2c::encode(StringRef text, bool addSpecial) const {
  struct Symbol {
    int64_t id;
    uint32_t previous, next;
    uint32_t begin, size; // of the text
  };
  struct Candidate {
    float score;
    uint32_t left, size;
    uint32_t id;
    bool operator<(const Candidate &other) const { return std::tie(score, other.left) < std::tie(other.score, left); }
  };
  constexpr uint32_t none = ~0u;
  std::vector<int64_t> out;
  if (addSpecial)
    out.push_back(kBegin);
  std::string all = text.empty() ? std::string() : " " + unicode::toValid(text);
  StringRef whole = all;
  std::vector<Symbol> symbols;
  auto push = [&](int64_t id, size_t begin, size_t size) {
    uint32_t index = symbols.size();
    symbols.push_back({id, index - 1, index + 1, uint32_t(begin), uint32_t(size)});
  };
  for (StringRef rest = whole; !rest.empty();) {
    bool valid;
    size_t begin = rest.begin() - whole.begin();
    unicode::takeCodePoint(rest, valid);
    size_t size = rest.begin() - whole.begin() - begin;
    auto it = ids.find(whole.substr(begin, size));
    if (it != ids.end())
      push(it->second, begin, size);
    else
      for (size_t i = 0; i < size; ++i)
        push(kFirstByte + uint8_t(whole[begin + i]), begin + i, 1);
  }
  if (!symbols.empty())
    symbols.back().next = none;

  std::priority_queue<Candidate> queue;
  auto consider = [&](uint32_t left) {
    uint32_t right = left == none ? none : symbols[left].next;
    if (right == none)
      return;
    // A byte of a character that has no token is spelled "<0xXX>", so it merges with nothing.
    auto isByte = [&](const Symbol &symbol) { return symbol.id >= kFirstByte && symbol.id < kFirstByte + 256; };
    if (isByte(symbols[left]) || isByte(symbols[right]))
      return;
    uint32_t size = symbols[left].size + symbols[right].size;
    auto it = ids.find(whole.substr(symbols[left].begin, size));
    if (it != ids.end())
      queue.push({tokens[it->second].score, left, size, it->second});
  };
  for (uint32_t i = 0; i < symbols.size(); ++i)
    consider(i);
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    Symbol &left = symbols[best.left];
    if (left.id < 0 || left.next == none || left.size + symbols[left.next].size != best.size)
      continue; // changed since
    Symbol &right = symbols[left.next];
    left.id = best.id;
    left.size = best.size;
    right.id = -1;
    left.next = right.next;
    if (left.next != none)
      symbols[left.next].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (const Symbol &symbol : symbols)
    if (symbol.id >= 0)
      out.push_back(symbol.id);
  return out;
}

bool Llama2c::decode(int64_t id, bool first, std::string &bytes) const {
  if (id < kFirstByte || id >= int64_t(tokens.size()))
    return false;
  StringRef text = tokens[id].text;
  if (first)
    text.consume_front(" ");
  bytes += text;
  return true;
}

Expected<std::unique_ptr<Tokenizer>> sinter::loadLlama2c(StringRef bytes) {
  auto tokenizer = std::make_unique<Llama2c>();
  if (Error error = tokenizer->read(bytes))
    return createStringError("cannot use the tokenizer: " + toString(std::move(error)));
  return tokenizer;
}
