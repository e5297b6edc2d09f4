//===- AddedTokens.cpp - tokens that are found before all else ----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/AddedTokens.h"
#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace sinter;

void TokenFinder::add(const AddedToken &token, std::string spelling) {
  if (spelling.empty())
    return;
  std::vector<uint32_t> &bucket = byFirst[uint8_t(spelling[0])];
  entries.push_back({token, std::move(spelling)});
  size_t size = entries.back().spelling.size();
  auto at = partition_point(bucket, [&](uint32_t entry) { return entries[entry].spelling.size() >= size; });
  bucket.insert(at, entries.size() - 1);
}

const TokenFinder::Entry *TokenFinder::match(StringRef rest) const {
  for (uint32_t index : byFirst[uint8_t(rest[0])])
    if (rest.starts_with(entries[index].spelling))
      return &entries[index];
  return nullptr;
}

static bool isWord(uint32_t c) {
  using namespace unicode;
  return isIn(c, kLetter | kMark | bit(Nd) | bit(Nl) | bit(Pc));
}

/// The last code point of a text that is not empty.
static uint32_t lastCodePoint(StringRef text, size_t &length) {
  length = 1;
  while (length < text.size() && length < 4 && (uint8_t(text[text.size() - length]) & 0xc0) == 0x80)
    ++length;
  StringRef tail = text.take_back(length);
  bool valid;
  uint32_t c = unicode::takeCodePoint(tail, valid);
  return c;
}

static bool standsAlone(StringRef before, StringRef after) {
  size_t length;
  bool valid;
  return (before.empty() || !isWord(lastCodePoint(before, length))) &&
         (after.empty() || !isWord(unicode::takeCodePoint(after, valid)));
}

void TokenFinder::split(StringRef text, function_ref<void(StringRef, const AddedToken *)> found) const {
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const Entry *entry = byFirst[uint8_t(text[at])].empty() ? nullptr : match(text.drop_front(at));
    if (!entry) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + entry->spelling.size();
    at = end;
    if (entry->token.singleWord && !standsAlone(text.take_front(begin), text.drop_front(end)))
      continue;
    size_t length;
    while (entry->token.stripLeft && begin > done &&
           unicode::isWhitespace(lastCodePoint(text.take_front(begin), length)))
      begin = std::max(done, begin - length);
    bool valid;
    if (entry->token.stripRight)
      for (StringRef rest = text.drop_front(end);
           !rest.empty() && unicode::isWhitespace(unicode::takeCodePoint(rest, valid));)
        end = text.size() - rest.size();
    if (done < begin)
      found(text.slice(done, begin), nullptr);
    found(text.slice(begin, end), &entry->token);
    done = at = std::max(at, end);
  }
  if (done < text.size())
    found(text.drop_front(done), nullptr);
}
