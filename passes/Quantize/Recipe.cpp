//===- Recipe.cpp - what --weights asks for -----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Quantize/Recipe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace sinter::quantize {

llvm::Expected<Recipe> parseRecipe(llvm::StringRef text) {
  Recipe recipe;
  auto [kind, options] = text.split(':');
  recipe.kind = kind.str();
  if (!llvm::is_contained({"auto", "f32", "bf16", "f16", "int8", "int4"}, kind))
    return llvm::createStringError("is no weight format: expected auto, f32, bf16, f16, int8 or int4");
  llvm::SmallVector<llvm::StringRef> list;
  options.split(list, ',', -1, false);
  for (llvm::StringRef option : list) {
    auto [key, value] = option.split('=');
    int64_t number;
    if (key != "group" || value.getAsInteger(10, number) || !(number == 0 || (number >= 16 && number % 8 == 0)))
      return llvm::createStringError("has the setting '" + option.str() +
                                     "': expected group=N with N 0 (the whole row) or a multiple of 8 from 16");
    recipe.group = number;
  }
  return recipe;
}

} // namespace sinter::quantize
