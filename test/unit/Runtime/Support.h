//===- Support.h - opening models in tests ---------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_RUNTIME_SUPPORT_H
#define SINTER_TEST_UNIT_RUNTIME_SUPPORT_H

#include "ToyDecoder.h"

#include <gtest/gtest.h>
#include <memory>

extern "C" const sinter_api sinter_runtime_api;

namespace sinter::test {

/// A model made by hand and linked with the tests.
class Opened {
public:
  /// What `build` adds to a builder.
  template <typename Build> explicit Opened(Build build, const char *path = nullptr, sinter_open_options options = {}) {
    build(builder);
    const program::Model *table = builder.finish(&sinter_runtime_api);
    status = sinter_runtime_api.open(table, path, &options, &model, why);
  }
  explicit Opened(const ToyOptions &toy = {}, const char *path = nullptr, sinter_open_options options = {})
      : Opened([&](ProgramBuilder &b) { buildToy(b, toy); }, path, options) {}
  ~Opened() { sinter_close(model); }

  ProgramBuilder builder;
  sinter_model *model = nullptr;
  char why[SINTER_MESSAGE_BYTES] = "";
  int status = -1;
};

using Session = std::unique_ptr<sinter_session, void (*)(sinter_session *)>;
inline Session makeSession(const Opened &opened, uint32_t threads = 1, uint32_t chunk = 0) {
  sinter_session_options options = {};
  options.threads = threads, options.chunk = chunk;
  sinter_session *session = nullptr;
  char why[SINTER_MESSAGE_BYTES] = "";
  EXPECT_EQ(sinter_session_create(opened.model, &options, &session, why), 0) << why;
  return {session, sinter_session_destroy};
}

template <typename T> sinter_dtype dtypeOf();
template <> inline sinter_dtype dtypeOf<int64_t>() { return SINTER_I64; }
template <> inline sinter_dtype dtypeOf<float>() { return SINTER_F32; }

template <typename T> sinter_tensor tensorOf(const char *name, std::vector<int64_t> dims, std::vector<T> &data) {
  sinter_tensor tensor = {};
  tensor.name = name, tensor.dtype = dtypeOf<T>(), tensor.rank = static_cast<uint32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), tensor.dims);
  tensor.data = data.data(), tensor.bytes = data.size() * sizeof(T);
  return tensor;
}
inline sinter_tensor wanted(const char *name) {
  sinter_tensor tensor = {};
  tensor.name = name;
  return tensor;
}
inline std::vector<float> floats(const sinter_tensor &tensor) {
  const float *data = static_cast<const float *>(tensor.data);
  return {data, data + tensor.bytes / sizeof(float)};
}

/// The toy's three inputs for new tokens after `past` others.
struct ToyInputs {
  std::vector<int64_t> ids, mask, positions;
  std::vector<float> square;
  sinter_tensor tensors[3];
  ToyInputs(std::vector<int64_t> tokens, int64_t past, bool isSquare = false) : ids(std::move(tokens)) {
    int64_t count = static_cast<int64_t>(ids.size());
    mask.assign(static_cast<size_t>(past + count), 1);
    square.assign(static_cast<size_t>(count * (past + count)), 1.0f);
    for (int64_t i = 0; i < count; ++i)
      positions.push_back(past + i);
    tensors[0] = tensorOf("input_ids", {1, count}, ids);
    tensors[1] = isSquare ? tensorOf("attention_mask", {1, count, past + count}, square)
                          : tensorOf("attention_mask", {1, past + count}, mask);
    tensors[2] = tensorOf("position_ids", {1, count}, positions);
  }
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_RUNTIME_SUPPORT_H
