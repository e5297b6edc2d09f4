//===- Json.cpp - JSON from untrusted files -----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Kinds.h"

using namespace llvm;

Expected<json::Value> sinter::parseJson(StringRef text) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > 200)
        return createStringError("JSON nested too deeply");
    } else if ((c == '}' || c == ']') && depth) {
      --depth;
    }
  }
  return json::parse(text);
}
