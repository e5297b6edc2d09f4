//===- Tokenizer.h - text to token ids and back ----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_TOKENIZER_H
#define SINTER_TOOLS_SINTER_TOKENIZER_TOKENIZER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sinter {

/// A tokenizer is immutable: any number of threads may use one.
class Tokenizer {
public:
  virtual ~Tokenizer() = default;

  /// Reads a tokenizer's file. `kind` is "hf" (tokenizer.json of Hugging Face's tokenizers), "llama2c" (llama2.c's
  /// .bin), "bytes" (no file: ids are bytes), or empty to tell by the contents. The file is untrusted.
  static llvm::Expected<std::unique_ptr<Tokenizer>> load(llvm::StringRef bytes, llvm::StringRef kind = "");

  /// The ids of a text. Bytes that are not UTF-8 count as U+FFFD, except for "bytes". `addSpecial` adds what the
  /// tokenizer puts around a text, such as a beginning-of-sequence token.
  virtual std::vector<int64_t> encode(llvm::StringRef text, bool addSpecial) const = 0;
  /// Appends the bytes a token stands for; `first`: it is the first that stands for text. False: it does not, being
  /// special or no token. A token may hold part of a UTF-8 sequence.
  virtual bool decode(int64_t id, bool first, std::string &bytes) const = 0;
  /// The id of a token as the file writes it.
  virtual std::optional<int64_t> find(llvm::StringRef token) const { return std::nullopt; }
  /// Tokens that end a text, as far as the tokenizer's own file tells. A model's configuration knows better.
  virtual std::vector<int64_t> endTokens() const { return {}; }
};

/// The text of tokens as they come, in whole characters.
class TextStream {
public:
  explicit TextStream(const Tokenizer &tokenizer) : tokenizer(tokenizer) {}
  /// What has become readable with this token. Invalid UTF-8 reads as U+FFFD.
  std::string push(int64_t id);
  /// The rest, an unfinished character.
  std::string finish();

private:
  const Tokenizer &tokenizer;
  std::string pending; // an unfinished UTF-8 sequence
  bool first = true;
};

} // namespace sinter

#endif // SINTER_TOOLS_SINTER_TOKENIZER_TOKENIZER_H
