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

static void dispatch(Thread &t, const Row &row, uint32_t index) {
  int64_t grid = t.self.scalars[row.grid];
  if (grid <= 0)
    return;
  int64_t grain = larger<int64_t>(row.grain, 1);
  int64_t parts = smaller<int64_t>(t.session.threads, (grid - 1) / grain + 1);
  if (t.number >= parts)
    return;
  int64_t each = grid / parts, rest = grid % parts, n = t.number;
  int64_t begin = n * each + smaller(n, rest), end = begin + each + (n < rest ? 1 : 0);

  List<Operand> operands = t.program.list<Operand>(row.operands);
  for (uint32_t i = 0; i < operands.count; ++i)
    t.self.operands[i] = address(t, operands[i]);
  List<uint32_t> scalars = t.program.list<uint32_t>(row.scalars);
  for (uint32_t i = 0; i < scalars.count; ++i)
    t.self.arguments[i] = t.self.scalars[scalars[i]];
  uint64_t start = t.walk.timed ? now() : 0;
  t.model.kernels[row.function](t.self.operands, t.self.arguments, begin, end, t.self.scratch);
  if (t.walk.timed)
    record(t.self, index, end - begin, start);
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
    if (row.barrier)
      meet(t.session.pool);
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
  Thread thread = {walk, session, session.program(), *session.parent, self, number};
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
