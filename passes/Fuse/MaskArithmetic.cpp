//===- MaskArithmetic.cpp - arithmetic on what is known of values -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/KernelBuilder.h"
#include "passes/Fuse/MaskValues.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace sinter::fuse {

using graph::Bounds;
using graph::SymExpr;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The nearest number of the type: what an operation's result becomes.
double roundTo(double x, Type type) {
  APFloat number(x);
  bool loses;
  number.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven, &loses);
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
  return number.convertToDouble();
}

bool hasInfinity(const MaskValue &v) { return v.lo == -kInfinity || v.hi == kInfinity; }
bool hasZero(const MaskValue &v) { return v.lo <= 0 && v.hi >= 0; }

/// The hull of an operation that is monotonic in each operand where the other stands still. A corner without a value (0 times infinity) counts as 0.
template <typename Op>
void corners(MaskValue &v, const MaskValue &a, const MaskValue &b, Op op) {
  double lo = kInfinity, hi = -kInfinity;
  for (double x : {a.lo, a.hi})
    for (double y : {b.lo, b.hi}) {
      double z = op(x, y);
      z = std::isnan(z) ? 0 : z;
      lo = std::min(lo, z);
      hi = std::max(hi, z);
    }
  v.lo = roundTo(lo, v.type);
  v.hi = roundTo(hi, v.type);
}
} // namespace

void MaskEvaluator::real(Operation *op, MaskValue &v) {
  const MaskValue &a = *v.operands[0];
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op)) {
    Bounds range = symbols.bounds(a.exact);
    v.nan = false;
    // A signed bit is 0 or -1; a large negative number read without its sign is positive.
    if (isa<arith::SIToFPOp>(op) && a.type.isInteger(1))
      range = {-range.hi, -range.lo};
    if (isa<arith::UIToFPOp>(op) && range.lo < 0)
      range = {0, Bounds::kUnbounded};
    v.lo = range.lo <= -Bounds::kUnbounded ? -kInfinity : roundTo(double(range.lo), v.type);
    v.hi = range.hi >= Bounds::kUnbounded ? kInfinity : roundTo(double(range.hi), v.type);
    return;
  }
  if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    v.lo = roundTo(a.lo, v.type);
    v.hi = roundTo(a.hi, v.type);
    v.nan = a.nan;
    return;
  }
  if (isa<arith::NegFOp>(op)) {
    v.lo = -a.hi;
    v.hi = -a.lo;
    v.nan = a.nan;
    return;
  }
  if (v.operands.size() == 2 && v.operands[1]->isFloat()) {
    const MaskValue &b = *v.operands[1];
    bool nan = a.nan || b.nan;
    if (isa<arith::AddFOp>(op)) {
      v.nan = nan || (a.hi == kInfinity && b.lo == -kInfinity) || (a.lo == -kInfinity && b.hi == kInfinity);
      v.lo = a.lo == -kInfinity || b.lo == -kInfinity ? -kInfinity : roundTo(a.lo + b.lo, v.type);
      v.hi = a.hi == kInfinity || b.hi == kInfinity ? kInfinity : roundTo(a.hi + b.hi, v.type);
      return;
    }
    if (isa<arith::SubFOp>(op)) {
      v.nan = nan || (a.hi == kInfinity && b.hi == kInfinity) || (a.lo == -kInfinity && b.lo == -kInfinity);
      v.lo = a.lo == -kInfinity || b.hi == kInfinity ? -kInfinity : roundTo(a.lo - b.hi, v.type);
      v.hi = a.hi == kInfinity || b.lo == -kInfinity ? kInfinity : roundTo(a.hi - b.lo, v.type);
      return;
    }
    if (isa<arith::MulFOp>(op)) {
      v.nan = nan || (hasZero(a) && hasInfinity(b)) || (hasZero(b) && hasInfinity(a));
      return corners(v, a, b, [](double x, double y) { return x * y; });
    }
    if (isa<arith::DivFOp>(op) && b.number() && *b.number() != 0 && std::isfinite(*b.number())) {
      v.nan = nan;
      return corners(v, a, b, [](double x, double y) { return x / y; });
    }
    if (isa<arith::MaximumFOp>(op)) {
      v.nan = nan;
      v.lo = std::max(a.lo, b.lo);
      v.hi = std::max(a.hi, b.hi);
      return;
    }
    if (isa<arith::MinimumFOp>(op)) {
      v.nan = nan;
      v.lo = std::min(a.lo, b.lo);
      v.hi = std::min(a.hi, b.hi);
      return;
    }
  }
  if (v.unknown.empty()) {
    v.unknown = nameOf(op->getResult(0));
    v.unknownOnQuery = v.onQuery;
  }
}

void MaskEvaluator::integer(Operation *op, MaskValue &v) {
  const MaskValue &a = *v.operands[0];
  const MaskValue *b = v.operands.size() == 2 ? v.operands[1] : nullptr;
  auto unknown = [&](Bounds range) {
    v.exact = symbols.fresh(range);
    if (v.unknown.empty()) {
      v.unknown = nameOf(op->getResult(0));
      v.unknownOnQuery = v.onQuery;
    }
  };
  Bounds whole = v.type.isInteger(1) ? Bounds{0, 1} : Bounds{-Bounds::kUnbounded, Bounds::kUnbounded};
  if (a.isFloat())
    return unknown(whole);
  bool bits = v.type.isInteger(1);
  if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op)) {
    if (!a.type.isInteger(1))
      return set(v, a.exact);
    return set(v, isa<arith::ExtSIOp, arith::IndexCastOp>(op) ? SymExpr(0) - a.exact : a.exact);
  }
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op))
    return isNonNegative(a.exact) ? set(v, a.exact) : unknown(whole);
  if (b && bits) {
    // Of 0 and 1, one that is known often settles it.
    auto x = a.constant(), y = b->constant();
    if (isa<arith::AndIOp>(op) && (x || y))
      return set(v, (x ? *x : *y) ? (x ? b->exact : a.exact) : SymExpr(0));
    if (isa<arith::OrIOp>(op) && (x || y))
      return set(v, (x ? *x : *y) ? SymExpr(1) : (x ? b->exact : a.exact));
    if (isa<arith::XOrIOp>(op) && (x || y)) {
      const SymExpr &other = x ? b->exact : a.exact;
      return set(v, (x ? *x : *y) ? SymExpr(1) - other : other);
    }
    return unknown(whole);
  }
  if (isa<math::AbsIOp>(op)) {
    if (isNonNegative(a.exact) || isNonNegative(SymExpr(0) - a.exact))
      return set(v, isNonNegative(a.exact) ? a.exact : SymExpr(0) - a.exact);
    return unknown({0, Bounds::kUnbounded});
  }
  if (!b)
    return unknown(whole);
  if (isa<arith::AddIOp>(op))
    return set(v, a.exact + b->exact);
  if (isa<arith::SubIOp>(op))
    return set(v, a.exact - b->exact);
  if (isa<arith::MulIOp>(op))
    return set(v, a.exact * b->exact);
  if (isa<arith::MinSIOp, arith::MaxSIOp>(op)) {
    bool smaller = isa<arith::MinSIOp>(op);
    if (isNonNegative(b->exact - a.exact))
      return set(v, smaller ? a.exact : b->exact);
    if (isNonNegative(a.exact - b->exact))
      return set(v, smaller ? b->exact : a.exact);
    Bounds x = symbols.bounds(a.exact), y = symbols.bounds(b->exact);
    return unknown(smaller ? Bounds{std::min(x.lo, y.lo), std::min(x.hi, y.hi)} : Bounds{std::max(x.lo, y.lo), std::max(x.hi, y.hi)});
  }
  bool quotient = isa<arith::FloorDivSIOp, arith::DivSIOp, arith::DivUIOp>(op);
  if (quotient || isa<arith::RemSIOp, arith::RemUIOp>(op))
    if (isNonNegative(a.exact))
      if (auto parts = divide(a.exact, b->exact))
        return set(v, quotient ? parts->first : parts->second);
  unknown(whole);
}

void MaskEvaluator::compare(Operation *op, MaskValue &v) {
  const MaskValue &a = *v.operands[0], &b = *v.operands[1];
  std::optional<bool> answer;
  if (auto integers = dyn_cast<arith::CmpIOp>(op)) {
    using P = arith::CmpIPredicate;
    P predicate = integers.getPredicate();
    bool hasSign = predicate == P::eq || predicate == P::ne || predicate == P::slt || predicate == P::sle || predicate == P::sgt || predicate == P::sge;
    // The sign of an i1 is its value.
    hasSign = hasSign && (!a.type.isInteger(1) || predicate == P::eq || predicate == P::ne);
    auto less = [&](const SymExpr &x, const SymExpr &y) { return lessEqual(x + 1, y); };
    if (hasSign || (isNonNegative(a.exact) && isNonNegative(b.exact)))
      switch (predicate) {
      case P::slt: case P::ult: answer = less(a.exact, b.exact); break;
      case P::sle: case P::ule: answer = lessEqual(a.exact, b.exact); break;
      case P::sgt: case P::ugt: answer = less(b.exact, a.exact); break;
      case P::sge: case P::uge: answer = lessEqual(b.exact, a.exact); break;
      default:
        if (symbols.equal(a.exact, b.exact))
          answer = predicate == P::eq;
        else if (less(a.exact, b.exact) == true || less(b.exact, a.exact) == true)
          answer = predicate == P::ne;
      }
    if (!answer) {
      openComparisons.push_back(symbols.resolve(a.exact - b.exact));
      // A distance to both sides.
      if (isa_and_nonnull<math::AbsIOp>(a.op))
        openComparisons.push_back(symbols.resolve(a.operands[0]->exact - b.exact));
    }
  } else if (!a.nan && !b.nan) {
    using P = arith::CmpFPredicate;
    auto order = [&](const MaskValue &x, const MaskValue &y, bool strict) -> std::optional<bool> { // x < y or x <= y
      if (strict ? x.hi < y.lo : x.hi <= y.lo)
        return true;
      if (strict ? x.lo >= y.hi : x.lo > y.hi)
        return false;
      return std::nullopt;
    };
    switch (cast<arith::CmpFOp>(op).getPredicate()) {
    case P::OLT: case P::ULT: answer = order(a, b, true); break;
    case P::OLE: case P::ULE: answer = order(a, b, false); break;
    case P::OGT: case P::UGT: answer = order(b, a, true); break;
    case P::OGE: case P::UGE: answer = order(b, a, false); break;
    case P::OEQ: case P::UEQ: case P::ONE: case P::UNE: {
      bool equal = llvm::is_contained({P::OEQ, P::UEQ}, cast<arith::CmpFOp>(op).getPredicate());
      if (a.number() && a.number() == b.number())
        answer = equal;
      else if (a.hi < b.lo || b.hi < a.lo)
        answer = !equal;
      break;
    }
    default: break;
    }
  }
  if (answer) {
    v.exact = *answer;
    return;
  }
  v.exact = symbols.fresh({0, 1});
  if (v.unknown.empty()) {
    v.unknown = nameOf(op->getResult(0));
    v.unknownOnQuery = v.onQuery;
  }
}

} // namespace sinter::fuse
