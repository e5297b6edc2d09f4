//===- Unicode.cpp - code points and their properties -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <array>
#include <vector>

using namespace llvm;
using namespace sinter;
using namespace sinter::unicode;

#include "tools/sinter/Tokenizer/UnicodeTables.inc"

/// The value of the run that `codePoint` is in; values take the low `bits` bits of a run.
static uint32_t lookUp(ArrayRef<uint32_t> runs, uint32_t codePoint, unsigned bits) {
  auto *next = partition_point(runs, [&](uint32_t run) { return run >> bits <= codePoint; });
  return next[-1] & ((1u << bits) - 1);
}

/// Categories of the first code points, which most text is made of.
static constexpr size_t kDirect = 0x800;
static std::array<uint8_t, kDirect> makeDirect() {
  std::array<uint8_t, kDirect> table;
  for (uint32_t c = 0; c < kDirect; ++c)
    table[c] = lookUp(kCategoryRuns, c, 5);
  return table;
}

Category unicode::category(uint32_t codePoint) {
  static const std::array<uint8_t, kDirect> direct = makeDirect();
  if (codePoint < kDirect)
    return Category(direct[codePoint]);
  return Category(lookUp(kCategoryRuns, codePoint, 5));
}

bool unicode::isWhitespace(uint32_t c) {
  if (c < 0x1680)
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0;
  return c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

unsigned unicode::sequenceLength(uint8_t lead) {
  return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

uint32_t unicode::takeCodePoint(StringRef &text, bool &valid) {
  uint8_t lead = text[0];
  unsigned length = sequenceLength(lead);
  if (length == 1) {
    text = text.drop_front();
    valid = true;
    return lead;
  }
  static constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint32_t c = length ? lead & (0xff >> (length + 1)) : 0;
  valid = length && length <= text.size();
  for (unsigned i = 1; valid && i < length; ++i) {
    uint8_t next = text[i];
    valid = (next & 0xc0) == 0x80;
    c = c << 6 | (next & 0x3f);
  }
  valid = valid && c >= least[length] && c < 0x110000 && (c < 0xd800 || c >= 0xe000);
  text = text.drop_front(valid ? length : 1);
  return valid ? c : kReplacement;
}

void unicode::append(std::string &text, uint32_t c) {
  if (c < 0x80) {
    text += char(c);
  } else if (c < 0x800) {
    text += char(0xc0 | c >> 6);
    text += char(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    text += char(0xe0 | c >> 12);
    text += char(0x80 | (c >> 6 & 0x3f));
    text += char(0x80 | (c & 0x3f));
  } else {
    text += char(0xf0 | c >> 18);
    text += char(0x80 | (c >> 12 & 0x3f));
    text += char(0x80 | (c >> 6 & 0x3f));
    text += char(0x80 | (c & 0x3f));
  }
}

std::string unicode::toValid(StringRef text) {
  std::string out;
  out.reserve(text.size());
  bool valid;
  while (!text.empty())
    append(out, takeCodePoint(text, valid));
  return out;
}

//===----------------------------------------------------------------------===//
// Normal forms
//===----------------------------------------------------------------------===//

// Hangul syllables are composed by arithmetic (the Unicode Standard, section 3.12).
static constexpr uint32_t kSBase = 0xac00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11a7, kLCount = 19,
                          kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

static unsigned combiningClass(uint32_t c) { return c < 0x300 ? 0 : lookUp(kClassRuns, c, 8); }

static void decompose(uint32_t c, SmallVectorImpl<uint32_t> &out) {
  if (c - kSBase < kSCount) {
    uint32_t s = c - kSBase, t = s % kTCount;
    out.push_back(kLBase + s / (kVCount * kTCount));
    out.push_back(kVBase + s % (kVCount * kTCount) / kTCount);
    if (t)
      out.push_back(kTBase + t);
    return;
  }
  // Rows of three, in the order of their code points.
  size_t low = 0, high = std::size(kDecompositions) / 3;
  while (low < high) {
    size_t middle = (low + high) / 2;
    uint32_t at = kDecompositions[3 * middle] & 0x7fffffff;
    if (at == c) {
      decompose(kDecompositions[3 * middle + 1], out);
      if (uint32_t second = kDecompositions[3 * middle + 2])
        decompose(second, out);
      return;
    }
    (at < c ? low : high) = at < c ? middle + 1 : middle;
  }
  out.push_back(c);
}

static std::vector<std::array<uint32_t, 3>> makeCompositions() {
  std::vector<std::array<uint32_t, 3>> pairs; // first, second, whole
  for (size_t i = 0; i < std::size(kDecompositions); i += 3)
    if (kDecompositions[i + 2] && !(kDecompositions[i] >> 31))
      pairs.push_back({kDecompositions[i + 1], kDecompositions[i + 2], kDecompositions[i]});
  llvm::sort(pairs);
  return pairs;
}

/// The code point that `first` and `second` make together, or 0.
static uint32_t compose(uint32_t first, uint32_t second) {
  if (first - kLBase < kLCount && second - kVBase < kVCount)
    return kSBase + ((first - kLBase) * kVCount + second - kVBase) * kTCount;
  if (first - kSBase < kSCount && (first - kSBase) % kTCount == 0 && second > kTBase && second < kTBase + kTCount)
    return first + second - kTBase;
  static const std::vector<std::array<uint32_t, 3>> pairs = makeCompositions();
  auto it = std::lower_bound(pairs.begin(), pairs.end(), std::array<uint32_t, 3>{first, second, 0});
  return it != pairs.end() && (*it)[0] == first && (*it)[1] == second ? (*it)[2] : 0;
}

static SmallVector<uint32_t, 0> decomposed(StringRef text) {
  SmallVector<uint32_t, 0> points;
  points.reserve(text.size());
  bool valid;
  while (!text.empty())
    decompose(takeCodePoint(text, valid), points);
  SmallVector<uint64_t, 8> keys;
  // Marks behind each starter go by their classes, those of one class keep their order.
  for (size_t i = 0; i < points.size();) {
    size_t end = i + 1;
    while (end < points.size() && combiningClass(points[end]))
      ++end;
    size_t begin = combiningClass(points[i]) ? i : i + 1;
    if (end - begin > 1) {
      keys.clear(); // class, place and code point in one number each
      for (size_t j = begin; j < end; ++j)
        keys.push_back(uint64_t(combiningClass(points[j])) << 56 | uint64_t(j - begin) << 21 | points[j]);
      llvm::sort(keys);
      for (auto [j, key] : enumerate(keys))
        points[begin + j] = key & 0x1fffff;
    }
    i = end;
  }
  return points;
}

static std::string encode(ArrayRef<uint32_t> points) {
  std::string out;
  out.reserve(points.size() * 2);
  for (uint32_t c : points)
    append(out, c);
  return out;
}

std::string unicode::toNFD(StringRef text) { return encode(decomposed(text)); }

std::string unicode::toNFC(StringRef text) {
  // Everything before U+0300 is composed already: all of it begins with bytes up to 0xCB.
  if (all_of(text, [](char c) { return uint8_t(c) <= 0xcb; }))
    return text.str();
  SmallVector<uint32_t, 0> points = decomposed(text);
  size_t out = 0, starter = 0;
  bool haveStarter = false;
  unsigned last = 0; // class of the last mark that stayed behind the starter
  for (uint32_t c : points) {
    unsigned klass = combiningClass(c);
    bool blocked = out != starter + 1 && last >= klass;
    if (haveStarter && !blocked)
      if (uint32_t whole = compose(points[starter], c)) {
        points[starter] = whole;
        continue;
      }
    if (!klass) {
      starter = out;
      haveStarter = true;
    }
    last = klass;
    points[out++] = c;
  }
  return encode(ArrayRef(points).take_front(out));
}
