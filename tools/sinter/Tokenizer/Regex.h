//===- Regex.h - regular expressions over code points ----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// What tokenizers split text with: a backtracking matcher with Unicode categories and look-around, whose runs of one
// class (nearly everything in those patterns) are plain loops.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_REGEX_H
#define SINTER_TOOLS_SINTER_TOKENIZER_REGEX_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace sinter {

/// Text as code points, with the byte at which each begins (and one more entry for the end).
struct CodePoints {
  explicit CodePoints(llvm::StringRef text);
  std::vector<uint32_t> points;
  std::vector<uint32_t> offsets;
};

/// Understands literals, `.`, classes with ranges, escapes (\s \S \d \D \p{..} \P{..} \r \n \t \xHH \x{H..} \uHHHH),
/// groups, `(?i:..)`, look-ahead and one-character look-behind, alternation, anchors, and greedy, lazy and possessive
/// repetition. Anything else is an error of `compile`, not of the match.
class Regex {
public:
  static llvm::Expected<Regex> compile(llvm::StringRef pattern);
  Regex(Regex &&);
  Regex &operator=(Regex &&);
  ~Regex();

  /// The end of the match that begins at `at` exactly, or -1. A pattern that needs more than a fixed number of steps
  /// for it does not match.
  int64_t matchAt(llvm::ArrayRef<uint32_t> text, size_t at) const;

private:
  struct Impl;
  explicit Regex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace sinter

#endif // SINTER_TOOLS_SINTER_TOKENIZER_REGEX_H
