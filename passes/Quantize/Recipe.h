//===- Recipe.h - what --weights asks for ----------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_QUANTIZE_RECIPE_H
#define SINTER_PASSES_QUANTIZE_RECIPE_H

#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace sinter::quantize {

/// The format for float weights: auto, f32, bf16, f16, int8 or int4, with options behind a colon, as in int4:group=32.
struct Recipe {
  std::string kind = "auto";
  std::optional<int64_t> group; ///< 0: the whole row
};

/// The error reads on from the text: "is no weight format: ...".
llvm::Expected<Recipe> parseRecipe(llvm::StringRef text);

} // namespace sinter::quantize

#endif // SINTER_PASSES_QUANTIZE_RECIPE_H
