//===- Kinds.h - the kinds of tokenizer files ------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_TOKENIZER_KINDS_H
#define SINTER_TOOLS_SINTER_TOKENIZER_KINDS_H

#include "tools/sinter/Tokenizer/Tokenizer.h"

#include "llvm/Support/JSON.h"

namespace sinter {

llvm::Expected<std::unique_ptr<Tokenizer>> loadHuggingFace(llvm::StringRef bytes);
llvm::Expected<std::unique_ptr<Tokenizer>> loadLlama2c(llvm::StringRef bytes);

/// Ids are below this, so that tables by id stay small whatever a file says.
constexpr int64_t kMaxTokens = 1 << 24;

/// llvm::json::parse for untrusted text: deep nesting is an error instead of a stack overflow.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text);

} // namespace sinter

#endif // SINTER_TOOLS_SINTER_TOKENIZER_KINDS_H
