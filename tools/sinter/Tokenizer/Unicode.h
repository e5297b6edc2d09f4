//===- Unicode.h - code points and their properties ------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_UNICODE_H
#define SINTER_TOOLS_SINTER_TOKENIZER_UNICODE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace sinter::unicode {

/// General categories, in the order of the generated tables.
enum Category : uint8_t {
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Mc,
  Me,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Ps,
  Pe,
  Pi,
  Pf,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Cs,
  Co,
  Cn
};
/// A set of categories: one bit each.
using CategoryMask = uint32_t;
constexpr CategoryMask bit(Category category) { return CategoryMask(1) << category; }
constexpr CategoryMask kLetter = bit(Lu) | bit(Ll) | bit(Lt) | bit(Lm) | bit(Lo);
constexpr CategoryMask kMark = bit(Mn) | bit(Mc) | bit(Me);
constexpr CategoryMask kNumber = bit(Nd) | bit(Nl) | bit(No);
constexpr CategoryMask kPunctuation = bit(Pc) | bit(Pd) | bit(Ps) | bit(Pe) | bit(Pi) | bit(Pf) | bit(Po);
constexpr CategoryMask kSymbol = bit(Sm) | bit(Sc) | bit(Sk) | bit(So);
constexpr CategoryMask kSeparator = bit(Zs) | bit(Zl) | bit(Zp);
constexpr CategoryMask kOther = bit(Cc) | bit(Cf) | bit(Cs) | bit(Co) | bit(Cn);

Category category(uint32_t codePoint);
inline bool isIn(uint32_t codePoint, CategoryMask mask) { return bit(category(codePoint)) & mask; }
/// The property White_Space.
bool isWhitespace(uint32_t codePoint);

constexpr uint32_t kReplacement = 0xfffd;

/// Takes one code point from the front of `text`, which is not empty. A byte that begins no valid sequence gives
/// `valid` false, U+FFFD and is taken alone.
uint32_t takeCodePoint(llvm::StringRef &text, bool &valid);
/// Bytes that the sequence beginning with `lead` has in all; 0 where no sequence begins so.
unsigned sequenceLength(uint8_t lead);
void append(std::string &text, uint32_t codePoint);
/// The text with every invalid byte replaced by U+FFFD.
std::string toValid(llvm::StringRef text);

/// Canonical decomposition, and that followed by canonical composition.
std::string toNFD(llvm::StringRef text);
std::string toNFC(llvm::StringRef text);

} // namespace sinter::unicode

#endif // SINTER_TOOLS_SINTER_TOKENIZER_UNICODE_H
