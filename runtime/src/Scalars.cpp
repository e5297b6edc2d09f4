//===- Scalars.cpp - run-time sizes ---------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {

// Arithmetic wraps: symbols are checked against their bounds first, for which the compiler made sure that nothing
// overflows.
static int64_t add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
static int64_t sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
static int64_t mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

static int64_t floorDiv(int64_t a, int64_t b) {
  if (b == -1)
    return sub(0, a);
  int64_t q = a / b;
  return q - ((a % b != 0) && ((a < 0) != (b < 0)));
}

static int64_t binary(ScalarOp op, int64_t a, int64_t b) {
  switch (op) {
  case ScalarOp::Add:
    return add(a, b);
  case ScalarOp::Sub:
    return sub(a, b);
  case ScalarOp::Mul:
    return mul(a, b);
  case ScalarOp::FloorDiv:
    return floorDiv(a, b);
  case ScalarOp::CeilDiv:
    return sub(0, floorDiv(sub(0, a), b));
  case ScalarOp::Mod:
    return sub(a, mul(floorDiv(a, b), b));
  case ScalarOp::Min:
    return smaller(a, b);
  case ScalarOp::Max:
    return larger(a, b);
  case ScalarOp::Eq:
    return a == b;
  case ScalarOp::Ne:
    return a != b;
  case ScalarOp::Lt:
    return a < b;
  case ScalarOp::Le:
    return a <= b;
  case ScalarOp::And:
    return a && b;
  case ScalarOp::Or:
    return a || b;
  default:
    return 0;
  }
}

static bool divides(ScalarOp op) { return op == ScalarOp::FloorDiv || op == ScalarOp::CeilDiv || op == ScalarOp::Mod; }

uint32_t evaluate(const Program &program, const int64_t *symbols, int64_t *values, uint8_t *known, uint32_t from) {
  List<Scalar> scalars = program.scalars();
  for (uint32_t i = from; i < scalars.count; ++i) {
    const Scalar &s = scalars[i];
    switch (s.op) {
    case ScalarOp::Const:
      values[i] = s.imm, known[i] = 1;
      break;
    case ScalarOp::Symbol:
      values[i] = symbols[s.imm], known[i] = 1;
      break;
    case ScalarOp::Loaded:
      break;
    case ScalarOp::Select: {
      uint32_t chosen = values[s.a] ? s.b : static_cast<uint32_t>(s.imm);
      values[i] = values[chosen], known[i] = known[s.a] && known[chosen];
      break;
    }
    default:
      known[i] = known[s.a] && known[s.b];
      if (divides(s.op) && values[s.b] == 0) {
        if (known[i])
          return i;
        values[i] = 0;
        break;
      }
      values[i] = binary(s.op, values[s.a], values[s.b]);
    }
  }
  return kNone;
}

void evaluateBounds(const Program &program, Interval *bounds) {
  constexpr Interval any = {INT64_MIN, INT64_MAX};
  List<Scalar> scalars = program.scalars();
  for (uint32_t i = 0; i < scalars.count; ++i) {
    const Scalar &s = scalars[i];
    Interval &out = bounds[i];
    switch (s.op) {
    case ScalarOp::Const:
      out = {s.imm, s.imm};
      continue;
    case ScalarOp::Symbol: {
      const Symbol &symbol = program.symbols()[s.imm];
      out = {symbol.lo, symbol.hi};
      continue;
    }
    case ScalarOp::Loaded:
      out = {0, INT64_MAX};
      continue;
    case ScalarOp::Select: {
      Interval a = bounds[s.b], b = bounds[s.imm];
      out = {smaller(a.lo, b.lo), larger(a.hi, b.hi)};
      continue;
    }
    case ScalarOp::Eq:
    case ScalarOp::Ne:
    case ScalarOp::Lt:
    case ScalarOp::Le:
    case ScalarOp::And:
    case ScalarOp::Or:
      out = {0, 1};
      continue;
    default:
      break;
    }
    Interval a = bounds[s.a], b = bounds[s.b];
    if (s.op == ScalarOp::Mod) {
      out = b.lo > 0 ? Interval{0, b.hi - 1} : any;
      continue;
    }
    if (divides(s.op) && b.lo <= 0) {
      out = any;
      continue;
    }
    // Every other operation is monotonic in each operand, so its extremes are at corners. Corners that overflow are
    // unbounded.
    int64_t left[] = {a.lo, a.lo, a.hi, a.hi}, right[] = {b.lo, b.hi, b.lo, b.hi};
    out = {INT64_MAX, INT64_MIN};
    for (int corner = 0; corner < 4; ++corner) {
      int64_t x = left[corner], y = right[corner], value;
      bool overflow = s.op == ScalarOp::Add   ? __builtin_add_overflow(x, y, &value)
                      : s.op == ScalarOp::Sub ? __builtin_sub_overflow(x, y, &value)
                      : s.op == ScalarOp::Mul ? __builtin_mul_overflow(x, y, &value)
                                              : (value = binary(s.op, x, y), false);
      if (overflow) {
        out = any;
        break;
      }
      out = {smaller(out.lo, value), larger(out.hi, value)};
    }
  }
}

} // namespace sinter::runtime
