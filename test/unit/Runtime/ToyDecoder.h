//===- ToyDecoder.h - a decoder with one cache, by hand --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Row r of the logits sums over all tokens up to it: token * weight / (1 + distance), so that it tells whether the
// cache, the positions, the mask and the weights were the right ones. It has what real decoders have: a chunked
// sequence, a total axis, a mask that is sliced on two axes, a range of rows.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_RUNTIME_TOYDECODER_H
#define SINTER_TEST_UNIT_RUNTIME_TOYDECODER_H

#include "ProgramBuilder.h"

namespace sinter::test {

constexpr int64_t kVocabulary = 5, kCapacity = 32, kChunk = 4;

struct ToyOptions {
  bool square = false; ///< a float mask of [1, sequence, total] instead of [1, total]
  bool first = true;   ///< the program computes only the wanted rows
  bool chunkable = true;
  bool weights = false; ///< one weight for each vocabulary entry, else 1
  std::string sidecar, features, eos = "2";
};

/// operands: ids, positions, cache; scalars: past
inline void appendTokens(char *const *operands, const int64_t *scalars, int64_t begin, int64_t end, char *) {
  const int64_t *ids = reinterpret_cast<const int64_t *>(operands[0]);
  const int64_t *positions = reinterpret_cast<const int64_t *>(operands[1]);
  float *cache = reinterpret_cast<float *>(operands[2]);
  for (int64_t i = begin; i < end; ++i) {
    cache[(scalars[0] + i) * 2] = static_cast<float>(ids[i]);
    cache[(scalars[0] + i) * 2 + 1] = static_cast<float>(positions[i]);
  }
}

/// operands: cache, mask, logits, weights; scalars: past, first, sequence, square, weights
inline void computeLogits(char *const *operands, const int64_t *scalars, int64_t begin, int64_t end, char *scratch) {
  const float *cache = reinterpret_cast<const float *>(operands[0]);
  float *logits = reinterpret_cast<float *>(operands[2]);
  const float *weights = reinterpret_cast<const float *>(operands[3]);
  int64_t past = scalars[0], total = past + scalars[2];
  float *sums = reinterpret_cast<float *>(scratch);
  for (int64_t r = begin; r < end; ++r) {
    int64_t row = scalars[1] + r;
    for (int64_t v = 0; v < kVocabulary; ++v)
      sums[v] = 0;
    for (int64_t t = 0; t <= past + row; ++t) {
      float mask = scalars[3] ? reinterpret_cast<const float *>(operands[1])[row * total + t]
                              : static_cast<float>(reinterpret_cast<const int64_t *>(operands[1])[t]);
      float distance = static_cast<float>(past + row) - cache[t * 2 + 1];
      for (int64_t v = 0; v < kVocabulary; ++v)
        sums[v] += mask * (cache[t * 2] + static_cast<float>(v)) * (scalars[4] ? weights[v] : 1.0f) / (1 + distance);
    }
    for (int64_t v = 0; v < kVocabulary; ++v)
      logits[r * kVocabulary + v] = sums[v];
  }
}

/// Copies tokens of two floats: operands: from, to.
inline void copyTokens(char *const *operands, const int64_t *, int64_t begin, int64_t end, char *) {
  memcpy(operands[1] + begin * 8, operands[0] + begin * 8, static_cast<size_t>(end - begin) * 8);
}

inline void buildToy(ProgramBuilder &b, const ToyOptions &options = {}) {
  uint32_t sequence = b.symbol("sequence", SymbolKind::Input, 1, options.chunkable ? kChunk : kCapacity);
  uint32_t past = b.symbol("past", SymbolKind::Past, 0, kCapacity);
  uint32_t total = b.scalar(ScalarOp::Add, past, sequence);
  uint32_t one = b.constant(1), vocabulary = b.constant(kVocabulary), two = b.constant(2);
  uint32_t square = b.constant(options.square), weights = b.constant(options.weights);
  uint32_t first = options.first ? b.symbol("first", SymbolKind::First, 0, kCapacity) : b.constant(0);
  uint32_t rows = b.scalar(ScalarOp::Sub, sequence, first);
  b.symbols[b.symbolOf(past)].after = total;
  b.header.sequence = b.symbolOf(sequence);
  b.header.chunk = kChunk;
  b.header.chunkable = options.chunkable;

  using enum AxisRole;
  b.inputs.push_back(b.tensor("input_ids", DType::I64, {{one, Batch}, {sequence, Sequence}}, 256));
  if (options.square)
    b.inputs.push_back(
        b.tensor("attention_mask", DType::F32, {{one, Batch}, {sequence, Sequence}, {total, Total}}, 4096));
  else
    b.inputs.push_back(b.tensor("attention_mask", DType::I64, {{one, Batch}, {total, Total}}, 256));
  b.inputs.push_back(b.tensor("position_ids", DType::I64, {{one, Batch}, {sequence, Sequence}}, 256));
  b.outputs.push_back(
      b.tensor("logits", DType::F32, {{one, Batch}, {rows, Sequence}, {vocabulary, Other}}, 32 * kVocabulary * 4));

  uint32_t append = b.kernel("append", appendTokens), logits = b.kernel("logits", computeLogits),
           copy = b.kernel("copy", copyTokens);
  Operand cache = {Space::State, 0, kNone, 0}, input = {Space::Input, 0, kNone, 0},
          output = {Space::Output, 0, kNone, 0};
  std::vector<Row> load = {b.dispatch(copy, past, {input, cache}, {})};
  std::vector<Row> store = {b.dispatch(copy, past, {cache, output}, {})};
  State state = {StateKind::Cache,
                 b.tensor("past.tokens", DType::F32, {{one, Batch}, {past, Past}, {two, Other}}, kCapacity * 8),
                 b.tensor("present.tokens", DType::F32, {{one, Batch}, {total, Total}, {two, Other}}, kCapacity * 8),
                 b.symbolOf(past),
                 kCapacity * 8,
                 8,
                 b.string("pairs"),
                 b.list(load),
                 b.list(store)};
  b.states.push_back(state);
  b.rows.push_back(b.dispatch(append, sequence, {input, {Space::Input, 2, kNone, 0}, cache}, {past}));
  b.rows.push_back(
      b.dispatch(logits, rows,
                 {cache, {Space::Input, 1, kNone, 0}, output, {Space::Weights, 0, kNone, options.weights ? 64u : 0u}},
                 {past, first, sequence, square, weights}));
  b.header.arenaBytes = 64;
  b.header.scratchBytes = 64;
  if (options.weights)
    b.header.weightBytes = 64 + kVocabulary * 4;
  if (!options.sidecar.empty())
    b.meta("sidecar", options.sidecar);
  if (!options.features.empty())
    b.meta("features", options.features);
  b.meta("eos", options.eos);
}

/// What row `row` of the logits has to be for these tokens.
inline std::vector<float> expectedLogits(const std::vector<int64_t> &tokens, int64_t row) {
  std::vector<float> sums(kVocabulary);
  for (int64_t t = 0; t <= row; ++t)
    for (int64_t v = 0; v < kVocabulary; ++v)
      sums[static_cast<size_t>(v)] += (static_cast<float>(tokens[static_cast<size_t>(t)]) + static_cast<float>(v)) /
                                      (1 + static_cast<float>(row - t));
  return sums;
}

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_RUNTIME_TOYDECODER_H
