//===- Pipeline.h - what happens to text before the model ------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// The steps that a tokenizer.json names under "normalizer" and "pre_tokenizer".
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_PIPELINE_H
#define SINTER_TOOLS_SINTER_TOKENIZER_PIPELINE_H

#include "tools/sinter/Tokenizer/Regex.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/StringSaver.h"

#include <memory>
#include <string>
#include <vector>

namespace sinter {

/// A text or a regular expression, as {"String": ..} or {"Regex": ..} says.
class Pattern {
public:
  static llvm::Expected<Pattern> create(const llvm::json::Object &step);
  /// Calls `found(begin, end, matches)` for the pieces of `text`, in order: each match, and what is between matches.
  void split(llvm::StringRef text, llvm::function_ref<void(size_t, size_t, bool)> found) const;

private:
  std::string literal;
  std::shared_ptr<const Regex> regex; // null: the literal
};

/// Changes text as a whole.
class Normalizer {
public:
  virtual ~Normalizer() = default;
  /// `step` may be null for a tokenizer without one. The result then is null too.
  static llvm::Expected<std::unique_ptr<Normalizer>> create(const llvm::json::Value *step);
  virtual std::string apply(llvm::StringRef text) const = 0;
};

/// Part of a text. `first`: it begins where the text begins.
struct Piece {
  llvm::StringRef text;
  bool first;
};

/// Splits pieces into words, and changes them where the step says so; `saver` owns what is new.
class PreTokenizer {
public:
  virtual ~PreTokenizer() = default;
  static llvm::Expected<std::unique_ptr<PreTokenizer>> create(const llvm::json::Value *step);
  virtual void apply(std::vector<Piece> &pieces, llvm::StringSaver &saver) const = 0;
  /// Words leave this step as bytes for a vocabulary in the byte alphabet. Nothing may come behind it.
  virtual bool isByteLevel() const { return false; }
};

} // namespace sinter

#endif // SINTER_TOOLS_SINTER_TOKENIZER_PIPELINE_H
