//===- RegexTree.h - a regular expression as it is written -----*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_REGEXTREE_H
#define SINTER_TOOLS_SINTER_TOKENIZER_REGEXTREE_H

#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <bitset>
#include <cstdint>
#include <vector>

namespace sinter::regex {

/// A set of code points.
struct CharSet {
  unicode::CategoryMask categories = 0,
                        notCategories = 0; // of the second, any code point outside the mask belongs to the set
  bool space = false, notSpace = false, negate = false;
  llvm::SmallVector<std::pair<uint32_t, uint32_t>, 2> ranges;
  std::bitset<128> ascii;

  bool slow(uint32_t c) const {
    bool in = llvm::any_of(ranges, [c](auto range) { return c >= range.first && c <= range.second; });
    if (!in && (space || notSpace))
      in = unicode::isWhitespace(c) ? space : notSpace;
    if (!in && (categories || notCategories)) {
      unicode::CategoryMask mask = unicode::bit(unicode::category(c));
      in = (mask & categories) || (notCategories && !(mask & notCategories));
    }
    return in != negate;
  }
  bool operator()(uint32_t c) const { return c < 128 ? ascii[c] : slow(c); }
  void finish() {
    for (uint32_t c = 0; c < 128; ++c)
      ascii[c] = slow(c);
  }
};

enum class Mode : uint8_t { Greedy, Lazy, Possessive };
enum class Anchor : uint8_t { LineBegin, LineEnd, TextBegin, TextEnd };
constexpr uint32_t kUnbounded = ~0u;

/// The pattern as it is written: a tree.
struct Tree {
  enum Kind { Empty, Set, Sequence, Alternatives, Repeat, Look, Atomic, Anchored } kind = Empty;
  CharSet set;
  std::vector<Tree> parts;
  uint32_t min = 0, max = 0;
  Mode mode = Mode::Greedy;
  bool negative = false, behind = false;
  regex::Anchor anchor = regex::Anchor::TextBegin;

  bool canBeEmpty() const {
    switch (kind) {
    case Set:
      return false;
    case Sequence:
    case Atomic:
      return llvm::all_of(parts, [](const Tree &part) { return part.canBeEmpty(); });
    case Alternatives:
      return llvm::any_of(parts, [](const Tree &part) { return part.canBeEmpty(); });
    case Repeat:
      return min == 0 || parts[0].canBeEmpty();
    default:
      return true;
    }
  }
};

/// The error says what is not supported.
llvm::Expected<Tree> parse(llvm::StringRef pattern);

} // namespace sinter::regex

#endif // SINTER_TOOLS_SINTER_TOKENIZER_REGEXTREE_H
