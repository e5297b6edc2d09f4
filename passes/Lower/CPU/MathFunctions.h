//===- MathFunctions.h - math functions as polynomials ---------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Each builds the function on f32 or f64, scalars or vectors, with the IEEE results at zeros, infinities and NaNs. The
// operations are the same for a scalar and for each lane of a vector, so the bits are too. Errors against the exact
// result, tested in test/unit/Codegen: f32 at most 4 units in the last place (erf: 1e-7 absolute; sin, cos: 1e-7
// absolute up to |x| = 1e9; pow, erfc: 1), f64 at most 1e-12 relative (erf, erfc, sin, cos: 1e-13 absolute, the latter
// up to |x| = 1e9). Subnormal results are honoured by exp and pow.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_MATHFUNCTIONS_H
#define SINTER_PASSES_LOWER_CPU_MATHFUNCTIONS_H

#include "passes/Lower/CPU/MathBuilder.h"

namespace sinter::lower {

Term buildExp(MathBuilder &m, Term x);
Term buildExp2(MathBuilder &m, Term x);
Term buildExpM1(MathBuilder &m, Term x);
Term buildLog(MathBuilder &m, Term x);
Term buildLog2(MathBuilder &m, Term x);
Term buildLog10(MathBuilder &m, Term x);
Term buildLog1p(MathBuilder &m, Term x);
Term buildTanh(MathBuilder &m, Term x);
Term buildSinh(MathBuilder &m, Term x);
Term buildCosh(MathBuilder &m, Term x);
Term buildAsinh(MathBuilder &m, Term x);
Term buildAcosh(MathBuilder &m, Term x);
Term buildAtanh(MathBuilder &m, Term x);
Term buildErf(MathBuilder &m, Term x);
Term buildErfc(MathBuilder &m, Term x);
Term buildSin(MathBuilder &m, Term x);
Term buildCos(MathBuilder &m, Term x);
Term buildTan(MathBuilder &m, Term x);
Term buildAtan(MathBuilder &m, Term x);
Term buildAtan2(MathBuilder &m, Term y, Term x);
Term buildAsin(MathBuilder &m, Term x);
Term buildAcos(MathBuilder &m, Term x);
Term buildCbrt(MathBuilder &m, Term x);
Term buildRsqrt(MathBuilder &m, Term x);
/// To the nearest integer, halves away from zero.
Term buildRound(MathBuilder &m, Term x);
Term buildPow(MathBuilder &m, Term x, Term y);
/// x^n by multiplications.
Term buildPowN(MathBuilder &m, Term x, int64_t n);
/// The remainder of a truncated division, exact. A subnormal f64 divisor counts as 0.
Term buildRem(MathBuilder &m, Term x, Term y);

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_MATHFUNCTIONS_H
