//===- MathFunctions.cpp - math functions as polynomials ------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/MathFunctions.h"
#include "passes/Lower/CPU/MathCoefficients.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <limits>
#include <numbers>

using namespace mlir;
using namespace sinter::lower;

static constexpr double kInf = std::numeric_limits<double>::infinity();
static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
static constexpr double kLn2 = std::numbers::ln2, kLog2E = std::numbers::log2e, kPi = std::numbers::pi;

/// `compute` on f64, for f32 results that need more bits on the way.
template <typename F> static Term inF64(MathBuilder &m, ArrayRef<Term> xs, F compute) {
  MathBuilder w(m.b, m.shaped(m.b.getF64Type()));
  SmallVector<Term> ws;
  for (Term x : xs)
    ws.push_back(w.wrap(arith::ExtFOp::create(m.b, w.type, x.v)));
  return m.wrap(arith::TruncFOp::create(m.b, m.type, compute(w, ws).v));
}

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

/// exp(r) - 1 for |r| <= ln2 / 2.
static Term expPolynomial(MathBuilder &m, Term r) {
  Term q = m.wide ? m.polynomial(kExpD, r) : m.polynomial(kExpF, r);
  return m.fma(r * r, q, r);
}

namespace {
/// x = n ln2 + r, |r| <= ln2 / 2.
struct ExpParts {
  Term r, nf, n; ///< nf is n as a float
};
} // namespace

static ExpParts reduceExp(MathBuilder &m, Term x) {
  ArrayRef<double> ln2 = m.wide ? ArrayRef<double>(kLn2D) : ArrayRef<double>(kLn2F);
  auto [nf, n] = m.roundScaled(x, kLog2E);
  return {m.fma(nf, m.c(-ln2[1]), m.fma(nf, m.c(-ln2[0]), x)), nf, n};
}

Term sinter::lower::buildExp(MathBuilder &m, Term x) {
  x = m.atMost(m.atLeast(x, m.wide ? -746 : -104), m.wide ? 710 : 89);
  ExpParts e = reduceExp(m, x);
  return m.scale(m.c(1) + expPolynomial(m, e.r), e.nf, e.n);
}

Term sinter::lower::buildExp2(MathBuilder &m, Term x) {
  x = m.atMost(m.atLeast(x, m.wide ? -1076 : -151), m.wide ? 1025 : 129);
  auto [nf, n] = m.roundScaled(x, 1);
  return m.scale(m.c(1) + expPolynomial(m, (x - nf) * m.c(kLn2)), nf, n);
}

Term sinter::lower::buildExpM1(MathBuilder &m, Term x) {
  x = m.atMost(m.atLeast(x, m.wide ? -60 : -30), m.wide ? 710 : 89);
  ExpParts e = reduceExp(m, x);
  Term half = m.power2(e.n - m.i(1)); // 2^n itself may not be a number
  Term y = m.fma(half, expPolynomial(m, e.r), half - m.c(0.5));
  return y + y;
}

Term sinter::lower::buildTanh(MathBuilder &m, Term x) {
  Term a = m.atMost(m.abs(x), m.wide ? 20 : 10);
  Term t = buildExpM1(m, a + a);
  return m.copySign(t / (t + m.c(2)), x);
}

/// exp(|x| - ln2), for |x| so large that exp(-|x|) does not count; overflows no sooner than it must.
static Term halfExp(MathBuilder &m, Term a) {
  Term h = buildExp(m, a * m.c(0.5));
  return h * m.c(0.5) * h;
}

Term sinter::lower::buildSinh(MathBuilder &m, Term x) {
  Term a = m.abs(x), t = buildExpM1(m, m.atMost(a, 40));
  Term y = m.c(0.5) * (t + t / (t + m.c(1)));
  return m.copySign(m.select(m.gt(a, m.c(40)), halfExp(m, a), y), x);
}

Term sinter::lower::buildCosh(MathBuilder &m, Term x) {
  Term a = m.abs(x), e = buildExp(m, m.atMost(a, 40));
  Term y = m.c(0.5) * (e + m.c(1) / e);
  return m.select(m.gt(a, m.c(40)), halfExp(m, a), y);
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

namespace {
/// x = 2^k m, m around 1.
struct LogParts {
  Term k;   ///< a float
  Term log; ///< log(m)
};
} // namespace

/// For positive finite x.
static LogParts splitLog(MathBuilder &m, Term x) {
  Term tiny = m.lt(x, m.c(m.wide ? 0x1p-1022 : 0x1p-126));
  double lift = m.wide ? 54 : 25;
  x = m.select(tiny, x * m.c(std::exp2(lift)), x);
  Term bits = m.bits(x);
  Term k = m.shr(bits - m.bits(m.c(std::numbers::sqrt2 / 2)), m.mantissa);
  Term f = m.fromBits(bits - m.shl(k, m.mantissa)) - m.c(1);
  // log(1 + f) = 2 atanh(s), with 2s = f - s f so that f is added last and whole.
  Term s = f / (m.c(2) + f), z = s * s;
  Term tail = z * (m.wide ? m.polynomial(kLogD, z) : m.polynomial(kLogF, z));
  return {m.toFloat(k) - m.select(tiny, m.c(lift), m.c(0)), f - s * (f - tail)};
}

/// The results where x is not positive and finite.
static Term fixLog(MathBuilder &m, Term x, Term y) {
  y = m.select(m.eq(x, m.c(kInf)), x, y);
  y = m.select(m.eq(x, m.c(0)), m.c(-kInf), y);
  return m.select(m.ge(x, m.c(0)), y, m.c(kNaN));
}

Term sinter::lower::buildLog(MathBuilder &m, Term x) {
  ArrayRef<double> ln2 = m.wide ? ArrayRef<double>(kLn2D) : ArrayRef<double>(kLn2F);
  LogParts p = splitLog(m, x);
  return fixLog(m, x, m.fma(p.k, m.c(ln2[0]), m.fma(p.k, m.c(ln2[1]), p.log)));
}

Term sinter::lower::buildLog2(MathBuilder &m, Term x) {
  LogParts p = splitLog(m, x);
  return fixLog(m, x, m.fma(p.log, m.c(kLog2E), p.k));
}

Term sinter::lower::buildLog10(MathBuilder &m, Term x) {
  ArrayRef<double> of2 = m.wide ? ArrayRef<double>(kLog10Of2D) : ArrayRef<double>(kLog10Of2F);
  LogParts p = splitLog(m, x);
  return fixLog(m, x, m.fma(p.k, m.c(of2[0]), m.fma(p.k, m.c(of2[1]), p.log * m.c(std::numbers::log10e))));
}

Term sinter::lower::buildLog1p(MathBuilder &m, Term x) {
  Term u = m.c(1) + x;
  Term lost = x - (u - m.c(1)); // what rounding took from u
  Term y = buildLog(m, u) + lost / u;
  return m.select(m.gt(m.abs(u), m.c(0)), m.select(m.eq(u, m.c(kInf)), u, y), buildLog(m, u));
}

Term sinter::lower::buildAsinh(MathBuilder &m, Term x) {
  double large = m.wide ? 0x1p28 : 0x1p14;
  Term a = m.abs(x), t = m.atMost(a, large), z = t * t;
  Term y = buildLog1p(m, t + z / (m.c(1) + m.sqrt(z + m.c(1))));
  return m.copySign(m.select(m.gt(a, m.c(large)), buildLog(m, a) + m.c(kLn2), y), x);
}

Term sinter::lower::buildAcosh(MathBuilder &m, Term x) {
  double large = m.wide ? 0x1p28 : 0x1p14;
  Term t = m.atMost(x, large) - m.c(1);
  Term y = buildLog1p(m, t + m.sqrt(t + t + t * t));
  y = m.select(m.gt(x, m.c(large)), buildLog(m, x) + m.c(kLn2), y);
  return m.select(m.ge(x, m.c(1)), y, m.c(kNaN));
}

Term sinter::lower::buildAtanh(MathBuilder &m, Term x) {
  Term a = m.abs(x);
  return m.copySign(m.c(0.5) * buildLog1p(m, (a + a) / (m.c(1) - a)), x);
}

//===----------------------------------------------------------------------===//
// Error functions
//===----------------------------------------------------------------------===//

/// exp(-a^2) with the rounding error of a^2 made good.
static Term expMinusSquare(MathBuilder &m, Term a) {
  Term z = a * a, lost = m.fma(a, a, -z);
  Term e = buildExp(m, -z);
  return e - e * lost;
}

/// erfc(a) for a >= 1, on f64.
static Term erfcTail(MathBuilder &m, Term a) {
  a = m.atMost(m.atLeast(a, 1), 28);
  Term w = (a - m.c(4)) / (a + m.c(4));
  return expMinusSquare(m, a) * (m.polynomial(kErfcD, w) / m.polynomial(kErfcDQ, w));
}

Term sinter::lower::buildErf(MathBuilder &m, Term x) {
  if (!m.wide) {
    Term a = m.atMost(m.abs(x), 4);
    ExpParts e = reduceExp(m, -m.polynomial(kErfcF, a));
    Term tail = (m.c(1) + expPolynomial(m, e.r)) * m.power2(e.n);
    return m.select(m.gt(a, m.c(0.9)), m.copySign(m.c(1) - tail, x), m.fma(x, m.polynomial(kErfF, x * x), x));
  }
  Term a = m.abs(x), t = m.atMost(m.atLeast(x, -1), 1);
  Term near = m.fma(t, m.polynomial(kErfD, t * t), t);
  return m.select(m.gt(a, m.c(1)), m.copySign(m.c(1) - erfcTail(m, a), x), near);
}

Term sinter::lower::buildErfc(MathBuilder &m, Term x) {
  if (!m.wide)
    return inF64(m, {x}, [](MathBuilder &w, ArrayRef<Term> xs) { return buildErfc(w, xs[0]); });
  Term a = m.abs(x), t = m.atMost(m.atLeast(x, -1), 1), tail = erfcTail(m, a);
  Term far = m.select(m.lt(x, m.c(0)), m.c(2) - tail, tail);
  return m.select(m.gt(a, m.c(1)), far, m.c(1) - m.fma(t, m.polynomial(kErfD, t * t), t));
}

//===----------------------------------------------------------------------===//
// Circular functions
//===----------------------------------------------------------------------===//

namespace {
/// x = n pi / 2 + r, |r| <= pi / 4.
struct Quadrant {
  Term sin, cos; ///< of r
  Term n;        ///< an integer, right in its low bits
};
} // namespace

static Quadrant reduceCircle(MathBuilder &m, Term x) {
  // f32 is reduced in f64: two products with fma hold for every f32 whose neighbours are less than a turn apart.
  MathBuilder w(m.b, m.shaped(m.b.getF64Type()));
  Term t = m.wide ? w.wrap(x.v) : w.wrap(arith::ExtFOp::create(m.b, w.type, x.v));
  // Beyond that the angle has no meaning: 0, and NaN for what is not finite.
  t = w.select(w.lt(w.abs(t), w.c(0x1p50)), t, t - t);
  auto [nf, n] = w.roundScaled(t, 2 / kPi);
  Term r = w.fma(nf, w.c(-kHalfPi[1]), w.fma(nf, w.c(-kHalfPi[0]), t));
  if (m.wide) {
    r = m.wrap(w.fma(nf, w.c(-kHalfPi[2]), r).v);
    n = m.wrap(n.v);
  } else {
    r = m.wrap(arith::TruncFOp::create(m.b, m.type, r.v));
    n = m.wrap(arith::TruncIOp::create(m.b, m.intType, n.v));
  }
  Term z = r * r;
  Term s = m.wide ? m.polynomial(kSinD, z) : m.polynomial(kSinF, z);
  Term c = m.wide ? m.polynomial(kCosD, z) : m.polynomial(kCosF, z);
  return {m.fma(r * z, s, r), m.fma(z * z, c, m.fma(m.c(-0.5), z, m.c(1))), n};
}

/// sin(n pi / 2 + r).
static Term turn(MathBuilder &m, const Quadrant &q, Term n) {
  Term y = m.select(m.nonZero(m.bitAnd(n, m.i(1))), q.cos, q.sin);
  Term sign = m.shl(m.bitAnd(n, m.i(2)), m.wide ? 62 : 30);
  return m.fromBits(m.bitXor(m.bits(y), sign));
}

Term sinter::lower::buildSin(MathBuilder &m, Term x) {
  Quadrant q = reduceCircle(m, x);
  return turn(m, q, q.n);
}

Term sinter::lower::buildCos(MathBuilder &m, Term x) {
  Quadrant q = reduceCircle(m, x);
  return turn(m, q, q.n + m.i(1));
}

Term sinter::lower::buildTan(MathBuilder &m, Term x) {
  Quadrant q = reduceCircle(m, x);
  return turn(m, q, q.n) / turn(m, q, q.n + m.i(1));
}

Term sinter::lower::buildAtan(MathBuilder &m, Term x) {
  Term a = m.abs(x);
  Term far = m.gt(a, m.c(std::numbers::sqrt2 + 1)), mid = m.gt(a, m.c(std::numbers::sqrt2 - 1));
  auto choose = [&](Term ifFar, Term ifMid, Term ifNear) { return m.select(far, ifFar, m.select(mid, ifMid, ifNear)); };
  Term t = choose(m.c(-1), a - m.c(1), a) / choose(a, a + m.c(1), m.c(1)), z = t * t;
  Term p = m.fma(t * z, m.wide ? m.polynomial(kAtanD, z) : m.polynomial(kAtanF, z), t);
  return m.copySign(choose(m.c(kPi / 2), m.c(kPi / 4), m.c(0)) + p, x);
}

Term sinter::lower::buildAtan2(MathBuilder &m, Term y, Term x) {
  Term ax = m.abs(x), ay = m.abs(y), steep = m.gt(ay, ax);
  Term lo = m.select(steep, ax, ay), hi = m.select(steep, ay, ax);
  Term q = m.select(m.eq(lo, hi), m.c(1), lo / hi);
  q = m.select(m.eq(hi, m.c(0)), m.c(0), q);
  Term a = buildAtan(m, q);
  a = m.select(steep, m.c(kPi / 2) - a, a);
  a = m.select(m.negative(m.bits(x)), m.c(kPi) - a, a);
  Term sum = x + y;
  return m.select(m.cmp(arith::CmpFPredicate::UNO, x, y), sum, m.copySign(a, y));
}

Term sinter::lower::buildAsin(MathBuilder &m, Term x) { return buildAtan(m, x / m.sqrt((m.c(1) - x) * (m.c(1) + x))); }

Term sinter::lower::buildAcos(MathBuilder &m, Term x) {
  Term half = buildAtan(m, m.sqrt((m.c(1) - x) / (m.c(1) + x)));
  return half + half;
}

//===----------------------------------------------------------------------===//
// Powers, roots and rounding
//===----------------------------------------------------------------------===//

Term sinter::lower::buildRsqrt(MathBuilder &m, Term x) { return m.c(1) / m.sqrt(x); }

Term sinter::lower::buildCbrt(MathBuilder &m, Term x) {
  Term a = m.abs(x);
  Term y = buildExp2(m, buildLog2(m, a) * m.c(1.0 / 3));
  y = y - (y - a / (y * y)) * m.c(1.0 / 3); // one step of Newton's method
  y = m.select(m.gt(a, m.c(0)), m.select(m.eq(a, m.c(kInf)), a, y), a);
  return m.copySign(y, x);
}

Term sinter::lower::buildRound(MathBuilder &m, Term x) {
  Term t = m.trunc(x);
  Term up = m.ge(m.abs(x - t), m.c(0.5));
  return m.copySign(t + m.select(up, m.copySign(m.c(1), x), m.c(0)), x);
}

Term sinter::lower::buildPow(MathBuilder &m, Term x, Term y) {
  if (!m.wide)
    return inF64(m, {x, y}, [](MathBuilder &w, ArrayRef<Term> xs) { return buildPow(w, xs[0], xs[1]); });
  Term a = m.abs(x), one = m.c(1);
  Term magnitude = m.select(m.eq(a, one), one, buildExp2(m, y * buildLog2(m, a)));
  Term half = y * m.c(0.5);
  Term integer = m.eq(m.trunc(y), y), odd = m.bitAnd(integer, m.cmp(arith::CmpFPredicate::ONE, m.trunc(half), half));
  Term signedPower = m.select(odd, m.copySign(magnitude, x), magnitude);
  Term real = m.bitOr(integer, m.bitOr(m.ge(x, m.c(0)), m.eq(a, m.c(kInf))));
  Term z = m.select(m.bitOr(real, m.isNaN(y)), signedPower, m.c(kNaN));
  z = m.select(m.isNaN(x), x, m.select(m.isNaN(y), y, z));
  return m.select(m.bitOr(m.eq(y, m.c(0)), m.eq(x, one)), one, z);
}

Term sinter::lower::buildPowN(MathBuilder &m, Term x, int64_t n) {
  Term y = m.c(1);
  bool first = true;
  for (uint64_t left = n < 0 ? -uint64_t(n) : uint64_t(n); left; left >>= 1) {
    if (left & 1) {
      y = first ? x : y * x;
      first = false;
    }
    if (left > 1)
      x = x * x;
  }
  return n < 0 ? m.c(1) / y : y;
}

Term sinter::lower::buildRem(MathBuilder &m, Term x, Term y) {
  // In f64 no f32 is subnormal.
  if (!m.wide)
    return inF64(m, {x, y}, [](MathBuilder &w, ArrayRef<Term> xs) { return buildRem(w, xs[0], xs[1]); });
  Term ax = m.abs(x), ay = m.abs(y);
  Term valid = m.bitAnd(m.lt(ax, m.c(kInf)), m.ge(ay, m.c(0x1p-1022)));
  // Long division: take y 2^k, the largest not above r, from r until r < y. Every step is exact.
  Term start = m.select(m.bitAnd(valid, m.lt(ay, m.c(kInf))), ax, m.c(-1));
  auto loop = scf::WhileOp::create(
      m.b, TypeRange{m.type}, ValueRange{start},
      [&](OpBuilder &, Location, ValueRange args) {
        Value active = m.ge(m.wrap(args[0]), ay);
        if (auto vector = dyn_cast<VectorType>(active.getType()); vector && vector.getRank() > 0) {
          auto flat = VectorType::get({vector.getNumElements()}, vector.getElementType());
          active = vector::ShapeCastOp::create(m.b, flat, active);
          active = vector::ReductionOp::create(m.b, vector::CombiningKind::OR, active);
        }
        scf::ConditionOp::create(m.b, active, args);
      },
      [&](OpBuilder &, Location, ValueRange args) {
        Term r = m.wrap(args[0]);
        Term k = m.shr(m.bits(r), m.mantissa) - m.shr(m.bits(ay), m.mantissa);
        Term down = k - m.i(1);
        down = m.select(m.negative(down), m.i(0), down);
        Term half = m.shr(down, 1);
        Term t = ay * m.power2(half) * m.power2(down - half), twice = t + t;
        t = m.select(m.gt(twice, r), t, twice);
        Value next = m.select(m.ge(r, ay), r - t, r);
        scf::YieldOp::create(m.b, next);
      });
  Term r = m.wrap(loop.getResult(0));
  r = m.select(m.eq(ay, m.c(kInf)), ax, r);
  return m.select(valid, m.copySign(r, x), m.select(m.isNaN(y), y, m.c(kNaN)));
}
