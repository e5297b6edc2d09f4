//===- SamplingTest.cpp ---------------------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>

using namespace sinter::test;

static int64_t draw(sinter_sampling &sampling, const std::vector<float> &logits) {
  return sinter_runtime_api.sample(&sampling, logits.data(), logits.size());
}

static std::map<int64_t, int> drawMany(sinter_sampling sampling, const std::vector<float> &logits, int count) {
  std::map<int64_t, int> seen;
  for (int i = 0; i < count; ++i)
    seen[draw(sampling, logits)]++;
  return seen;
}

TEST(Sampling, greedyTakesTheFirstLargest) {
  sinter_sampling greedy = {};
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(draw(greedy, {1, 3, 2, 3}), 1);
  EXPECT_EQ(draw(greedy, {nan, -5, nan}), 1);
  EXPECT_EQ(draw(greedy, {-inf, -inf}), 0);
  EXPECT_EQ(draw(greedy, {nan}), -1);
  EXPECT_EQ(draw(greedy, {}), -1);
  EXPECT_EQ(greedy.seed, 0u);
}

TEST(Sampling, followsTheDistribution) {
  const std::vector<float> logits = {0, 1, 2, -1};
  double total = 0;
  for (float logit : logits)
    total += std::exp(logit / 0.5);
  constexpr int count = 20000;
  std::map<int64_t, int> seen = drawMany({0.5f, 0, 0, 42}, logits, count);
  for (size_t i = 0; i < logits.size(); ++i)
    EXPECT_NEAR(seen[static_cast<int64_t>(i)] / double(count), std::exp(logits[i] / 0.5) / total, 0.01) << i;
}

TEST(Sampling, sameSeedSameTokens) {
  std::vector<float> logits(1000);
  std::mt19937 random(1);
  for (float &logit : logits)
    logit = std::normal_distribution<float>(0, 2)(random);
  sinter_sampling a = {0.8f, 50, 0.9f, 7}, b = a, c = {0.8f, 50, 0.9f, 8};
  std::vector<int64_t> as, bs, cs;
  for (int i = 0; i < 50; ++i) {
    as.push_back(draw(a, logits));
    bs.push_back(draw(b, logits));
    cs.push_back(draw(c, logits));
  }
  EXPECT_EQ(as, bs);
  EXPECT_NE(as, cs);
}

TEST(Sampling, knownSequence) {
  // Guards the promise across machines and versions.
  std::vector<float> logits = {0.5f, 1.5f, 1.0f, 0.25f, 1.25f};
  sinter_sampling sampling = {1.0f, 0, 0, 1234};
  std::vector<int64_t> tokens;
  for (int i = 0; i < 12; ++i)
    tokens.push_back(draw(sampling, logits));
  EXPECT_EQ(tokens, (std::vector<int64_t>{3, 2, 1, 1, 3, 3, 2, 1, 1, 4, 0, 1}));
}

TEST(Sampling, topKAndTopPAgainstSorting) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 200; ++trial) {
    size_t size = 1 + random() % 60;
    std::vector<float> logits(size);
    for (float &logit : logits) // few values, so that there are ties
      logit = static_cast<float>(static_cast<int>(random() % 15) - 7) / 2;
    uint32_t k = random() % 12;
    float p = trial % 3 ? static_cast<float>(random() % 100) / 100 : 0;

    std::vector<size_t> order(size);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
    if (k && k < size)
      order.resize(k);
    double total = 0, sum = 0;
    for (size_t i : order)
      total += std::exp(double(logits[i]));
    size_t kept = order.size();
    if (p > 0) {
      for (kept = 0; kept < order.size() && sum < total * double(p) * (1 - 1e-12); ++kept)
        sum += std::exp(double(logits[order[kept]]));
      order.resize(kept);
    }
    std::vector<int64_t> expected(order.begin(), order.end());
    std::sort(expected.begin(), expected.end());
    std::map<int64_t, int> times = drawMany({1.0f, k, p, static_cast<uint64_t>(trial)}, logits, 3000);
    for (auto [token, count] : times)
      EXPECT_TRUE(std::binary_search(expected.begin(), expected.end(), token)) << token << " k " << k << " p " << p;
    for (int64_t token : expected)
      if (std::exp(double(logits[static_cast<size_t>(token)])) / total > 0.01)
        EXPECT_TRUE(times.count(token)) << token << " k " << k << " p " << p;
  }
}

TEST(Sampling, infinitiesAndNans) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::map<int64_t, int> seen = drawMany({1.0f, 0, 0.9f, 1}, {nan, -inf, 1, nan, 1}, 500);
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen.count(2) && seen.count(4));
  seen = drawMany({1.0f, 3, 0, 1}, {0, inf, inf, 5}, 500);
  EXPECT_TRUE(seen.count(1) && seen.count(2) && seen.size() == 2);
}
