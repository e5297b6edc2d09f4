//===- BPE.h - byte-pair encoding of one word ------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_BPE_H
#define SINTER_TOOLS_SINTER_TOKENIZER_BPE_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

/// Merges the symbols of a word, best rank first, leftmost of equals, until no pair has a merge. Words are bytes for
/// byte-level vocabularies, and characters (with bytes as a last resort) for the others.
class BPE {
public:
  /// `model` is the "model" object of a tokenizer.json; `byteLevel` says that its tokens are spelled in the byte
  /// alphabet (byteOfLetter).
  static llvm::Expected<BPE> create(const llvm::json::Object &model, bool byteLevel);

  /// What a call of Tokenizer::encode has seen: the ids of frequent words.
  using Cache = llvm::StringMap<llvm::SmallVector<uint32_t, 4>>;
  void encode(llvm::StringRef word, Cache &cache, std::vector<int64_t> &ids) const;

  /// As the file spells them.
  const llvm::StringMap<uint32_t> &vocabulary() const { return vocab; }

  /// The byte that a letter of the byte alphabet stands for, or -1. Printable bytes are themselves, the others are
  /// U+0100 and up.
  static int byteOfLetter(uint32_t codePoint);
  /// The bytes of a token spelled in that alphabet; false if it is not.
  static bool fromByteAlphabet(llvm::StringRef token, std::string &bytes);

private:
  struct Merge {
    uint32_t rank, id;
  };
  static uint64_t pair(uint32_t left, uint32_t right) { return uint64_t(left) << 32 | right; }
  llvm::Error readMerges(const llvm::json::Array &list);
  void findBoundaries();
  void encodeWord(llvm::StringRef word, llvm::SmallVectorImpl<uint32_t> &ids) const;
  void split(llvm::StringRef word, llvm::SmallVectorImpl<uint32_t> &symbols) const;
  void mergeShort(llvm::SmallVectorImpl<uint32_t> &symbols) const;
  void mergeLong(llvm::SmallVectorImpl<uint32_t> &symbols) const;

  llvm::StringMap<uint32_t> vocab; // token as spelled -> id
  llvm::StringMap<uint32_t> words; // byte level: token's bytes -> id
  llvm::DenseMap<uint64_t, Merge> merges;
  std::array<uint32_t, 256> byteIds; // byte level: the byte's token; else its "<0xXX>" token
  uint32_t unknown;
  bool byteLevel = false, byteFallback = false, fuseUnknown = false, ignoreMerges = false;
  bool splitsAtSpace = false; // no token has U+2581 behind another character: words may be cut before it
};

} // namespace sinter

#endif // SINTER_TOOLS_SINTER_TOKENIZER_BPE_H
