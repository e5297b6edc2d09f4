//===- AddedTokens.h - tokens that are found before all else ---*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_ADDEDTOKENS_H
#define SINTER_TOOLS_SINTER_TOKENIZER_ADDEDTOKENS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

struct AddedToken {
  std::string content;
  int64_t id = 0;
  bool singleWord = false, stripLeft = false, stripRight = false, normalized = false, special = false;
};

/// Finds the leftmost, then longest, of a set of tokens in a text.
class TokenFinder {
public:
  /// `spelling` is what is looked for, the token's content or its normalized form.
  void add(const AddedToken &token, std::string spelling);
  bool empty() const { return entries.empty(); }
  /// Calls `found` for the pieces of `text`, in order: a token's, or what is between tokens (null).
  void split(llvm::StringRef text, llvm::function_ref<void(llvm::StringRef, const AddedToken *)> found) const;

private:
  struct Entry {
    AddedToken token;
    std::string spelling;
  };
  const Entry *match(llvm::StringRef rest) const;

  std::vector<Entry> entries;
  std::array<std::vector<uint32_t>, 256> byFirst; // of entries, longest first
};

} // namespace sinter

#endif // SINTER_TOOLS_SINTER_TOKENIZER_ADDEDTOKENS_H
