//===- ToyModel.cpp - the toy decoder as a library of its own -------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "ToyDecoder.h"

#include <stdlib.h>

using namespace sinter::test;

extern "C" const sinter_api sinter_runtime_api;
extern "C" __attribute__((visibility("default"))) Model sinter_model_v1;
Model sinter_model_v1;

static ProgramBuilder builder;
static const bool built = [] {
  ToyOptions options;
  if (const char *eos = getenv("TOY_EOS"))
    options.eos = eos;
  buildToy(builder, options);
  sinter_model_v1 = *builder.finish(&sinter_runtime_api);
  return true;
}();
