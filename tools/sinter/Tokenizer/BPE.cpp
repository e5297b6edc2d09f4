//===- BPE.cpp - byte-pair encoding of one word -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/BPE.h"
#include "tools/sinter/Tokenizer/Kinds.h"
#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/StringExtras.h"

#include <queue>

using namespace llvm;
using namespace sinter;

static constexpr uint32_t kNone = ~0u;
/// Longest word that is worth a linear search for each merge, and that the cache keeps.
static constexpr size_t kShort = 32;
static constexpr StringLiteral kSpace = "\xe2\x96\x81"; // U+2581, a space in SentencePiece's vocabularies

int BPE::byteOfLetter(uint32_t c) {
  auto isItself = [](uint32_t c) { return (c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xff && c != 0xad); };
  if (c < 0x100)
    return isItself(c) ? int(c) : -1;
  // The n-th byte that is not itself is U+0100 + n: 0..0x20, 0x7f..0xa0, 0xad.
  uint32_t n = c - 0x100;
  return n <= 0x20 ? int(n) : n <= 0x42 ? int(n - 0x21 + 0x7f) : n == 0x43 ? 0xad : -1;
}

bool BPE::fromByteAlphabet(StringRef token, std::string &bytes) {
  bool valid;
  bytes.clear();
  while (!token.empty()) {
    int byte = byteOfLetter(unicode::takeCodePoint(token, valid));
    if (byte < 0)
      return false;
    bytes += char(byte);
  }
  return true;
}

Error BPE::readMerges(const json::Array &list) {
  std::string whole;
  for (auto [rank, value] : enumerate(list)) {
    StringRef left, right;
    if (auto text = value.getAsString()) {
      std::tie(left, right) = text->split(' ');
    } else if (const json::Array *two = value.getAsArray(); two && two->size() == 2) {
      left = (*two)[0].getAsString().value_or("");
      right = (*two)[1].getAsString().value_or("");
    }
    whole = (left + right).str();
    auto a = vocab.find(left), b = vocab.find(right), ab = vocab.find(whole);
    if (a == vocab.end() || b == vocab.end() || ab == vocab.end())
      return createStringError("merge " + Twine(rank) + " is not of tokens in the vocabulary");
    merges[pair(a->second, b->second)] = {uint32_t(rank), ab->second};
  }
  return Error::success();
}

void BPE::findBoundaries() {
  splitsAtSpace = !byteLevel;
  for (auto &entry : vocab) {
    size_t at = entry.first().find(kSpace, 1);
    while (splitsAtSpace && at != StringRef::npos) {
      splitsAtSpace = entry.first().take_front(at).ends_with(kSpace);
      at = entry.first().find(kSpace, at + 1);
    }
  }
}

Expected<BPE> BPE::create(const json::Object &model, bool byteLevel) {
  BPE bpe;
  bpe.byteLevel = byteLevel;
  const json::Object *vocab = model.getObject("vocab");
  const json::Array *merges = model.getArray("merges");
  if (!vocab || !merges)
    return createStringError("the model has no vocabulary or no merges");
  for (StringRef key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!model.getString(key).value_or("").empty())
      return createStringError("a model with " + key + " is not supported");
  bpe.byteFallback = model.getBoolean("byte_fallback").value_or(false);
  bpe.fuseUnknown = model.getBoolean("fuse_unk").value_or(false);
  bpe.ignoreMerges = model.getBoolean("ignore_merges").value_or(false);
  for (auto &[token, value] : *vocab) {
    std::optional<int64_t> id = value.getAsInteger();
    if (!id || *id < 0 || *id >= kMaxTokens)
      return createStringError("the id of token '" + StringRef(token) + "' is no number below " + Twine(kMaxTokens));
    bpe.vocab[token] = *id;
  }
  bpe.unknown = kNone;
  if (auto token = model.getString("unk_token")) {
    auto it = bpe.vocab.find(*token);
    if (it != bpe.vocab.end())
      bpe.unknown = it->second;
  }
  if (Error error = bpe.readMerges(*merges))
    return error;
  bpe.byteIds.fill(kNone);
  std::string bytes;
  if (byteLevel) {
    for (auto &entry : bpe.vocab)
      if (fromByteAlphabet(entry.first(), bytes)) {
        bpe.words[bytes] = entry.second;
        if (bytes.size() == 1)
          bpe.byteIds[uint8_t(bytes[0])] = entry.second;
      }
  } else {
    for (unsigned byte = 0; byte < 256; ++byte) {
      auto it = bpe.vocab.find(("<0x" + utohexstr(byte, false, 2) + ">"));
      if (it != bpe.vocab.end())
        bpe.byteIds[byte] = it->second;
    }
  }
  bpe.findBoundaries();
  return bpe;
}

/// The tokens of single characters, before any merge.
void BPE::split(StringRef word, SmallVectorImpl<uint32_t> &symbols) const {
  bool unknownRun = false;
  auto addUnknown = [&] {
    if (unknown != kNone && !(fuseUnknown && unknownRun))
      symbols.push_back(unknown);
    unknownRun = true;
  };
  if (byteLevel) {
    for (uint8_t byte : word.bytes()) {
      if (byteIds[byte] == kNone) {
        addUnknown();
      } else {
        symbols.push_back(byteIds[byte]);
        unknownRun = false;
      }
    }
    return;
  }
  while (!word.empty()) {
    bool valid;
    StringRef rest = word;
    unicode::takeCodePoint(rest, valid);
    StringRef letter = word.drop_back(rest.size());
    word = rest;
    auto it = vocab.find(letter);
    if (it != vocab.end()) {
      symbols.push_back(it->second);
      unknownRun = false;
    } else if (byteFallback && all_of(letter.bytes(), [&](uint8_t byte) { return byteIds[byte] != kNone; })) {
      for (uint8_t byte : letter.bytes())
        symbols.push_back(byteIds[byte]);
      unknownRun = false;
    } else {
      addUnknown();
    }
  }
}

void BPE::mergeShort(SmallVectorImpl<uint32_t> &symbols) const {
  constexpr Merge none = {kNone, 0};
  std::array<Merge, kShort> next; // of symbol i with i + 1
  auto find = [&](size_t i) {
    auto it = merges.find(pair(symbols[i], symbols[i + 1]));
    return it == merges.end() ? none : it->second;
  };
  size_t size = symbols.size();
  for (size_t i = 0; i + 1 < size; ++i)
    next[i] = find(i);
  while (size > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < size; ++i)
      if (next[i].rank < next[best].rank)
        best = i;
    if (next[best].rank == kNone)
      break;
    symbols[best] = next[best].id;
    std::copy(symbols.begin() + best + 2, symbols.begin() + size, symbols.begin() + best + 1);
    if (best + 2 < size)
      std::copy(next.begin() + best + 2, next.begin() + size - 1, next.begin() + best + 1);
    --size;
    if (best > 0)
      next[best - 1] = find(best - 1);
    if (best + 1 < size)
      next[best] = find(best);
  }
  symbols.truncate(size);
}

void BPE::mergeLong(SmallVectorImpl<uint32_t> &symbols) const {
  struct Candidate {
    uint32_t rank, at, id;
    bool operator<(const Candidate &other) const { return std::tie(rank, at) > std::tie(other.rank, other.at); }
  };
  std::vector<uint32_t> previous(symbols.size()), next(symbols.size());
  std::vector<Candidate> found;
  auto find = [&](uint32_t left, uint32_t right, auto &&push) {
    auto it = merges.find(pair(symbols[left], symbols[right]));
    if (it != merges.end())
      push(Candidate{it->second.rank, left, it->second.id});
  };
  for (uint32_t i = 0; i < symbols.size(); ++i) {
    previous[i] = i - 1;
    next[i] = i + 1 < symbols.size() ? i + 1 : kNone;
    if (next[i] != kNone)
      find(i, i + 1, [&](Candidate c) { found.push_back(c); });
  }
  std::priority_queue<Candidate> queue({}, std::move(found));
  auto push = [&](Candidate c) { queue.push(c); };
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    uint32_t at = best.at, right = symbols[at] == kNone ? kNone : next[at];
    if (right == kNone)
      continue;
    // The pair may have changed since; only its own merge gives this id.
    auto it = merges.find(pair(symbols[at], symbols[right]));
    if (it == merges.end() || it->second.id != best.id)
      continue;
    symbols[at] = best.id;
    symbols[right] = kNone;
    next[at] = next[right];
    if (next[at] != kNone) {
      previous[next[at]] = at;
      find(at, next[at], push);
    }
    if (previous[at] != kNone)
      find(previous[at], at, push);
  }
  erase(symbols, kNone);
}

void BPE::encodeWord(StringRef word, SmallVectorImpl<uint32_t> &ids) const {
  if (ignoreMerges) {
    const StringMap<uint32_t> &table = byteLevel ? words : vocab;
    auto it = table.find(word);
    if (it != table.end()) {
      ids.push_back(it->second);
      return;
    }
  }
  split(word, ids);
  if (ids.size() <= kShort)
    mergeShort(ids);
  else
    mergeLong(ids);
}

void BPE::encode(StringRef word, Cache &cache, std::vector<int64_t> &ids) const {
  while (!word.empty()) {
    // Cutting does not change what merges, but an unknown character in front could be fused with one behind.
    size_t cut = StringRef::npos;
    if (splitsAtSpace && !ignoreMerges && (unknown == kNone || !fuseUnknown || byteFallback)) {
      cut = word.find(kSpace, 1);
      while (cut != StringRef::npos && word.take_front(cut).ends_with(kSpace))
        cut = word.find(kSpace, cut + 1);
    }
    StringRef part = word.take_front(cut);
    word = word.drop_front(part.size());
    SmallVector<uint32_t, 64> fresh;
    if (part.size() > kShort || cache.size() > 100'000) {
      encodeWord(part, fresh);
      ids.insert(ids.end(), fresh.begin(), fresh.end());
      continue;
    }
    auto [it, inserted] = cache.try_emplace(part);
    if (inserted) {
      encodeWord(part, fresh);
      it->second.assign(fresh.begin(), fresh.end());
    }
    ids.insert(ids.end(), it->second.begin(), it->second.end());
  }
}
