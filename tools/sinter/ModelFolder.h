//===- ModelFolder.h - what lies beside a model ----------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_MODELFOLDER_H
#define SINTER_TOOLS_SINTER_MODELFOLDER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sinter {

/// What a compiled model carries so that text can be put in and read out. Kept as metas "tokenizer", "tokenizer.kind"
/// and "eos" (ids with commas between).
struct FoundTokenizer {
  std::string path;         ///< empty: there is none
  std::string kind, bytes;  ///< as Tokenizer::load takes them
  std::vector<int64_t> eos; ///< tokens that end a text; known without a tokenizer too
  std::string note;         ///< why a file that is there is not used, or empty
};

/// Looks beside the model's file (and in the folder above, where that one is called onnx) for tokenizer.json,
/// tokenizer.bin or another tok*.bin, and for the end tokens in generation_config.json, genai_config.json, config.json
/// and tokenizer_config.json. Files that cannot be read or used are left out with a note; it never fails.
FoundTokenizer findTokenizer(llvm::StringRef modelPath);

/// The tokens that the configuration beside the model says it was made for: genai_config.json's context_length, else config.json's
/// max_position_embeddings or n_positions. nullopt: it does not say.
std::optional<int64_t> findContextLength(llvm::StringRef modelPath);

/// Reads a tokenizer's file that the user named, or takes "bytes" for ids that are bytes.
llvm::Expected<FoundTokenizer> readTokenizer(llvm::StringRef path);

} // namespace sinter

#endif // SINTER_TOOLS_SINTER_MODELFOLDER_H
