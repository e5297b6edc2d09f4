//===- MathBuilder.h - float formulas as arith ops -------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_MATHBUILDER_H
#define SINTER_PASSES_LOWER_CPU_MATHBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sinter::lower {

class MathBuilder;

/// A value of a formula: +, -, * and / are the arith ops of its type (float or integer, scalar or vector).
struct Term {
  MathBuilder *m;
  mlir::Value v;
  operator mlir::Value() const { return v; }
};

/// Builds formulas on f32 or f64 scalars or vectors of one shape.
class MathBuilder {
public:
  mlir::ImplicitLocOpBuilder &b;
  mlir::Type type;    ///< f32, f64 or a vector of them
  mlir::Type intType; ///< the integer of the same width, same shape
  bool wide;          ///< f64
  int mantissa, bias;
  bool avx512; ///< its instructions may be used

  MathBuilder(mlir::ImplicitLocOpBuilder &b, mlir::Type type, bool avx512 = false) : b(b), type(type), avx512(avx512) {
    wide = mlir::getElementTypeOrSelf(type).isF64();
    mantissa = wide ? 52 : 23;
    bias = wide ? 1023 : 127;
    intType = shaped(b.getIntegerType(wide ? 64 : 32));
  }

  /// `element`, with the shape of this builder's type.
  mlir::Type shaped(mlir::Type element) const {
    auto vector = mlir::dyn_cast<mlir::VectorType>(type);
    return vector ? mlir::Type(vector.clone(element)) : element;
  }
  Term wrap(mlir::Value v) { return {this, v}; }

  Term constant(mlir::Type of, mlir::TypedAttr element) {
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(of))
      return wrap(mlir::arith::ConstantOp::create(b, mlir::DenseElementsAttr::get(vector, mlir::Attribute(element))));
    return wrap(mlir::arith::ConstantOp::create(b, element));
  }
  Term c(double value) { return constant(type, b.getFloatAttr(mlir::getElementTypeOrSelf(type), value)); }
  Term i(int64_t value) { return constant(intType, b.getIntegerAttr(mlir::getElementTypeOrSelf(intType), value)); }

  Term bits(Term x) { return wrap(mlir::arith::BitcastOp::create(b, intType, x.v)); }
  Term fromBits(Term x) { return wrap(mlir::arith::BitcastOp::create(b, type, x.v)); }
  Term shl(Term x, int64_t n) { return wrap(mlir::arith::ShLIOp::create(b, x, i(n))); }
  Term shr(Term x, int64_t n) { return wrap(mlir::arith::ShRSIOp::create(b, x, i(n))); }
  Term bitAnd(Term x, Term y) { return wrap(mlir::arith::AndIOp::create(b, x, y)); }
  Term bitXor(Term x, Term y) { return wrap(mlir::arith::XOrIOp::create(b, x, y)); }
  Term bitOr(Term x, Term y) { return wrap(mlir::arith::OrIOp::create(b, x, y)); }

  /// a * b + c, rounded once.
  Term fma(Term x, Term y, Term z) { return wrap(mlir::math::FmaOp::create(b, x, y, z)); }
  Term sqrt(Term x) { return wrap(mlir::math::SqrtOp::create(b, x)); }
  Term abs(Term x) { return wrap(mlir::math::AbsFOp::create(b, x)); }
  Term trunc(Term x) { return wrap(mlir::math::TruncOp::create(b, x)); }
  Term copySign(Term x, Term sign) { return wrap(mlir::math::CopySignOp::create(b, x, sign)); }

  Term cmp(mlir::arith::CmpFPredicate p, Term x, Term y) { return wrap(mlir::arith::CmpFOp::create(b, p, x, y)); }
  Term lt(Term x, Term y) { return cmp(mlir::arith::CmpFPredicate::OLT, x, y); }
  Term gt(Term x, Term y) { return cmp(mlir::arith::CmpFPredicate::OGT, x, y); }
  Term ge(Term x, Term y) { return cmp(mlir::arith::CmpFPredicate::OGE, x, y); }
  Term eq(Term x, Term y) { return cmp(mlir::arith::CmpFPredicate::OEQ, x, y); }
  Term isNaN(Term x) { return cmp(mlir::arith::CmpFPredicate::UNO, x, x); }
  Term nonZero(Term x) { return wrap(mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::ne, x, i(0))); }
  Term negative(Term x) { return wrap(mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::slt, x, i(0))); }
  Term select(Term condition, Term x, Term y) { return wrap(mlir::arith::SelectOp::create(b, condition, x, y)); }
  /// These keep a NaN in x.
  Term atLeast(Term x, double lo) { return select(lt(x, c(lo)), c(lo), x); }
  Term atMost(Term x, double hi) { return select(gt(x, c(hi)), c(hi), x); }

  /// The polynomial with these coefficients, constant term first.
  Term polynomial(llvm::ArrayRef<double> coefficients, Term x) {
    Term sum = c(coefficients.back());
    for (double k : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, c(k));
    return sum;
  }
  /// 2^n for the integers n of a normal number.
  Term power2(Term n);
  /// p * 2^n, rounded once also where it is subnormal; `nf` is the integer n as a float, p in [1/2, 2].
  Term scale(Term p, Term nf, Term n);
  /// Rounds x * scale to the nearest integer, ties to even; |x * scale| must be less than 2^(mantissa - 2). Returns it
  /// as a float and as an integer. Adding 1.5 * 2^mantissa leaves the integer in the low bits; unlike a conversion it
  /// is defined for a NaN.
  std::pair<Term, Term> roundScaled(Term x, double scale);
  /// The integer n, smaller than 2^(mantissa - 2), as a float.
  Term toFloat(Term n);
  double magic() const { return wide ? 0x1.8p52 : 0x1.8p23; }
};

inline Term operator+(Term x, Term y) {
  if (mlir::isa<mlir::IntegerType>(mlir::getElementTypeOrSelf(x.v)))
    return x.m->wrap(mlir::arith::AddIOp::create(x.m->b, x, y));
  return x.m->wrap(mlir::arith::AddFOp::create(x.m->b, x, y));
}
inline Term operator-(Term x, Term y) {
  if (mlir::isa<mlir::IntegerType>(mlir::getElementTypeOrSelf(x.v)))
    return x.m->wrap(mlir::arith::SubIOp::create(x.m->b, x, y));
  return x.m->wrap(mlir::arith::SubFOp::create(x.m->b, x, y));
}
inline Term operator*(Term x, Term y) { return x.m->wrap(mlir::arith::MulFOp::create(x.m->b, x, y)); }
inline Term operator/(Term x, Term y) { return x.m->wrap(mlir::arith::DivFOp::create(x.m->b, x, y)); }
inline Term operator-(Term x) { return x.m->wrap(mlir::arith::NegFOp::create(x.m->b, x)); }

inline Term MathBuilder::scale(Term p, Term nf, Term n) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(type);
  if (avx512 && !wide && vector && vector.getRank() == 1 && vector.getNumElements() == 16 && !vector.isScalable()) {
    auto all = mlir::arith::ConstantIntOp::create(b, -1, 16), rounding = mlir::arith::ConstantIntOp::create(b, 4, 32);
    auto scalef = mlir::LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr("llvm.x86.avx512.mask.scalef.ps.512"),
                                                      mlir::ValueRange{p, nf, p, all, rounding});
    return wrap(scalef.getResult(0));
  }
  // In two steps, of which the first is exact and neither factor leaves the normal numbers.
  Term half = shr(n, 1);
  return p * power2(half) * power2(n - half);
}
inline Term MathBuilder::power2(Term n) { return fromBits(shl(n + i(bias), mantissa)); }
inline std::pair<Term, Term> MathBuilder::roundScaled(Term x, double scale) {
  Term shifted = fma(x, c(scale), c(magic()));
  return {shifted - c(magic()), bits(shifted) - bits(c(magic()))};
}
inline Term MathBuilder::toFloat(Term n) { return fromBits(n + bits(c(magic()))) - c(magic()); }

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_MATHBUILDER_H
