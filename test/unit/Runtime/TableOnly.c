/*===- TableOnly.c - a model's library with no model in it ------------------===*\
|*
|* Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
|*
\*===----------------------------------------------------------------------===*/

#include "runtime/include/sinter.h"

extern const sinter_api sinter_runtime_api;
__attribute__((visibility("default"))) const sinter_table sinter_model_v1 = {0x52544e53u, 1, NULL, NULL,
                                                                              &sinter_runtime_api};
