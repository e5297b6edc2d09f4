//===- Walker.cpp - runs the rows of a program ----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Every thread walks all rows by itself and does its own part of each, so that threads meet only where data crosses
// between them. Scalars that rows load are loaded by each thread, hence all take the same branches.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

#include <stdlib.h>

namespace sinter::runtime {
namespace {

/// One walk, shared by its threads.
struct Walk {
  Session *session;
  List<Row> rows;
  bool timed;
};

/// The same walk, as one thread sees it.
struct Thread {
  const Walk &walk;
  Session &session;
  const Program &program;
  const Model &model;
  Walker &self;
  uint32_t number;
  bool crowded; ///< since threads last met, a row ran on more than one of them
  bool owed;    ///< since then a barrier was passed over, which the next row that is not the first thread's alone makes up for
};

} // namespace

static char *address(Thread &t, const Operand &operand) {
  char *base = nullptr;
  switch (operand.space) {
  case Space::Arena:
    base = t.session.arena.data;
    break;
  case Space::Weights:
    base = const_cast<char *>(t.model.weightBase());
    break;
  case Space::Input:
    base = t.session.inputBases[operand.index];
    break;
  case Space::Output:
    base = t.session.outputBases[operand.index];
    break;
  case Space::State:
    base = t.session.stateBases[operand.index];
    break;
  }
  int64_t offset = static_cast<int64_t>(operand.offset);
  if (operand.offsetScalar != kNone)
    offset += t.self.scalars[operand.offsetScalar];
  return base + offset;
}

static void record(Walker &self, uint32_t row, int64_t items, uint64_t begin) {
  if (self.eventCount == self.eventRoom) {
    uint32_t room = self.eventRoom ? self.eventRoom * 2 : 1024;
    void *grown = realloc(self.events, room * sizeof *self.events);
    if (!grown)
      return; // a profile with holes is better than a failed run
    self.events = static_cast<Walker::Timed *>(grown);
    self.eventRoom = room;
  }
  self.events[self.eventCount++] = {row, items, begin, now()};
}

/// Over how many threads a row's items go.
static int64_t partsOf(const Thread &t, const Row &row) {
  int64_t grid = t.self.scalars[row.grid], grain = larger<int64_t>(row.grain, 1);
  return grid <= 0 ? 0 : smaller<int64_t>(t.session.threads, (grid - 1) / grain + 1);
}

/// Threads meet before a row where data crosses between them. All come to the same decision. What the first thread alone
/// does after what it alone did needs no meeting: a step of one token has such chains, of a norm and what quantizes it.
static void keepOrder(Thread &t, const Row &row) {
  bool single = row.kind == RowKind::Dispatch && partsOf(t, row) <= 1;
  if (single && !t.crowded) {
    t.owed |= row.barrier;
    return;
  }
  if (row.barrier || t.owed) {
    meet(t.session.pool);
    t.crowded = t.owed = false;
  }
  t.crowded |= !single;
}

/// The items of a row that are thread `n`'s to begin with, cut into pieces.
struct Share {
  int64_t begin, end, pieces;
  int64_t at(int64_t piece) const { return begin + (end - begin) * piece / pieces; }
};

/// Fine enough that the last piece is short beside a row, coarse enough that taking one costs nothing beside it.
constexpr int64_t kPieces = 16;

static Share shareOf(const Row &row, int64_t grid, int64_t parts, int64_t n) {
  int64_t each = grid / parts, rest = grid % parts;
  int64_t begin = n * each + smaller(n, rest);
  int64_t pieces = parts == 1 ? 1 : smaller(kPieces, each / larger<int64_t>(row.grain, 1));
  return {begin, begin + each + (n < rest ? 1 : 0), larger<int64_t>(pieces, 1)};
}

/// A claim is the turn its thread is at, the first piece that is left of its share, and the end of them. The thread
/// takes from the front, in runs that halve, so that it reads one long stream; others, when they are through with
/// theirs, take from the back. Cores are not equally fast, nor equally free. A result does not depend on who made it.
static uint64_t claimOf(uint32_t turn, uint64_t first, uint64_t end) { return uint64_t(turn) << 32 | first << 16 | end; }

struct Run {
  int64_t first, end;
};

/// Takes about half of what a claim has left at `turn`; nothing: an empty run.
static Run take(uint64_t &claim, uint32_t turn, bool front) {
  uint64_t seen = __atomic_load_n(&claim, __ATOMIC_RELAXED);
  while (true) {
    uint64_t first = seen >> 16 & 0xffff, end = seen & 0xffff;
    if (uint32_t(seen >> 32) != turn || first == end)
      return {0, 0};
    uint64_t left = end - first, count = front && first == 0 ? (left * 3 + 3) / 4 : front ? (left + 1) / 2 : 1;
    Run run = front ? Run{int64_t(first), int64_t(first + count)} : Run{int64_t(end - count), int64_t(end)};
    uint64_t rest = front ? claimOf(turn, first + count, end) : claimOf(turn, first, end - count);
    if (__atomic_compare_exchange_n(&claim, &seen, rest, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
      return run;
  }
}

static void dispatch(Thread &t, const Row &row, uint32_t index) {
  uint32_t turn = ++t.self.turn;
  int64_t grid = t.self.scalars[row.grid], parts = partsOf(t, row), n = t.number;
  if (n >= parts)
    return;
  List<Operand> operands = t.program.list<Operand>(row.operands);
  for (uint32_t i = 0; i < operands.count; ++i)
    t.self.operands[i] = address(t, operands[i]);
  List<uint32_t> scalars = t.program.list<uint32_t>(row.scalars);
  for (uint32_t i = 0; i < scalars.count; ++i)
    t.self.arguments[i] = t.self.scalars[scalars[i]];
  auto execute = [&](int64_t begin, int64_t end) {
    uint64_t start = t.walk.timed ? now() : 0;
    t.model.kernels[row.function](t.self.operands, t.self.arguments, begin, end, t.self.scratch);
    if (t.walk.timed)
      record(t.self, index, end - begin, start);
  };
  Share own = shareOf(row, grid, parts, n);
  if (own.pieces == 1)
    return execute(own.begin, own.end);
  __atomic_store_n(t.self.claim, claimOf(turn, 0, uint64_t(own.pieces)), __ATOMIC_RELAXED);
  for (int64_t next = 0; next < parts; ++next) {
    int64_t owner = (n + next) % parts;
    Share share = shareOf(row, grid, parts, owner);
    for (Run run; (run = take(*t.session.walkers[owner].claim, turn, next == 0)).first != run.end;)
      execute(share.at(run.first), share.at(run.end));
  }
}

static int64_t loadInteger(const char *from, DType type) {
  int64_t value = 0;
  memcpy(&value, from, elementBytes(type)); // little-endian: the low bytes
  switch (type) {
  case DType::I8:
    return static_cast<int8_t>(value);
  case DType::I16:
    return static_cast<int16_t>(value);
  case DType::I32:
    return static_cast<int32_t>(value);
  default:
    return value;
  }
}

/// Gives a scalar of op Loaded its value, and everything after it that may depend on it. False: a division by zero.
static bool assign(Thread &t, uint32_t scalar, int64_t value) {
  t.self.scalars[scalar] = value;
  t.self.known[scalar] = 1;
  t.self.failed = evaluate(t.program, t.session.symbols, t.self.scalars, t.self.known, scalar + 1);
  return t.self.failed == kNone;
}

/// False: stop, on all threads alike.
static bool walkRows(Thread &t, uint32_t begin, uint32_t end) {
  for (uint32_t i = begin; i < end; ++i) {
    const Row &row = t.walk.rows[i];
    keepOrder(t, row);
    switch (row.kind) {
    case RowKind::Dispatch:
      dispatch(t, row, i);
      break;
    case RowKind::LoadScalar:
      if (!assign(t, row.function, loadInteger(address(t, t.program.list<Operand>(row.operands)[0]), row.dtype)))
        return false;
      break;
    case RowKind::If:
      if (!t.self.scalars[row.grid])
        i += row.function;
      break;
    case RowKind::Loop: {
      uint32_t counter = t.program.list<Operand>(row.operands)[0].index;
      for (int64_t n = 0; n < t.self.scalars[row.grid]; ++n)
        if (!assign(t, counter, n) || !walkRows(t, i + 1, i + 1 + row.function))
          return false;
      i += row.function;
      break;
    }
    }
  }
  return true;
}

static void walkThread(void *argument, uint32_t number) {
  Walk &walk = *static_cast<Walk *>(argument);
  Session &session = *walk.session;
  Walker &self = session.walkers[number];
  self.failed = kNone;
  Thread thread = {walk, session, session.program(), *session.parent, self, number, false, false};
  walkRows(thread, 0, walk.rows.count);
}

int evaluateSizes(Session &session) {
  Walker &first = session.walkers[0];
  memset(first.known, 0, session.program().header->scalars.count);
  uint32_t failed = evaluate(session.program(), session.symbols, first.scalars, first.known, 0);
  if (failed == kNone)
    return SINTER_OK;
  return session.fail(SINTER_ERROR_VALUE, "these input sizes make the model divide a size by zero");
}

int walk(Session &session, Span rows) {
  Walk walk = {&session, session.program().list<Row>(rows), session.profiler || session.trace};
  uint32_t count = session.program().header->scalars.count;
  for (uint32_t i = 1; i < session.threads; ++i) {
    memcpy(session.walkers[i].scalars, session.walkers[0].scalars, count * sizeof(int64_t));
    memcpy(session.walkers[i].known, session.walkers[0].known, count);
  }
  runOnAll(session.pool, walkThread, &walk);
  if (walk.timed)
    reportEvents(session, rows);
  if (session.walkers[0].failed == kNone)
    return SINTER_OK;
  return session.fail(SINTER_ERROR_VALUE, "a value in the data makes the model divide a size by zero");
}

} // namespace sinter::runtime
