//===- AttentionTest.cpp - attention kernels against float64 ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Attention/AttentionHarness.h"

#include "gtest/gtest.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace sinter::test;

namespace {

constexpr float kSmallest = std::numeric_limits<float>::lowest();

float rounded(float x, const std::string &type) {
  if (type == "f32")
    return x;
  llvm::APFloat value(x);
  bool lost;
  value.convert(type == "f16" ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven, &lost);
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lost);
  return value.convertToFloat();
}

/// Random queries, keys, values and masks of a case.
struct Data {
  Data(const AttentionSpec &spec, int64_t sequences, int64_t length) : spec(spec), sequences(sequences), length(length) {
    std::mt19937 random(17);
    std::normal_distribution<float> normal;
    auto fill = [&](std::vector<float> &x, int64_t size, float factor) {
      x.resize(size);
      for (float &y : x)
        y = factor * normal(random);
    };
    fill(q, sequences * length * spec.heads * spec.keyDim, 2.0f);
    fill(k, sequences * length * spec.kvHeads * spec.keyDim, 1.0f);
    fill(v, sequences * length * spec.kvHeads * spec.valueDim, 1.0f);
    fill(slopes, spec.heads, 0.05f);
    fill(sinks, spec.heads, 2.0f);
    mask.assign(sequences * length, 1);
    for (int64_t b = 0; b < sequences; ++b) // padding on the left, as decoders have it, and a hole
      for (int64_t t = 0; t < length; ++t)
        if (t < 3 * b || t == 7)
          mask[b * length + t] = 0;
  }

  AttentionCall call() const {
    AttentionCall result;
    result.q = q.data(), result.k = k.data(), result.v = v.data();
    result.mask = mask.data(), result.slopes = slopes.data(), result.sinks = sinks.data();
    result.length = length, result.sequences = sequences;
    return result;
  }

  /// The row of query `i` at position `i`, in float64.
  std::vector<double> reference(int64_t b, int64_t i, int64_t h, int64_t total) const {
    int64_t g = h / (spec.heads / spec.kvHeads);
    std::vector<double> scores(total);
    double most = -INFINITY;
    for (int64_t j = 0; j < total; ++j) {
      double s = 0;
      for (int64_t d = 0; d < spec.keyDim; ++d) {
        float query = q[((b * length + i) * spec.heads + h) * spec.keyDim + d] * spec.scale;
        if (spec.layout == "bf16")
          query = rounded(query, "bf16");
        s += double(query) * rounded(k[((b * length + j) * spec.kvHeads + g) * spec.keyDim + d], spec.layout);
      }
      if (spec.softcap)
        s = spec.softcap * std::tanh(s / spec.softcap);
      bool padded = mask[b * length + j] == 0;
      bool keep = !(spec.causal && j > i) && !(spec.window && j <= i - spec.window);
      if (spec.mask == "padding" || spec.mask == "distance")
        keep &= !padded;
      if (spec.mask == "causal")
        keep &= j <= i;
      if (spec.mask == "distance")
        s += double(float(j - i) * slopes[h]);
      if (spec.mask == "smallest" && padded)
        s = float(s) + kSmallest;
      scores[j] = keep ? s : -INFINITY;
      most = std::max(most, scores[j]);
    }
    if (spec.sinks)
      most = std::max(most, double(sinks[h]));
    double sum = spec.sinks ? std::exp(sinks[h] - most) : 0;
    std::vector<double> out(spec.valueDim);
    for (int64_t j = 0; j < total; ++j) {
      double p = scores[j] == -INFINITY ? 0 : std::exp(scores[j] - most);
      sum += p;
      for (int64_t d = 0; d < spec.valueDim; ++d)
        out[d] += p * rounded(v[((b * length + j) * spec.kvHeads + g) * spec.valueDim + d], spec.layout);
    }
    for (double &x : out)
      x = sum == 0 && spec.zeroMaskedRows ? 0 : x / sum;
    return out;
  }

  AttentionSpec spec;
  int64_t sequences, length;
  std::vector<float> q, k, v, slopes, sinks;
  std::vector<int64_t> mask;
};

/// Runs positions [0, length) in chunks and returns all rows as [sequences, length, heads, value channels].
std::vector<float> runChunks(AttentionKernels &kernels, const Data &data, const std::vector<int64_t> &chunks, int64_t pieces = 1) {
  const AttentionSpec &spec = data.spec;
  Buffer cache(kernels.cacheBytes(data.sequences));
  int64_t row = spec.heads * spec.valueDim;
  std::vector<float> all(data.sequences * data.length * row);
  AttentionCall call = data.call();
  call.cache = cache.data();
  for (int64_t tokens : chunks) {
    call.tokens = tokens;
    call.total = call.past + tokens;
    std::vector<float> out(data.sequences * tokens * row, NAN);
    call.out = out.data();
    kernels.append(call, pieces);
    kernels.attend(call, pieces);
    for (int64_t b = 0; b < data.sequences; ++b)
      std::memcpy(&all[(b * data.length + call.past) * row], &out[b * tokens * row], tokens * row * sizeof(float));
    call.past += tokens;
  }
  EXPECT_EQ(call.past, data.length);
  return all;
}

double tolerance(const AttentionSpec &spec) { return spec.layout == "bf16" ? 2e-2 : 2e-5; }

/// `total` of row i: everything at once, or what is there when its chunk runs.
void compare(const Data &data, const std::vector<float> &rows, bool growing, int64_t everyRow = 1) {
  const AttentionSpec &spec = data.spec;
  for (int64_t b = 0; b < data.sequences; ++b)
    for (int64_t i = 0; i < data.length; i += everyRow)
      for (int64_t h = 0; h < spec.heads; ++h) {
        std::vector<double> expected = data.reference(b, i, h, growing ? i + 1 : data.length);
        for (int64_t d = 0; d < spec.valueDim; ++d) {
          float got = rows[((b * data.length + i) * spec.heads + h) * spec.valueDim + d];
          if (std::isnan(expected[d]) && std::isnan(got))
            continue;
          ASSERT_NEAR(got, expected[d], tolerance(spec)) << "sequence " << b << " row " << i << " head " << h << " channel " << d;
        }
      }
}

bool sameBits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

AttentionSpec shape(int64_t heads, int64_t kvHeads, int64_t keyDim, int64_t valueDim, std::string layout) {
  AttentionSpec spec;
  spec.heads = heads, spec.kvHeads = kvHeads, spec.keyDim = keyDim, spec.valueDim = valueDim, spec.layout = layout;
  spec.scale = 1.0f / std::sqrt(float(keyDim));
  return spec;
}

/// Causal attention over a cache: against float64; then any chunks, any split of the items: the same bits.
void checkCausal(AttentionSpec spec, int64_t length, int64_t sequences = 1, int64_t everyRow = 1) {
  spec.causal = true;
  AttentionKernels kernels(spec);
  Data data(spec, sequences, length);
  std::vector<float> whole = runChunks(kernels, data, {length});
  compare(data, whole, true, everyRow);
  std::vector<int64_t> chunks;
  for (int64_t left = length, size = 7; left; size = size * 3 % 97 + 1) {
    chunks.push_back(std::min(left, size));
    left -= chunks.back();
  }
  EXPECT_TRUE(sameBits(whole, runChunks(kernels, data, chunks, 3)));
  EXPECT_TRUE(sameBits(whole, runChunks(kernels, data, std::vector<int64_t>(length, 1), 2)));
  EXPECT_TRUE(sameBits(whole, runChunks(kernels, data, {length}, 1000)));
}

TEST(Attention, Groups) {
  for (int64_t group : {1, 2, 3, 4, 7, 8})
    for (std::string layout : {"f32", "f16", "bf16"})
      checkCausal(shape(2 * group, 2, 16, 16, layout), 70);
}

TEST(Attention, HeadSizes) {
  for (int64_t dim : {1, 8, 15, 16, 33, 64, 80, 128})
    for (std::string layout : {"f32", "f16", "bf16"})
      checkCausal(shape(2, 1, dim, dim, layout), 70);
  checkCausal(shape(4, 2, 24, 40, "f32"), 70);
  checkCausal(shape(4, 2, 40, 23, "bf16"), 70);
}

TEST(Attention, LongContext) {
  for (std::string layout : {"f32", "f16", "bf16"})
    checkCausal(shape(8, 2, 16, 16, layout), 1100, 1, 37);
}

TEST(Attention, ManyQueryHeads) { checkCausal(shape(71, 1, 8, 8, "f32"), 600, 1, 41); }

TEST(Attention, SplitOrNot) {
  AttentionSpec spec = shape(6, 2, 16, 16, "bf16");
  spec.causal = true;
  Data data(spec, 1, 1100);
  std::vector<int64_t> chunks = {512, 580, 1, 2, 3, 1, 1};
  AttentionKernels split(spec);
  std::vector<float> rows = runChunks(split, data, chunks, 2);
  spec.partials = false;
  AttentionKernels whole(spec);
  EXPECT_TRUE(sameBits(rows, runChunks(whole, data, chunks)));
}

TEST(Attention, Encoder) {
  for (std::string layout : {"f32", "f16", "bf16"}) {
    AttentionSpec spec = shape(3, 3, 32, 32, layout);
    AttentionKernels kernels(spec);
    for (int64_t length : {1, 15, 63, 64, 65, 130}) {
      Data data(spec, 2, length);
      std::vector<float> rows = runChunks(kernels, data, {length});
      compare(data, rows, false);
      EXPECT_TRUE(sameBits(rows, runChunks(kernels, data, {length}, 5)));
    }
  }
}

TEST(Attention, Masks) {
  for (std::string mask : {"padding", "smallest", "causal", "distance"})
    for (std::string layout : {"f32", "bf16"}) {
      AttentionSpec spec = shape(4, 2, 16, 16, layout);
      spec.mask = mask;
      AttentionKernels kernels(spec);
      Data data(spec, 2, 150);
      std::vector<float> rows = runChunks(kernels, data, {150});
      compare(data, rows, false);
      EXPECT_TRUE(sameBits(rows, runChunks(kernels, data, {150}, 4)));
    }
}

TEST(Attention, CausalMaskHasTheBitsOfCausal) {
  AttentionSpec spec = shape(4, 2, 16, 16, "f16");
  spec.causal = true;
  AttentionKernels skipping(spec);
  Data data(spec, 2, 600);
  std::vector<float> rows = runChunks(skipping, data, {600});
  spec.causal = false;
  spec.mask = "causal";
  AttentionKernels masked(spec);
  EXPECT_TRUE(sameBits(rows, runChunks(masked, data, {600})));
}

// A finite mask: what is skipped weighs nothing, and the rows that see padding only are even averages of everything, as without bounds.
TEST(Attention, OutsideHasTheBitsOfTheWholeMask) {
  for (int64_t window : {0, 100})
    for (std::string layout : {"f32", "bf16"}) {
      AttentionSpec spec = shape(4, 2, 16, 16, layout);
      spec.mask = "exporter";
      AttentionKernels whole(spec);
      spec.causal = true;
      spec.window = window;
      spec.outside = kSmallest;
      AttentionKernels bounded(spec);
      Data data(spec, 3, 1100);
      std::fill_n(data.mask.begin() + 2 * data.length, 700, 0); // a prompt whose first blocks are padding
      for (const std::vector<int64_t> &chunks : std::vector<std::vector<int64_t>>{{1100}, {300, 790, 1, 2, 7}}) {
        std::vector<float> rows = runChunks(whole, data, chunks, 2);
        EXPECT_TRUE(sameBits(rows, runChunks(bounded, data, chunks, 2))) << window << " " << layout;
        if (window || layout != "f32" || chunks.size() > 1)
          continue;
        // Row 5 of the last sequence sees padding only.
        for (int64_t d = 0; d < 16; ++d) {
          double sum = 0;
          for (int64_t t = 0; t < 1100; ++t)
            sum += data.v[((2 * data.length + t) * 2) * 16 + d];
          ASSERT_NEAR(rows[((2 * data.length + 5) * 4) * 16 + d], sum / 1100, 1e-4);
        }
      }
    }
}

TEST(Attention, CausalWithPadding) {
  AttentionSpec spec = shape(4, 2, 16, 16, "f32");
  spec.mask = "padding";
  spec.zeroMaskedRows = true;
  checkCausal(spec, 80, 3);
  spec.zeroMaskedRows = false; // rows without a visible position are NaN
  checkCausal(spec, 80, 3);
}

TEST(Attention, EvenAverageOfSmallestBiases) {
  AttentionSpec spec = shape(2, 2, 16, 16, "f32");
  spec.mask = "smallest";
  AttentionKernels kernels(spec);
  Data data(spec, 1, 600);
  std::fill(data.mask.begin(), data.mask.end(), 0);
  compare(data, runChunks(kernels, data, {600}), false, 7);
}

TEST(Attention, Window) {
  for (int64_t window : {1, 5, 64, 100, 700}) {
    AttentionSpec spec = shape(4, 2, 16, 16, "f32");
    spec.window = window;
    checkCausal(spec, window > 64 ? 1100 : 300, 1, window > 64 ? 23 : 1);
  }
}

TEST(Attention, SoftCapAndSinks) {
  AttentionSpec spec = shape(4, 2, 16, 16, "f32");
  spec.softcap = 3;
  checkCausal(spec, 100);
  spec.sinks = true;
  checkCausal(spec, 600, 2, 7);
}

TEST(Attention, Avx2) {
  for (std::string layout : {"f32", "f16", "bf16"}) {
    AttentionSpec spec = shape(8, 2, 80, 80, layout);
    spec.cpu = "haswell";
    checkCausal(spec, 150);
  }
}

TEST(Attention, NarrowResults) {
  for (std::string out : {"f16", "bf16"}) {
    AttentionSpec spec = shape(4, 2, 16, 20, "f32");
    spec.out = out;
    AttentionKernels kernels(spec);
    Data data(spec, 1, 40);
    Buffer cache(kernels.cacheBytes(1));
    std::vector<uint16_t> rows(40 * 4 * 20);
    AttentionCall call = data.call();
    call.cache = cache.data(), call.tokens = call.total = 40, call.out = rows.data();
    kernels.append(call);
    kernels.attend(call);
    for (int64_t i = 0; i < 40; ++i)
      for (int64_t h = 0; h < 4; ++h) {
        std::vector<double> expected = data.reference(0, i, h, 40);
        for (int64_t d = 0; d < 20; ++d) {
          auto &semantics = out == "f16" ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat();
          llvm::APFloat got(semantics, llvm::APInt(16, rows[(i * 4 + h) * 20 + d]));
          bool lost;
          got.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lost);
          ASSERT_NEAR(got.convertToFloat(), expected[d], 2e-2);
        }
      }
  }
}

TEST(Attention, CacheHoldsWhatWasAppended) {
  for (std::string layout : {"f32", "f16", "bf16"})
    for (int64_t dim : {1, 7, 16, 40}) {
      AttentionSpec spec = shape(2, 2, dim, dim + 2, layout);
      AttentionKernels kernels(spec);
      Data data(spec, 2, 133);
      Buffer cache(kernels.cacheBytes(2));
      AttentionCall call = data.call();
      call.cache = cache.data();
      for (int64_t tokens : {5, 1, 1, 62, 64}) {
        call.tokens = tokens;
        kernels.append(call, 2);
        call.past += tokens;
      }
      call.total = 133;
      std::vector<float> keys = kernels.exportPlain(call, "key"), values = kernels.exportPlain(call, "value");
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t h = 0; h < 2; ++h)
          for (int64_t t = 0; t < 133; ++t) {
            for (int64_t d = 0; d < dim; ++d)
              ASSERT_EQ(keys[((b * 2 + h) * 133 + t) * dim + d], rounded(data.k[((b * 133 + t) * 2 + h) * dim + d], layout));
            for (int64_t d = 0; d < dim + 2; ++d)
              ASSERT_EQ(values[((b * 2 + h) * 133 + t) * (dim + 2) + d],
                        rounded(data.v[((b * 133 + t) * 2 + h) * (dim + 2) + d], layout));
          }
    }
}

} // namespace
