//===- StateTest.cpp - states of other kinds than a decoder's cache -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

using namespace sinter::test;

/// operands: x, state, y: state += x, y = state
static void accumulate(char *const *operands, const int64_t *, int64_t begin, int64_t end, char *) {
  for (int64_t i = begin; i < end; ++i) {
    float x, sum;
    memcpy(&x, operands[0] + i * 4, 4);
    memcpy(&sum, operands[1] + i * 4, 4);
    sum += x;
    memcpy(operands[1] + i * 4, &sum, 4);
    memcpy(operands[2] + i * 4, &sum, 4);
  }
}

/// A recurrent state kept in its plain form, and two caches: one that grows by x's rows, and one of an encoder that is
/// set once. `y` is the running sum of x.
static void buildRecurrent(ProgramBuilder &b) {
  using enum AxisRole;
  uint32_t n = b.symbol("n", SymbolKind::Input, 1, 8), past = b.symbol("past", SymbolKind::Past, 0, 20);
  uint32_t encoded = b.symbol("encoded", SymbolKind::Past, 0, 10);
  uint32_t four = b.constant(4), total = b.scalar(ScalarOp::Add, past, n);
  b.symbols[b.symbolOf(past)].after = total;
  b.symbols[b.symbolOf(encoded)].after = encoded;
  b.header.sequence = b.symbolOf(n);
  b.inputs.push_back(b.tensor("x", DType::F32, {{n, Sequence}, {four, Other}}, 128));
  b.outputs.push_back(b.tensor("y", DType::F32, {{four, Other}}, 16));
  auto state = [&](StateKind kind, const std::string &name, uint32_t size, uint32_t symbol, uint64_t bytes) {
    AxisRole role = kind == StateKind::Cache ? Past : Other;
    Tensor in = b.tensor(name, DType::F32, {{size, role}}, bytes);
    b.states.push_back({kind,
                        in,
                        b.tensor(name + "_out", DType::F32, {{size, role}}, bytes),
                        symbol,
                        bytes,
                        4,
                        b.string("plain"),
                        {},
                        {}});
    b.states.back().load = b.states.back().store = b.list(std::vector<Row>());
  };
  state(StateKind::Tensor, "sum", four, kNone, 16);
  state(StateKind::Cache, "keys", past, b.symbolOf(past), 80);
  state(StateKind::Cache, "values", past, b.symbolOf(past), 80);
  state(StateKind::Cache, "cross", encoded, b.symbolOf(encoded), 40);
  b.rows.push_back(b.dispatch(b.kernel("accumulate", accumulate), four,
                              {{Space::Input, 0, kNone, 0}, {Space::State, 0, kNone, 0}, {Space::Output, 0, kNone, 0}},
                              {}));
}

namespace {
class States : public testing::Test {
protected:
  Opened opened{buildRecurrent};
  Session session = makeSession(opened);
  std::vector<float> x = {1, 2, 3, 4};

  std::vector<float> step() {
    sinter_tensor in = tensorOf("x", {1, 4}, x), out = wanted("y");
    EXPECT_EQ(sinter_run(session.get(), &in, 1, &out, 1, 0), 0) << sinter_message(session.get());
    return floats(out);
  }
  int set(const char *name, std::vector<float> values) {
    sinter_tensor tensor = tensorOf(name, {static_cast<int64_t>(values.size())}, values);
    return sinter_state_set(session.get(), &tensor);
  }
  std::vector<float> get(const char *name) {
    sinter_tensor tensor = wanted(name);
    EXPECT_EQ(sinter_state_get(session.get(), &tensor), 0) << sinter_message(session.get());
    return floats(tensor);
  }
};
} // namespace

TEST_F(States, tensorsAreCarriedAndReset) {
  ASSERT_EQ(opened.status, 0) << opened.why;
  EXPECT_EQ(step(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(step(), (std::vector<float>{2, 4, 6, 8}));
  EXPECT_EQ(get("sum_out"), (std::vector<float>{2, 4, 6, 8}));
  EXPECT_EQ(sinter_truncate(session.get(), 1), SINTER_ERROR_STATE);
  EXPECT_STREQ(sinter_message(session.get()), "state 'sum' sums up all tokens, so the session can only be cut to 0");
  EXPECT_EQ(sinter_length(session.get()), 2);
  EXPECT_EQ(set("sum", {10, 10, 10, 10}), 0);
  EXPECT_EQ(step(), (std::vector<float>{11, 12, 13, 14}));
  EXPECT_EQ(set("sum", {10}), SINTER_ERROR_SHAPE);
  EXPECT_STREQ(sinter_message(session.get()), "state 'sum' axis 0 is 1, expected 4");
  ASSERT_EQ(sinter_truncate(session.get(), 0), 0);
  EXPECT_EQ(step(), (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(States, cachesThatGrowTogetherMustAgree) {
  EXPECT_EQ(set("keys", {1, 2, 3}), 0);
  sinter_tensor in = tensorOf("x", {1, 4}, x);
  EXPECT_EQ(sinter_run(session.get(), &in, 1, nullptr, 0, 0), SINTER_ERROR_STATE);
  EXPECT_STREQ(sinter_message(session.get()), "cache 'values' has 0 tokens, but 'keys' has 3");
  EXPECT_EQ(set("values", {4, 5, 6}), 0);
  EXPECT_EQ(step(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(sinter_length(session.get()), 4);
}

TEST_F(States, cachesThatDoNotGrowKeepTheirLength) {
  EXPECT_EQ(set("cross", {7, 8, 9}), 0);
  step();
  EXPECT_EQ(sinter_length(session.get()), 1);
  EXPECT_EQ(get("cross"), (std::vector<float>{7, 8, 9}));
  size_t needed;
  ASSERT_EQ(sinter_state_save(session.get(), nullptr, 0, &needed), 0);
  std::vector<char> saved(needed);
  ASSERT_EQ(sinter_state_save(session.get(), saved.data(), needed, nullptr), 0);
  ASSERT_EQ(sinter_truncate(session.get(), 0), 0);
  EXPECT_EQ(get("cross"), std::vector<float>());
  ASSERT_EQ(sinter_state_load(session.get(), saved.data(), needed), 0);
  EXPECT_EQ(get("cross"), (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(sinter_length(session.get()), 1);

  memset(saved.data() + 24, 0xff, 8); // the first state's length, behind the header
  EXPECT_EQ(sinter_state_load(session.get(), saved.data(), needed), SINTER_ERROR_ARGUMENT);
  EXPECT_EQ(get("cross"), (std::vector<float>{7, 8, 9}));
}

/// A cache of as many sequences as the input has rows.
static void buildBatched(ProgramBuilder &b) {
  using enum AxisRole;
  uint32_t batch = b.symbol("batch", SymbolKind::Input, 1, 4), n = b.symbol("n", SymbolKind::Input, 1, 8);
  uint32_t past = b.symbol("past", SymbolKind::Past, 0, 20), one = b.constant(1);
  b.symbols[b.symbolOf(past)].after = b.scalar(ScalarOp::Add, past, n);
  b.header.sequence = b.symbolOf(n);
  b.inputs.push_back(b.tensor("x", DType::F32, {{batch, Batch}, {n, Sequence}}, 128));
  Tensor in = b.tensor("keys", DType::F32, {{batch, Batch}, {one, Other}, {past, Past}, {one, Other}}, 320);
  Tensor out = b.tensor("keys_out", DType::F32, {{batch, Batch}, {one, Other}, {past, Past}, {one, Other}}, 320);
  b.states.push_back({StateKind::Cache, in, out, b.symbolOf(past), 320, 16, b.string("plain"), {}, {}});
  b.states.back().load = b.states.back().store = b.list(std::vector<Row>());
}

TEST(BatchedState, hasItsOwnNumberOfSequences) {
  Opened opened(buildBatched);
  ASSERT_EQ(opened.status, 0) << opened.why;
  Session a = makeSession(opened), b = makeSession(opened);
  std::vector<float> values = {1, 2, 3, 4, 5, 6}, x = {7, 8, 9};
  sinter_tensor keys = tensorOf("keys", {2, 1, 3, 1}, values), got = wanted("keys");
  ASSERT_EQ(sinter_state_set(a.get(), &keys), 0) << sinter_message(a.get());

  sinter_tensor three = tensorOf("x", {3, 1}, x);
  EXPECT_EQ(sinter_run(a.get(), &three, 1, nullptr, 0, 0), SINTER_ERROR_STATE);
  ASSERT_EQ(sinter_state_get(a.get(), &got), 0) << sinter_message(a.get());
  EXPECT_EQ(floats(got), values);

  size_t needed;
  ASSERT_EQ(sinter_state_save(a.get(), nullptr, 0, &needed), 0);
  std::vector<char> saved(needed);
  ASSERT_EQ(sinter_state_save(a.get(), saved.data(), needed, nullptr), 0);
  ASSERT_EQ(sinter_state_load(b.get(), saved.data(), needed), 0);
  got = wanted("keys");
  ASSERT_EQ(sinter_state_get(b.get(), &got), 0) << sinter_message(b.get());
  EXPECT_EQ(got.dims[0], 2);
  EXPECT_EQ(floats(got), values);
}

TEST(BatchedState, mayHaveToHoldTokensFirst) {
  Opened opened([](ProgramBuilder &b) {
    buildBatched(b);
    b.symbols[2].lo = 2;
  });
  ASSERT_EQ(opened.status, 0) << opened.why;
  Session session = makeSession(opened);
  std::vector<float> values = {1, 2, 3, 4, 5, 6}, x = {7, 8};
  sinter_tensor two = tensorOf("x", {2, 1}, x), keys = tensorOf("keys", {2, 1, 3, 1}, values);
  EXPECT_EQ(sinter_run(session.get(), &two, 1, nullptr, 0, 0), SINTER_ERROR_STATE);
  EXPECT_STREQ(sinter_message(session.get()), "cache 'keys' has 0 tokens, at least 2 are needed");
  ASSERT_EQ(sinter_state_set(session.get(), &keys), 0) << sinter_message(session.get());
  EXPECT_EQ(sinter_run(session.get(), &two, 1, nullptr, 0, 0), 0) << sinter_message(session.get());
}

TEST(Forward, widensHalfLogits) {
  struct Half {
    uint16_t bits;
    float value;
  };
  static const Half halves[] = {{0x3c00, 1}, {0xc500, -5}, {0x0001, 0x1p-24f}, {0x8400, -0x1p-14f}, {0x7bff, 65504}};
  for (DType type : {DType::F16, DType::BF16}) {
    Opened opened([type](ProgramBuilder &b) {
      using enum AxisRole;
      uint32_t n = b.symbol("n", SymbolKind::Input, 1, 8), five = b.constant(5);
      b.header.sequence = b.symbolOf(n);
      b.inputs.push_back(b.tensor("tokens", DType::I32, {{n, Sequence}}, 32));
      b.outputs.push_back(b.tensor("scores", type, {{n, Sequence}, {five, Other}}, 80));
      auto kernel = [](char *const *operands, const int64_t *, int64_t begin, int64_t end, char *) {
        for (int64_t i = begin; i < end; ++i)
          for (int v = 0; v < 5; ++v)
            memcpy(operands[0] + i * 10 + v * 2, &halves[(i + v) % 5].bits, 2);
      };
      b.rows.push_back(b.dispatch(b.kernel("halves", kernel), n, {{Space::Output, 0, kNone, 0}}, {}));
    });
    Session session = makeSession(opened);
    const std::vector<int64_t> tokens = {1, 2};
    const float *logits;
    size_t count;
    ASSERT_EQ(sinter_forward(session.get(), tokens.data(), 2, nullptr, 0, &logits, &count), 0)
        << sinter_message(session.get());
    ASSERT_EQ(count, 5u);
    for (size_t v = 0; v < count; ++v) { // the second token's row
      const Half &half = halves[(v + 1) % 5];
      uint32_t bits = static_cast<uint32_t>(half.bits) << 16;
      float brain;
      memcpy(&brain, &bits, 4);
      EXPECT_EQ(logits[v], type == DType::F16 ? half.value : brain) << v;
    }
  }
}
