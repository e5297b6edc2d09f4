//===- ExpandMath.cpp - no calls of libm ----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Kern.h"
#include "passes/Lower/CPU/MathFunctions.h"
#include "passes/Lower/CPU/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::lower {
#define GEN_PASS_DEF_EXPANDMATH
#include "passes/Lower/CPU/Passes.h.inc"

namespace {

/// The splat or scalar float constant `value` is.
std::optional<double> constantOf(Value value) {
  FloatAttr scalar;
  if (matchPattern(value, m_Constant(&scalar)))
    return scalar.getValueAsDouble();
  SplatElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat)) && isa<FloatType>(splat.getElementType()))
    return splat.getSplatValue<APFloat>().convertToDouble();
  return std::nullopt;
}

Term buildPower(MathBuilder &m, math::PowFOp op, Term x, Term y) {
  if (std::optional<double> n = constantOf(op.getRhs())) {
    constexpr int64_t most = 64; // more multiplications lose more than the logarithm does
    if (*n == 0.5)
      return m.sqrt(x);
    if (*n == -0.5)
      return buildRsqrt(m, x);
    if (std::abs(*n) <= most && *n == std::trunc(*n))
      return buildPowN(m, x, int64_t(*n));
  }
  return buildPow(m, x, y);
}

/// The op's formula on `xs`, its operands as f32 or f64; nothing for an op that has an instruction.
std::optional<Term> buildFormula(MathBuilder &m, Operation *op, ArrayRef<Term> xs) {
  using Result = std::optional<Term>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](math::ExpOp) -> Result { return buildExp(m, xs[0]); })
      .Case([&](math::Exp2Op) -> Result { return buildExp2(m, xs[0]); })
      .Case([&](math::ExpM1Op) -> Result { return buildExpM1(m, xs[0]); })
      .Case([&](math::LogOp) -> Result { return buildLog(m, xs[0]); })
      .Case([&](math::Log2Op) -> Result { return buildLog2(m, xs[0]); })
      .Case([&](math::Log10Op) -> Result { return buildLog10(m, xs[0]); })
      .Case([&](math::Log1pOp) -> Result { return buildLog1p(m, xs[0]); })
      .Case([&](math::TanhOp) -> Result { return buildTanh(m, xs[0]); })
      .Case([&](math::SinhOp) -> Result { return buildSinh(m, xs[0]); })
      .Case([&](math::CoshOp) -> Result { return buildCosh(m, xs[0]); })
      .Case([&](math::AsinhOp) -> Result { return buildAsinh(m, xs[0]); })
      .Case([&](math::AcoshOp) -> Result { return buildAcosh(m, xs[0]); })
      .Case([&](math::AtanhOp) -> Result { return buildAtanh(m, xs[0]); })
      .Case([&](math::ErfOp) -> Result { return buildErf(m, xs[0]); })
      .Case([&](math::ErfcOp) -> Result { return buildErfc(m, xs[0]); })
      .Case([&](math::SinOp) -> Result { return buildSin(m, xs[0]); })
      .Case([&](math::CosOp) -> Result { return buildCos(m, xs[0]); })
      .Case([&](math::TanOp) -> Result { return buildTan(m, xs[0]); })
      .Case([&](math::AtanOp) -> Result { return buildAtan(m, xs[0]); })
      .Case([&](math::Atan2Op) -> Result { return buildAtan2(m, xs[0], xs[1]); })
      .Case([&](math::AsinOp) -> Result { return buildAsin(m, xs[0]); })
      .Case([&](math::AcosOp) -> Result { return buildAcos(m, xs[0]); })
      .Case([&](math::CbrtOp) -> Result { return buildCbrt(m, xs[0]); })
      .Case([&](math::RsqrtOp) -> Result { return buildRsqrt(m, xs[0]); })
      .Case([&](math::RoundOp) -> Result { return buildRound(m, xs[0]); })
      .Case([&](math::PowFOp pow) -> Result { return buildPower(m, pow, xs[0], xs[1]); })
      .Case([&](arith::RemFOp) -> Result { return buildRem(m, xs[0], xs[1]); })
      .Case([&](math::ClampFOp) -> Result {
        Value low = arith::MaximumFOp::create(m.b, xs[0], xs[1]);
        return m.wrap(arith::MinimumFOp::create(m.b, low, xs[2]));
      })
      .Default([](Operation *) -> Result { return std::nullopt; });
}

bool isSupported(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16() || element.isF32() || element.isF64();
}
bool isNarrow(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

/// What values of `type` are computed in.
Type computeType(Type type) {
  if (!isNarrow(type))
    return type;
  Type f32 = Float32Type::get(type.getContext());
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(f32)) : f32;
}

/// Any op on floats of one type: computed in f32 where they are narrower, as a formula where there is no instruction.
LogicalResult expandFloatOp(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Type type = op->getOperand(0).getType();
  if (!isSupported(type))
    return op->emitOpError("on ") << type << " has no expansion; f16, bf16, f32 and f64 have";
  bool narrow = isNarrow(type);
  MathBuilder m(b, computeType(type), kern::TargetAttr::of(op).has("avx512f"));
  SmallVector<Term> xs;
  for (Value x : op->getOperands())
    xs.push_back(m.wrap(narrow ? arith::ExtFOp::create(b, m.type, x) : x));
  std::optional<Term> formula = buildFormula(m, op, xs);
  Value result;
  if (formula) {
    result = *formula;
  } else if (narrow) {
    bool isFloat = isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType()));
    SmallVector<Value> operands(xs.begin(), xs.end());
    result = b.create(op->getLoc(), op->getName().getIdentifier(), operands,
                      {isFloat ? m.type : op->getResult(0).getType()}, op->getAttrs())
                 ->getResult(0);
  } else {
    return success();
  }
  if (narrow && getElementTypeOrSelf(result.getType()).isF32())
    result = arith::TruncFOp::create(b, type, result);
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return success();
}

/// x^n with an integer n that is no constant.
void expandFPowI(math::FPowIOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Type type = op.getLhs().getType();
  MathBuilder m(b, computeType(type), kern::TargetAttr::of(op).has("avx512f"));
  Value x = isNarrow(type) ? arith::ExtFOp::create(b, m.type, op.getLhs()).getResult() : op.getLhs();
  Term y = m.wrap(arith::SIToFPOp::create(b, m.type, op.getRhs()));
  Value result = buildPow(m, m.wrap(x), y);
  if (isNarrow(type))
    result = arith::TruncFOp::create(b, type, result);
  op.replaceAllUsesWith(result);
  op.erase();
}

/// Integer powers: square and multiply over all bits of the exponent; a negative one leaves only 1 and -1.
void expandIPowI(math::IPowIOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Type type = op.getType();
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  auto constant = [&](int64_t value) -> Value {
    auto element = b.getIntegerAttr(getElementTypeOrSelf(type), value);
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, Attribute(element)));
    return arith::ConstantOp::create(b, element);
  };
  auto compare = [&](arith::CmpIPredicate p, Value x, Value y) -> Value { return arith::CmpIOp::create(b, p, x, y); };
  auto select = [&](Value c, Value x, Value y) -> Value { return arith::SelectOp::create(b, c, x, y); };
  Value zero = constant(0), one = constant(1), minusOne = constant(-1), base = op.getLhs(), n = op.getRhs();
  Value lo = arith::ConstantIndexOp::create(b, 0), hi = arith::ConstantIndexOp::create(b, width),
        step = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ForOp::create(b, lo, hi, step, ValueRange{one, base, n});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value power = loop.getRegionIterArg(0), square = loop.getRegionIterArg(1), left = loop.getRegionIterArg(2);
    Value bit = compare(arith::CmpIPredicate::ne, arith::AndIOp::create(b, left, one), zero);
    Value next = select(bit, arith::MulIOp::create(b, power, square), power);
    scf::YieldOp::create(
        b, ValueRange{next, arith::MulIOp::create(b, square, square), arith::ShRUIOp::create(b, left, one)});
  }
  Value odd = compare(arith::CmpIPredicate::ne, arith::AndIOp::create(b, n, one), zero);
  Value inverse = select(compare(arith::CmpIPredicate::eq, base, minusOne), select(odd, minusOne, one), zero);
  inverse = select(compare(arith::CmpIPredicate::eq, base, one), one, inverse);
  Value negative = compare(arith::CmpIPredicate::slt, n, zero);
  op.replaceAllUsesWith(select(negative, inverse, loop.getResult(0)));
  op.erase();
}

/// f64 to f16 or bf16 in one rounding: the step to f32 rounds to odd, which keeps what the second step must know.
void expandTruncF(arith::TruncFOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  MathBuilder w(b, op.getIn().getType());
  MathBuilder m(b, w.shaped(b.getF32Type()));
  Term x = w.wrap(op.getIn()), t = m.wrap(arith::TruncFOp::create(b, m.type, x));
  Term back = w.wrap(arith::ExtFOp::create(b, w.type, t.v));
  Term bits = m.bits(t), even = m.wrap(arith::XOrIOp::create(b, m.bitAnd(bits, m.i(1)), m.i(1)));
  Term outward = m.select(w.gt(w.abs(back), w.abs(x)), m.i(-1), m.i(1));
  Term inexact = w.cmp(arith::CmpFPredicate::ONE, back, x);
  Term odd = m.select(m.bitAnd(inexact, m.nonZero(even)), bits + outward, bits);
  op.replaceAllUsesWith(arith::TruncFOp::create(b, op.getType(), m.fromBits(odd).v).getResult());
  op.erase();
}

struct ExpandMath : impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_nonnull<math::MathDialect>(op->getDialect()) || isa<arith::RemFOp, arith::TruncFOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto trunc = dyn_cast<arith::TruncFOp>(op)) {
        if (getElementTypeOrSelf(trunc.getIn().getType()).isF64() && isNarrow(trunc.getType()))
          expandTruncF(trunc);
      } else if (auto power = dyn_cast<math::IPowIOp>(op)) {
        expandIPowI(power);
      } else if (auto power = dyn_cast<math::FPowIOp>(op)) {
        expandFPowI(power);
      } else if (auto both = dyn_cast<math::SincosOp>(op)) {
        OpBuilder b(op);
        SmallVector<Operation *> parts = {math::SinOp::create(b, op->getLoc(), both.getOperand()),
                                          math::CosOp::create(b, op->getLoc(), both.getOperand())};
        op->replaceAllUsesWith(ValueRange{parts[0]->getResult(0), parts[1]->getResult(0)});
        op->erase();
        for (Operation *part : parts)
          if (failed(expandFloatOp(part)))
            return signalPassFailure();
      } else if (isa<FloatType>(getElementTypeOrSelf(op->getOperand(0).getType())) && failed(expandFloatOp(op))) {
        return signalPassFailure();
      }
    }
  }
};

} // namespace
} // namespace sinter::lower
