//===- DecoderTest.cpp - calls, chunks and states -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

using namespace sinter::test;

static const std::vector<int64_t> kTokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3};

static std::vector<float> runAll(sinter_session *session, const std::vector<int64_t> &tokens, uint32_t flags = 0,
                                 bool square = false) {
  ToyInputs inputs(tokens, sinter_length(session), square);
  sinter_tensor out = wanted("logits");
  EXPECT_EQ(sinter_run(session, inputs.tensors, 3, &out, 1, flags), 0) << sinter_message(session);
  return floats(out);
}

static std::vector<float> allRows(const std::vector<int64_t> &tokens) {
  std::vector<float> rows;
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::vector<float> row = expectedLogits(tokens, static_cast<int64_t>(i));
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

TEST(Decoder, describesItself) {
  Opened opened;
  ASSERT_EQ(opened.status, 0) << opened.why;
  const sinter_model_info &info = *opened.model->info;
  ASSERT_EQ(info.input_count, 3u);
  EXPECT_STREQ(info.inputs[1].name, "attention_mask");
  EXPECT_EQ(info.inputs[1].axes[1].role, SINTER_AXIS_TOTAL);
  EXPECT_EQ(info.inputs[1].axes[1].lo, 1);
  EXPECT_EQ(info.inputs[1].axes[1].hi, kCapacity);
  EXPECT_EQ(info.inputs[0].axes[1].hi, kCapacity); // may be chunked
  EXPECT_EQ(info.capacity, kCapacity);
  ASSERT_EQ(info.state_count, 1u);
  EXPECT_STREQ(info.states[0].in.name, "past.tokens");
  EXPECT_EQ(info.states[0].bytes_per_token, 8u);
  EXPECT_STREQ(info.placement, "none");
  EXPECT_STREQ(sinter_find_meta(opened.model, "eos")->value, "2");
  EXPECT_EQ(sinter_find_meta(opened.model, "nothing"), nullptr);
}

TEST(Decoder, cutsALongPromptIntoChunks) {
  for (bool square : {false, true}) {
    ToyOptions toy;
    toy.square = square;
    Opened opened(toy);
    for (uint32_t chunk : {0u, 1u, 3u}) {
      Session session = makeSession(opened, 2, chunk);
      EXPECT_EQ(runAll(session.get(), kTokens, 0, square), allRows(kTokens));
      EXPECT_EQ(sinter_length(session.get()), 10);
    }
  }
}

TEST(Decoder, cutsAMaskWhereItsRowsAre) {
  std::vector<std::vector<float>> results;
  for (bool chunkable : {false, true}) {
    ToyOptions toy;
    toy.square = true;
    toy.chunkable = chunkable;
    Opened opened(toy);
    Session session = makeSession(opened, 1, 3);
    ToyInputs inputs(kTokens, 0, true);
    for (size_t i = 0; i < inputs.square.size(); ++i)
      inputs.square[i] = static_cast<float>(i % 7);
    sinter_tensor out = wanted("logits");
    ASSERT_EQ(sinter_run(session.get(), inputs.tensors, 3, &out, 1, 0), 0) << sinter_message(session.get());
    results.push_back(floats(out));
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(Decoder, givesOnlyTheLastRow) {
  for (bool first : {true, false}) {
    ToyOptions toy;
    toy.first = first; // without it all rows are computed and the runtime takes the last
    Opened opened(toy);
    Session session = makeSession(opened);
    EXPECT_EQ(runAll(session.get(), kTokens, SINTER_LAST_ROW), expectedLogits(kTokens, 9));
    std::vector<int64_t> more = kTokens;
    more.push_back(7);
    EXPECT_EQ(runAll(session.get(), {7}, SINTER_LAST_ROW), expectedLogits(more, 10));
  }
}

TEST(Decoder, writesToTheCallersBuffer) {
  Opened opened;
  Session session = makeSession(opened);
  ToyInputs inputs(kTokens, 0);
  std::vector<float> buffer(10 * kVocabulary);
  sinter_tensor out = tensorOf("logits", {}, buffer);
  ASSERT_EQ(sinter_run(session.get(), inputs.tensors, 3, &out, 1, 0), 0) << sinter_message(session.get());
  EXPECT_EQ(out.data, buffer.data());
  EXPECT_EQ(out.rank, 3u);
  EXPECT_EQ(out.dims[1], 10);
  EXPECT_EQ(buffer, allRows(kTokens));
}

TEST(Decoder, takesInputsByPositionAndKeepsTheOutputTensorUsable) {
  Opened opened;
  Session session = makeSession(opened);
  sinter_tensor out = wanted(nullptr);
  for (int64_t past : {0, 3}) {
    ToyInputs inputs(past ? std::vector<int64_t>{1, 5, 9, 2, 6, 5, 3} : std::vector<int64_t>{3, 1, 4}, past);
    for (sinter_tensor &tensor : inputs.tensors)
      tensor.name = nullptr;
    ASSERT_EQ(sinter_run(session.get(), inputs.tensors, 3, &out, 1, 0), 0) << sinter_message(session.get());
  }
  EXPECT_EQ(floats(out).back(), expectedLogits(kTokens, 9).back());
}

TEST(Decoder, forwardMakesUpTheOtherInputs) {
  Opened opened;
  Session session = makeSession(opened);
  const float *logits;
  size_t count;
  ASSERT_EQ(sinter_forward(session.get(), kTokens.data(), 9, nullptr, 0, &logits, &count), 0);
  ASSERT_EQ(sinter_forward(session.get(), kTokens.data() + 9, 1, nullptr, 0, &logits, &count), 0);
  EXPECT_EQ(std::vector<float>(logits, logits + count), expectedLogits(kTokens, 9));
  std::vector<float> one = {1.0f};
  sinter_tensor unknown = tensorOf("more", {1, 1, 1}, one);
  EXPECT_EQ(sinter_forward(session.get(), kTokens.data(), 1, &unknown, 1, &logits, &count), SINTER_ERROR_NAME);
  EXPECT_STREQ(sinter_message(session.get()), "the model has no input 'more'");

  ToyOptions toy;
  toy.square = true; // a float mask does not follow from the tokens
  Opened square(toy);
  Session other = makeSession(square);
  EXPECT_EQ(sinter_forward(other.get(), kTokens.data(), 1, nullptr, 0, &logits, &count), SINTER_ERROR_MISSING);
  EXPECT_STREQ(sinter_message(other.get()), "input 'attention_mask' is missing: it does not follow from the tokens");
  sinter_tensor mask = tensorOf("attention_mask", {1, 1, 1}, one), empty = mask;
  empty.data = nullptr;
  EXPECT_EQ(sinter_forward(other.get(), kTokens.data(), 1, &empty, 1, &logits, &count), SINTER_ERROR_ARGUMENT);
  EXPECT_STREQ(sinter_message(other.get()), "input 'attention_mask' has no data");
  EXPECT_EQ(sinter_forward(other.get(), kTokens.data(), 1, &mask, 1, &logits, &count), 0)
      << sinter_message(other.get());
}

TEST(Decoder, truncates) {
  Opened opened;
  Session session = makeSession(opened);
  runAll(session.get(), kTokens);
  EXPECT_EQ(sinter_truncate(session.get(), 11), SINTER_ERROR_ARGUMENT);
  EXPECT_STREQ(sinter_message(session.get()), "the session has 10 tokens, it cannot be cut to 11");
  ASSERT_EQ(sinter_truncate(session.get(), 6), 0);
  EXPECT_EQ(sinter_length(session.get()), 6);
  EXPECT_EQ(runAll(session.get(), {2, 6, 5, 3}, SINTER_LAST_ROW), expectedLogits(kTokens, 9));
  ASSERT_EQ(sinter_truncate(session.get(), 0), 0);
  EXPECT_EQ(runAll(session.get(), kTokens, SINTER_LAST_ROW), expectedLogits(kTokens, 9));
}

TEST(Decoder, savesAndLoadsItsStates) {
  Opened opened;
  Session a = makeSession(opened), b = makeSession(opened);
  runAll(a.get(), {3, 1, 4, 1, 5});
  runAll(b.get(), {8, 8, 8, 8, 8, 8, 8});
  size_t needed = 0;
  ASSERT_EQ(sinter_state_save(a.get(), nullptr, 0, &needed), 0);
  std::vector<char> saved(needed);
  EXPECT_EQ(sinter_state_save(a.get(), saved.data(), needed - 1, nullptr), SINTER_ERROR_BUFFER);
  ASSERT_EQ(sinter_state_save(a.get(), saved.data(), needed, &needed), 0);
  for (size_t cut = 0; cut < needed; ++cut)
    EXPECT_EQ(sinter_state_load(b.get(), saved.data(), cut), SINTER_ERROR_ARGUMENT);
  EXPECT_EQ(sinter_length(b.get()), 7); // untouched
  ASSERT_EQ(sinter_state_load(b.get(), saved.data(), needed), 0);
  EXPECT_EQ(runAll(b.get(), {9, 2, 6, 5, 3}, SINTER_LAST_ROW), expectedLogits(kTokens, 9));

  ToyOptions toy;
  toy.square = true;
  Opened another(toy);
  Session c = makeSession(another);
  EXPECT_EQ(sinter_state_load(c.get(), saved.data(), needed), SINTER_ERROR_ARGUMENT);
  EXPECT_STREQ(sinter_message(c.get()), "the buffer holds no states of this model");
}

TEST(Decoder, setsAndGetsAStateByName) {
  Opened opened;
  Session session = makeSession(opened, 2);
  std::vector<float> cache = {3, 0, 1, 1, 4, 2, 1, 3, 5, 4};
  sinter_tensor state = tensorOf("past.tokens", {1, 5, 2}, cache);
  ASSERT_EQ(sinter_state_set(session.get(), &state), 0) << sinter_message(session.get());
  EXPECT_EQ(sinter_length(session.get()), 5);
  ToyInputs inputs({9, 2, 6, 5, 3}, 5);
  sinter_tensor outs[] = {wanted("logits"), wanted("present.tokens")};
  ASSERT_EQ(sinter_run(session.get(), inputs.tensors, 3, outs, 2, SINTER_LAST_ROW), 0) << sinter_message(session.get());
  EXPECT_EQ(floats(outs[0]), expectedLogits(kTokens, 9));
  EXPECT_EQ(outs[1].dims[1], 10);
  EXPECT_EQ(floats(outs[1])[18], 3);

  // As an input of the run, as in a file of steps; length 0 empties the cache.
  ToyInputs again(kTokens, 0);
  std::vector<sinter_tensor> all(again.tensors, again.tensors + 3);
  std::vector<float> none;
  all.push_back(tensorOf("past.tokens", {1, 0, 2}, none));
  ASSERT_EQ(sinter_run(session.get(), all.data(), 4, outs, 1, SINTER_LAST_ROW), 0) << sinter_message(session.get());
  EXPECT_EQ(floats(outs[0]), expectedLogits(kTokens, 9));

  std::vector<float> large(33 * 2);
  state = tensorOf("past.tokens", {1, 33, 2}, large);
  EXPECT_EQ(sinter_state_set(session.get(), &state), SINTER_ERROR_CAPACITY);
  EXPECT_STREQ(sinter_message(session.get()), "state 'past.tokens' axis 1 is 33, allowed are 0 to 32");
}

TEST(Decoder, refusesNullPointers) {
  Opened opened;
  Session session = makeSession(opened);
  char why[SINTER_MESSAGE_BYTES];
  sinter_model *model;
  EXPECT_EQ(sinter_open(nullptr, nullptr, &model, why), SINTER_ERROR_ARGUMENT);
  EXPECT_EQ(sinter_open("model.so", nullptr, nullptr, why), SINTER_ERROR_ARGUMENT);
  EXPECT_STREQ(why, "a model needs a path, and a place to put it");
  EXPECT_EQ(sinter_session_create(opened.model, nullptr, nullptr, why), SINTER_ERROR_ARGUMENT);
  EXPECT_EQ(sinter_state_set(session.get(), nullptr), SINTER_ERROR_ARGUMENT);
  EXPECT_EQ(sinter_state_get(session.get(), nullptr), SINTER_ERROR_ARGUMENT);
  EXPECT_EQ(sinter_run(session.get(), nullptr, 1, nullptr, 0, 0), SINTER_ERROR_ARGUMENT);
}

TEST(Decoder, sameBitsForAnyNumberOfThreads) {
  Opened opened;
  std::vector<float> one = runAll(makeSession(opened, 1).get(), kTokens);
  for (uint32_t threads : {2u, 3u, 7u})
    EXPECT_EQ(runAll(makeSession(opened, threads).get(), kTokens), one);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

class DecoderErrors : public testing::Test {
protected:
  Opened opened;
  Session session = makeSession(opened);
  void expect(int status, const char *message, const std::vector<sinter_tensor> &inputs,
              std::vector<sinter_tensor> outputs = {}) {
    EXPECT_EQ(sinter_run(session.get(), inputs.data(), inputs.size(), outputs.data(), outputs.size(), 0), status);
    EXPECT_STREQ(sinter_message(session.get()), message);
    EXPECT_EQ(sinter_length(session.get()), length);
  }
  std::vector<sinter_tensor> all(ToyInputs &inputs) { return {inputs.tensors, inputs.tensors + 3}; }
  int64_t length = 0;
};

TEST_F(DecoderErrors, maskOfTheWrongLength) {
  runAll(session.get(), {1, 2, 3, 4});
  length = 4;
  ToyInputs right({1, 2, 3, 4}, 4), longer({1, 2, 3, 4, 5}, 4);
  right.tensors[1] = longer.tensors[1];
  expect(SINTER_ERROR_SHAPE, "input 'attention_mask' axis 1 is 9, expected 8 (past 4 + 4 new tokens)", all(right));
}

TEST_F(DecoderErrors, axesThatDisagree) {
  ToyInputs three({1, 2, 3}, 0), two({1, 2}, 0);
  three.tensors[2] = two.tensors[2];
  expect(SINTER_ERROR_SHAPE, "input 'position_ids' axis 1 is 2, expected 3 as of input 'input_ids' axis 1", all(three));
  ToyInputs batch({1, 2}, 0);
  batch.tensors[0].dims[0] = 2, batch.tensors[0].dims[1] = 1;
  batch.tensors[1].dims[1] = 1, batch.tensors[1].bytes = 8;
  expect(SINTER_ERROR_SHAPE, "input 'input_ids' axis 0 is 2, expected 1", all(batch));
}

TEST_F(DecoderErrors, typesAndRanks) {
  ToyInputs inputs({1, 2}, 0);
  inputs.tensors[0].dtype = SINTER_I32;
  expect(SINTER_ERROR_TYPE, "input 'input_ids' is i32, expected i64", all(inputs));
  uint32_t unknown = 99;
  memcpy(&inputs.tensors[0].dtype, &unknown, 4);
  expect(SINTER_ERROR_TYPE, "input 'input_ids' is no known type, expected i64", all(inputs));
  inputs.tensors[0].dtype = SINTER_I64;
  inputs.tensors[0].rank = 1;
  expect(SINTER_ERROR_SHAPE, "input 'input_ids' has 1 axes, expected 2", all(inputs));
  inputs.tensors[0].rank = 2;
  inputs.tensors[0].dims[1] = -1;
  expect(SINTER_ERROR_SHAPE, "input 'input_ids' axis 1 is -1, which is no possible size", all(inputs));
  inputs.tensors[0].dims[1] = 3;
  expect(SINTER_ERROR_BUFFER, "input 'input_ids' has 16 bytes of data, its sizes make 24", all(inputs));
  inputs.tensors[0].dims[1] = 2;
  inputs.tensors[0].data = nullptr;
  expect(SINTER_ERROR_ARGUMENT, "input 'input_ids' has no data", all(inputs));
}

TEST_F(DecoderErrors, names) {
  ToyInputs inputs({1, 2}, 0);
  std::vector<sinter_tensor> given = all(inputs);
  given.pop_back();
  expect(SINTER_ERROR_MISSING, "input 'position_ids' is missing", given);
  given.push_back(given[0]);
  expect(SINTER_ERROR_NAME, "input 'input_ids' is given twice", given);
  given[2].name = "ids";
  expect(SINTER_ERROR_NAME, "the model has no input 'ids'; it has 'input_ids', 'attention_mask', 'position_ids'",
         given);
  expect(SINTER_ERROR_NAME, "the model has no output 'hidden'; it has 'logits'", all(inputs), {wanted("hidden")});
  sinter_tensor state = wanted("cache");
  EXPECT_EQ(sinter_state_get(session.get(), &state), SINTER_ERROR_NAME);
  EXPECT_STREQ(sinter_message(session.get()), "the model has no state 'cache'");
}

TEST_F(DecoderErrors, capacityAndBuffers) {
  runAll(session.get(), std::vector<int64_t>(30, 1));
  length = 30;
  ToyInputs three({1, 2, 3}, 30);
  expect(SINTER_ERROR_CAPACITY, "3 new tokens do not fit: the cache holds 30 of at most 32", all(three));
  ToyInputs two({1, 2}, 30);
  std::vector<float> small(4);
  expect(SINTER_ERROR_BUFFER, "output 'logits' needs 40 bytes, its buffer has 16", all(two),
         {tensorOf("logits", {}, small)});
  ToyInputs none({}, 30);
  expect(SINTER_ERROR_SHAPE, "input 'input_ids' axis 1 is 0, allowed are 1 to 4", all(none));
}

TEST(Decoder, refusesALongSequenceThatCannotBeChunked) {
  ToyOptions toy;
  toy.chunkable = false;
  Opened opened(toy);
  Session session = makeSession(opened);
  ToyInputs inputs(std::vector<int64_t>(33, 1), 0);
  EXPECT_EQ(sinter_run(session.get(), inputs.tensors, 3, nullptr, 0, 0), SINTER_ERROR_SHAPE);
  EXPECT_STREQ(sinter_message(session.get()), "input 'input_ids' axis 1 is 33, allowed are 1 to 32");
  EXPECT_EQ(runAll(session.get(), kTokens), allRows(kTokens)); // longer than the chunk, in one run
}
