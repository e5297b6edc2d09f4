//===- WalkerTest.cpp - rows, scalars, threads ----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <atomic>
#include <chrono>
#include <limits>
#include <pthread.h>
#include <thread>

using namespace sinter::test;
using namespace sinter;

static const Operand kIn = {Space::Input, 0, kNone, 0}, kOut = {Space::Output, 0, kNone, 0};

/// A model of int64 vectors: input "x" of n, output "y" of `out` (a scalar; kNone: n).
static void vectors(ProgramBuilder &b, uint32_t &n, uint32_t out = kNone) {
  n = b.symbol("n", SymbolKind::Input, 1, 1 << 20);
  b.inputs.push_back(b.tensor("x", DType::I64, {{n, AxisRole::Other}}, 8 << 20));
  b.outputs.push_back(b.tensor("y", DType::I64, {{out == kNone ? n : out, AxisRole::Other}}, 8 << 20));
}

static std::vector<int64_t> call(sinter_session *session, std::vector<int64_t> x, int status = 0) {
  sinter_tensor in = tensorOf("x", {static_cast<int64_t>(x.size())}, x), out = wanted("y");
  EXPECT_EQ(sinter_run(session, &in, 1, &out, 1, 0), status) << sinter_message(session);
  if (status)
    return {};
  const int64_t *data = static_cast<const int64_t *>(out.data);
  return {data, data + out.dims[0]};
}

static int64_t *ints(char *data) { return reinterpret_cast<int64_t *>(data); }
/// out[i] = in[i] + scalar 0
static void addScalar(char *const *operands, const int64_t *scalars, int64_t begin, int64_t end, char *) {
  for (int64_t i = begin; i < end; ++i)
    ints(operands[1])[i] = ints(operands[0])[i] + scalars[0];
}
/// out[i] = in[n - 1 - i] + 1: reads what other threads wrote
static void reverse(char *const *operands, const int64_t *scalars, int64_t begin, int64_t end, char *) {
  for (int64_t i = begin; i < end; ++i)
    ints(operands[1])[i] = ints(operands[0])[scalars[0] - 1 - i] + 1;
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

TEST(Scalars, operations) {
  struct Case {
    ScalarOp op;
    int64_t a, b, result;
  };
  const Case cases[] = {
      {ScalarOp::Add, 7, -3, 4},
      {ScalarOp::Sub, 7, -3, 10},
      {ScalarOp::Mul, 7, -3, -21},
      {ScalarOp::FloorDiv, 7, 2, 3},
      {ScalarOp::FloorDiv, -7, 2, -4},
      {ScalarOp::FloorDiv, 7, -2, -4},
      {ScalarOp::CeilDiv, 7, 2, 4},
      {ScalarOp::CeilDiv, -7, 2, -3},
      {ScalarOp::CeilDiv, 8, 2, 4},
      {ScalarOp::Mod, 7, 3, 1},
      {ScalarOp::Mod, -7, 3, 2},
      {ScalarOp::Mod, -6, 3, 0},
      {ScalarOp::Min, 7, -3, -3},
      {ScalarOp::Max, 7, -3, 7},
      {ScalarOp::Eq, 3, 3, 1},
      {ScalarOp::Ne, 3, 3, 0},
      {ScalarOp::Lt, 2, 3, 1},
      {ScalarOp::Le, 3, 3, 1},
      {ScalarOp::And, 2, 0, 0},
      {ScalarOp::Or, 2, 0, 1},
      {ScalarOp::FloorDiv, std::numeric_limits<int64_t>::min(), -1, std::numeric_limits<int64_t>::min()}};
  for (const Case &test : cases) {
    Opened opened([&](ProgramBuilder &b) {
      uint32_t n;
      vectors(b, n);
      uint32_t result = b.scalar(test.op, b.constant(test.a), b.constant(test.b));
      b.rows.push_back(b.dispatch(b.kernel("add", addScalar), n, {kIn, kOut}, {result}));
    });
    ASSERT_EQ(opened.status, 0) << opened.why;
    EXPECT_EQ(call(makeSession(opened).get(), {0}), std::vector<int64_t>{test.result})
        << static_cast<int>(test.op) << " " << test.a << " " << test.b;
  }
}

TEST(Scalars, zeroDivisorIsAnError) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t n;
    vectors(b, n);
    uint32_t rest = b.scalar(ScalarOp::Sub, n, b.constant(3));
    uint32_t share = b.scalar(ScalarOp::FloorDiv, n, rest);
    // Only the chosen side of a select has to have a value.
    uint32_t chosen = b.scalar(ScalarOp::Select, b.constant(1), n, share);
    b.rows.push_back(b.dispatch(b.kernel("add", addScalar), n, {kIn, kOut}, {chosen}));
  });
  Session session = makeSession(opened);
  EXPECT_EQ(call(session.get(), {1, 1}), (std::vector<int64_t>{3, 3}));
  call(session.get(), {1, 1, 1}, SINTER_ERROR_VALUE);
  EXPECT_STREQ(sinter_message(session.get()), "these input sizes make the model divide a size by zero");
}

TEST(Scalars, boundsOfAxes) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t n = b.symbol("n", SymbolKind::Input, 2, 10), three = b.constant(3);
    b.inputs.push_back(b.tensor("x", DType::I64, {{n, AxisRole::Other}}, 80));
    std::vector<std::pair<uint32_t, AxisRole>> axes;
    for (uint32_t size : {b.scalar(ScalarOp::Mod, n, three), b.scalar(ScalarOp::CeilDiv, n, three), b.scalar(ScalarOp::Sub, b.constant(20), n),
                          b.scalar(ScalarOp::Min, n, b.constant(7)), b.scalar(ScalarOp::Select, b.scalar(ScalarOp::Lt, n, three), n, b.constant(30))})
      axes.push_back({size, AxisRole::Other});
    b.outputs.push_back(b.tensor("y", DType::I64, axes, 1 << 20));
  });
  ASSERT_EQ(opened.status, 0) << opened.why;
  const sinter_axis *axes = opened.model->info->outputs[0].axes;
  const std::pair<int64_t, int64_t> bounds[] = {{0, 2}, {1, 4}, {10, 18}, {2, 7}, {2, 30}};
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(std::make_pair(axes[i].lo, axes[i].hi), bounds[i]) << i;
}

//===----------------------------------------------------------------------===//
// Control rows
//===----------------------------------------------------------------------===//

TEST(Walker, loadsScalarsAndBranches) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t n;
    vectors(b, n);
    uint32_t value = b.scalar(ScalarOp::Loaded), positive = b.scalar(ScalarOp::Lt, b.constant(0), value);
    uint32_t negative = b.scalar(ScalarOp::Lt, value, b.constant(0));
    uint32_t share = b.scalar(ScalarOp::FloorDiv, b.constant(100), value); // has no value before the load
    uint32_t add = b.kernel("add", addScalar);
    b.rows.push_back(b.control(RowKind::LoadScalar, value, kNone, {kIn}));
    b.rows.push_back(b.control(RowKind::If, 1, positive, {}));
    b.rows.push_back(b.dispatch(add, n, {kIn, kOut}, {share}));
    b.rows.push_back(b.control(RowKind::If, 1, negative, {}));
    b.rows.push_back(b.dispatch(add, n, {kIn, kOut}, {n}));
  });
  ASSERT_EQ(opened.status, 0) << opened.why;
  for (uint32_t threads : {1u, 3u}) {
    Session session = makeSession(opened, threads);
    EXPECT_EQ(call(session.get(), {4, 5}), (std::vector<int64_t>{29, 30}));
    EXPECT_EQ(call(session.get(), {-4, 5}), (std::vector<int64_t>{-2, 7}));
    call(session.get(), {0, 5}, SINTER_ERROR_VALUE);
    EXPECT_STREQ(sinter_message(session.get()), "a value in the data makes the model divide a size by zero");
    EXPECT_EQ(call(session.get(), {10, 5}), (std::vector<int64_t>{20, 15})); // usable after the error
  }
}

TEST(Walker, loopsCountAndNest) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t n;
    vectors(b, n);
    uint32_t trips = b.scalar(ScalarOp::Loaded), outer = b.scalar(ScalarOp::Loaded), inner = b.scalar(ScalarOp::Loaded);
    uint32_t sum = b.scalar(ScalarOp::Add, outer, inner), two = b.constant(2), zero = b.constant(0);
    uint32_t add = b.kernel("add", addScalar);
    b.rows.push_back(b.dispatch(add, n, {kIn, kOut}, {zero}));
    b.rows.push_back(b.control(RowKind::LoadScalar, trips, kNone, {kIn}));
    b.rows.push_back(b.control(RowKind::Loop, 2, trips, {{Space::Arena, outer, kNone, 0}}));
    b.rows.push_back(b.control(RowKind::Loop, 1, two, {{Space::Arena, inner, kNone, 0}}));
    b.rows.push_back(b.dispatch(add, n, {kOut, kOut}, {sum}));
  });
  ASSERT_EQ(opened.status, 0) << opened.why;
  for (uint32_t threads : {1u, 2u}) {
    Session session = makeSession(opened, threads);
    // Each outer trip i adds 2 i + 1.
    EXPECT_EQ(call(session.get(), {3, 10, 20}), (std::vector<int64_t>{12, 19, 29}));
    EXPECT_EQ(call(session.get(), {0, 10}), (std::vector<int64_t>{0, 10}));
  }
}

TEST(Walker, loopEndsWhenItsBodySaysSo) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t n;
    vectors(b, n);
    // while (y[0] < 20) y += 7
    uint32_t counter = b.scalar(ScalarOp::Loaded), value = b.scalar(ScalarOp::Loaded), zero = b.constant(0);
    uint32_t trips = b.scalar(ScalarOp::Select, b.scalar(ScalarOp::Lt, value, b.constant(20)), b.constant(1000), zero);
    uint32_t seven = b.constant(7), add = b.kernel("add", addScalar);
    b.rows.push_back(b.dispatch(add, n, {kIn, kOut}, {zero}));
    b.rows.push_back(b.control(RowKind::LoadScalar, value, kNone, {kOut}));
    b.rows.push_back(b.control(RowKind::Loop, 2, trips, {{Space::Arena, counter, kNone, 0}}));
    b.rows.push_back(b.dispatch(add, n, {kOut, kOut}, {seven}));
    b.rows.push_back(b.control(RowKind::LoadScalar, value, kNone, {kOut}));
  });
  ASSERT_EQ(opened.status, 0) << opened.why;
  EXPECT_EQ(call(makeSession(opened, 2).get(), {1, 2}), (std::vector<int64_t>{22, 23}));
}

TEST(Walker, outputWhoseSizeIsInTheData) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t count = b.scalar(ScalarOp::Loaded), n;
    vectors(b, n, count);
    b.rows.push_back(b.control(RowKind::LoadScalar, count, kNone, {kIn}));
    uint32_t inside = b.scalar(ScalarOp::Min, count, n); // as the compiler has to: data is not to be trusted
    b.rows.push_back(b.dispatch(b.kernel("add", addScalar), inside, {kIn, kOut}, {count}));
  });
  Session session = makeSession(opened, 2);
  EXPECT_EQ(call(session.get(), {2, 5, 6}), (std::vector<int64_t>{4, 7}));
  EXPECT_EQ(call(session.get(), {3, 5, 6}), (std::vector<int64_t>{6, 8, 9}));
  call(session.get(), {2 << 20, 5}, SINTER_ERROR_VALUE);
  EXPECT_STREQ(sinter_message(session.get()), "output 'y' is larger than its bound of 8388608 bytes");
}

TEST(Walker, operandsMayStartWhereAScalarSays) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t n;
    vectors(b, n);
    uint32_t last = b.scalar(ScalarOp::Mul, b.scalar(ScalarOp::Sub, n, b.constant(1)), b.constant(8));
    b.rows.push_back(b.dispatch(b.kernel("add", addScalar), b.constant(1), {{Space::Input, 0, last, 0}, kOut}, {b.constant(0)}));
  });
  EXPECT_EQ(call(makeSession(opened).get(), {4, 5, 6})[0], 6);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// How often each item ran, and the fewest items of a call.
static std::atomic<int64_t> ran[64], fewest;
static void countItems(char *const *, const int64_t *, int64_t begin, int64_t end, char *) {
  for (int64_t i = begin; i < end; ++i)
    ran[i].fetch_add(1);
  for (int64_t seen = fewest; end - begin < seen && !fewest.compare_exchange_weak(seen, end - begin);)
    ;
}

TEST(Walker, splitsByGrain) {
  for (auto [grid, grain, threads] : std::vector<std::tuple<int64_t, uint32_t, uint32_t>>{
           {10, 1, 4}, {10, 4, 4}, {10, 10, 4}, {3, 1, 4}, {1, 0, 4}, {7, 2, 2}, {64, 1, 2}, {61, 3, 3}}) {
    Opened opened([grid = grid, grain = grain](ProgramBuilder &b) {
      uint32_t n;
      vectors(b, n);
      b.rows.push_back(b.dispatch(b.kernel("count", countItems), b.constant(grid), {}, {}, true, grain));
    });
    Session session = makeSession(opened, threads);
    for (auto &count : ran)
      count = 0;
    fewest = grid;
    call(session.get(), {1});
    for (int64_t i = 0; i < 64; ++i)
      EXPECT_EQ(ran[i], i < grid) << i << " of " << grid << " by " << grain << " on " << threads;
    // The last of ceil(grid / grain) parts may be smaller.
    EXPECT_GE(fewest, grid >= int64_t(threads * grain) ? int64_t(grain) : 1) << grid << " by " << grain << " on " << threads;
  }
}

static std::atomic<std::thread::id> slow, helper;
/// Waits until `id` is somebody's; not for ever.
static void await(const std::atomic<std::thread::id> &id) {
  for (int i = 0; i < 10000 && id.load() == std::thread::id(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}
/// Of 64 items, the thread that comes to item 0 gets no further before another one has run items of the first half.
static void stopAtFirst(char *const *, const int64_t *, int64_t begin, int64_t, char *) {
  std::thread::id self = std::this_thread::get_id();
  if (begin == 0) {
    slow = self;
    await(helper);
  } else if (begin >= 32) {
    await(slow);
  } else if (self != slow.load()) {
    helper = self;
  }
}

TEST(Walker, idleThreadsTakeOver) {
  Opened opened([](ProgramBuilder &b) {
    uint32_t n;
    vectors(b, n);
    b.rows.push_back(b.dispatch(b.kernel("stop", stopAtFirst), b.constant(64), {}, {}));
  });
  Session session = makeSession(opened, 2);
  slow = helper = std::thread::id();
  call(session.get(), {1});
  EXPECT_NE(helper.load(), std::thread::id());
  EXPECT_NE(helper.load(), slow.load());
}

static void reversals(ProgramBuilder &b, int count) {
  uint32_t n;
  vectors(b, n);
  b.header.arenaBytes = 16 << 20;
  const Operand a = {Space::Arena, 0, kNone, 0}, c = {Space::Arena, 0, kNone, 8 << 20};
  uint32_t kernel = b.kernel("reverse", reverse);
  for (int i = 0; i < count; ++i)
    b.rows.push_back(b.dispatch(kernel, n, {i == 0 ? kIn : i % 2 ? a : c, i == count - 1 ? kOut : i % 2 ? c : a}, {n}));
}

TEST(Walker, barriersHoldUnderStress) {
  constexpr int rows = 400;
  Opened opened([](ProgramBuilder &b) { reversals(b, rows); });
  ASSERT_EQ(opened.status, 0) << opened.why;
  for (uint32_t threads : {2u, 3u, 8u}) {
    Session session = makeSession(opened, threads);
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::vector<int64_t> x(64 + repeat);
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<int64_t>(i * i);
      std::vector<int64_t> expected = x;
      for (int64_t &value : expected)
        value += rows;
      ASSERT_EQ(call(session.get(), x), expected) << threads;
    }
  }
}

TEST(Walker, sessionsRunSideBySide) {
  Opened opened([](ProgramBuilder &b) { reversals(b, 50); });
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([&opened, caller] {
      Session session = makeSession(opened, 2);
      for (int repeat = 0; repeat < 20; ++repeat)
        EXPECT_EQ(call(session.get(), {caller, 7}), (std::vector<int64_t>{caller + 50, 57}));
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST(Walker, idleThreadsSleep) {
  Opened opened([](ProgramBuilder &b) { reversals(b, 4); });
  Session session = makeSession(opened, 2);
  call(session.get(), {1, 2});
  timespec before, after, pause = {0, 200'000'000};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  nanosleep(&pause, nullptr);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  int64_t used = (after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec;
  EXPECT_LT(used, 50'000'000);
  EXPECT_EQ(call(session.get(), {1, 2}), (std::vector<int64_t>{5, 6}));
}

//===----------------------------------------------------------------------===//
// Hooks, profiles
//===----------------------------------------------------------------------===//

namespace {
struct Hooks {
  std::atomic<int> spawned{0}, joined{0}, started{0}, blocks{0};
};
struct Spawned {
  void (*body)(void *);
  void *argument;
  pthread_t thread;
};
} // namespace

TEST(Session, usesTheCallersThreadsAndMemory) {
  Hooks hooks;
  Opened opened([](ProgramBuilder &b) { reversals(b, 4); });
  sinter_session_options options = {};
  options.threads = 3;
  options.hooks.user = options.allocator.user = &hooks;
  options.hooks.spawn = [](void *user, void (*body)(void *), void *argument, void **handle) {
    static_cast<Hooks *>(user)->spawned++;
    auto *made = new Spawned{body, argument, {}};
    *handle = made;
    auto start = [](void *spawned) -> void * {
      static_cast<Spawned *>(spawned)->body(static_cast<Spawned *>(spawned)->argument);
      return nullptr;
    };
    return pthread_create(&made->thread, nullptr, start, made);
  };
  options.hooks.join = [](void *user, void *handle) {
    static_cast<Hooks *>(user)->joined++;
    pthread_join(static_cast<Spawned *>(handle)->thread, nullptr);
    delete static_cast<Spawned *>(handle);
  };
  options.hooks.started = [](void *user, uint32_t) { static_cast<Hooks *>(user)->started++; };
  options.allocator.allocate = [](void *user, size_t bytes, size_t alignment) {
    static_cast<Hooks *>(user)->blocks++;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory)
      memset(memory, 0xa5, bytes);
    return memory;
  };
  options.allocator.release = [](void *user, void *memory, size_t) {
    static_cast<Hooks *>(user)->blocks--;
    free(memory);
  };
  sinter_session *session;
  ASSERT_EQ(sinter_session_create(opened.model, &options, &session, nullptr), 0);
  EXPECT_EQ(call(session, {1, 2, 3}), (std::vector<int64_t>{5, 6, 7}));
  EXPECT_GT(hooks.blocks, 0);
  sinter_session_destroy(session);
  EXPECT_EQ(hooks.spawned, 2);
  EXPECT_EQ(hooks.started, 2);
  EXPECT_EQ(hooks.joined, 2);
  EXPECT_EQ(hooks.blocks, 0);

  // Failures are reported and leak nothing.
  options.hooks.spawn = [](void *, void (*)(void *), void *, void **) { return 1; };
  char why[SINTER_MESSAGE_BYTES];
  EXPECT_EQ(sinter_session_create(opened.model, &options, &session, why), SINTER_ERROR_THREAD);
  EXPECT_STREQ(why, "thread 2 of 3 cannot be started");
  EXPECT_EQ(hooks.blocks, 0);
  options.allocator.allocate = [](void *, size_t, size_t) -> void * { return nullptr; };
  EXPECT_EQ(sinter_session_create(opened.model, &options, &session, why), SINTER_ERROR_MEMORY);
}

TEST(Session, profilesRows) {
  Opened opened([](ProgramBuilder &b) { reversals(b, 100); });
  Session session = makeSession(opened, 2);
  struct Seen {
    size_t events = 0;
    int64_t items = 0;
    bool ordered = true;
  } seen;
  auto profiler = [](void *user, const sinter_event *events, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      EXPECT_STREQ(events[i].name, "/node");
      EXPECT_STREQ(events[i].kernel, "reverse");
      static_cast<Seen *>(user)->ordered &= events[i].begin_ns <= events[i].end_ns;
      static_cast<Seen *>(user)->items += events[i].items;
    }
    static_cast<Seen *>(user)->events += count;
  };
  sinter_profile(session.get(), profiler, &seen);
  call(session.get(), {1, 2, 3});
  EXPECT_EQ(seen.events, 200u);
  EXPECT_EQ(seen.items, 300);
  EXPECT_TRUE(seen.ordered);
  sinter_profile(session.get(), nullptr, nullptr);
  call(session.get(), {1, 2, 3});
  EXPECT_EQ(seen.events, 200u);
}

TEST(Session, tracesRows) {
  Opened opened([](ProgramBuilder &b) {
    reversals(b, 2);
    b.rows[1].name = b.string("a\"b\\c\n");
  });
  Session session = makeSession(opened);
  std::string path = testing::TempDir() + "sinter_trace.json";
  ASSERT_EQ(sinter_trace(session.get(), path.c_str()), 0);
  call(session.get(), {1});
  ASSERT_EQ(sinter_trace(session.get(), nullptr), 0);
  std::string text(1 << 20, 0);
  FILE *file = fopen(path.c_str(), "r");
  text.resize(fread(text.data(), 1, text.size(), file));
  fclose(file);
  remove(path.c_str());
  EXPECT_EQ(text.substr(0, 30), "{\"traceEvents\": [\n{\"ph\": \"X\", ");
  EXPECT_NE(text.find(R"("name": "a\"b\\c\u000a")"), std::string::npos) << text;
  EXPECT_EQ(text.substr(text.size() - 5), "}\n]}\n");
  EXPECT_EQ(sinter_trace(session.get(), "/nowhere/trace.json"), SINTER_ERROR_IO);
}
