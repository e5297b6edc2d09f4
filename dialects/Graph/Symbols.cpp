//===- Symbols.cpp - sizes as polynomials over symbols ------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Symbols.h"
#include "dialects/Graph/Graph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;

namespace sinter::graph {

std::optional<unsigned> SymExpr::atom() const {
  if (terms.size() == 1 && terms.begin()->first.size() == 1 && terms.begin()->second == 1)
    return terms.begin()->first.front();
  return std::nullopt;
}

// Files may say sizes whose product has more than 64 bits. It stays the largest number, which no bound allows.
static int64_t saturated(bool negative) { return negative ? -std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::max(); }
static int64_t plus(int64_t a, int64_t b) {
  int64_t sum;
  return llvm::AddOverflow(a, b, sum) ? saturated(a < 0) : sum;
}
static int64_t times(int64_t a, int64_t b) {
  int64_t product;
  return llvm::MulOverflow(a, b, product) ? saturated((a < 0) != (b < 0)) : product;
}

static void addTerm(SymExpr &e, const SymExpr::Monomial &m, int64_t coefficient) {
  auto [it, fresh] = e.terms.try_emplace(m, 0);
  it->second = plus(it->second, coefficient);
  if (!it->second)
    e.terms.erase(it);
}

SymExpr operator+(const SymExpr &a, const SymExpr &b) {
  SymExpr sum = a;
  for (auto &[m, c] : b.terms)
    addTerm(sum, m, c);
  return sum;
}

SymExpr operator-(const SymExpr &a, const SymExpr &b) {
  SymExpr difference = a;
  for (auto &[m, c] : b.terms)
    addTerm(difference, m, -c);
  return difference;
}

SymExpr operator*(const SymExpr &a, const SymExpr &b) {
  SymExpr product;
  for (auto &[ma, ca] : a.terms)
    for (auto &[mb, cb] : b.terms) {
      SymExpr::Monomial m(ma);
      m.append(mb.begin(), mb.end());
      llvm::sort(m);
      addTerm(product, m, times(ca, cb));
    }
  return product;
}

static SymExpr atomExpr(unsigned number) {
  SymExpr e;
  e.terms[{number}] = 1;
  return e;
}

SymExpr SymbolTable::symbol(StringRef name, Bounds range) {
  if (auto it = byName.find(name); it != byName.end())
    return atomExpr(it->second);
  byName[name] = atoms.size();
  atoms.push_back({Atom::Symbol, name.str(), {}, {}, range, {}});
  return atomExpr(atoms.size() - 1);
}

SymExpr SymbolTable::fresh(Bounds range) {
  std::string name;
  do
    name = "d" + std::to_string(unnamed++);
  while (byName.contains(name));
  return symbol(name, range);
}

SymExpr SymbolTable::function(Atom::Kind kind, const SymExpr &a, const SymExpr &b) {
  auto [it, fresh] = byFunction.try_emplace({kind, a, b}, atoms.size());
  if (fresh)
    atoms.push_back({kind, {}, a, b, {}, {}});
  return atomExpr(it->second);
}

SymExpr SymbolTable::floorDiv(const SymExpr &a, const SymExpr &b) {
  auto ca = a.constant(), cb = b.constant();
  if (ca && cb && *cb && !llvm::divideSignedWouldOverflow(*ca, *cb))
    return llvm::divideFloorSigned(*ca, *cb);
  if (auto exact = divideExact(a, b))
    return *exact;
  return function(Atom::Floor, a, b);
}

SymExpr SymbolTable::ceilDiv(const SymExpr &a, const SymExpr &b) {
  auto ca = a.constant(), cb = b.constant();
  if (ca && cb && *cb && !llvm::divideSignedWouldOverflow(*ca, *cb))
    return llvm::divideCeilSigned(*ca, *cb);
  if (auto exact = divideExact(a, b))
    return *exact;
  return function(Atom::Ceil, a, b);
}

SymExpr SymbolTable::mod(const SymExpr &a, const SymExpr &b) {
  auto ca = a.constant(), cb = b.constant();
  if (ca && cb && *cb > 0)
    return llvm::mod(*ca, *cb);
  if (divideExact(a, b))
    return 0;
  return function(Atom::Mod, a, b);
}

SymExpr SymbolTable::min(const SymExpr &a, const SymExpr &b) {
  if (auto known = lessEqual(a, b))
    return *known ? a : b;
  if (auto known = lessEqual(b, a))
    return *known ? b : a;
  return b < a ? function(Atom::Min, b, a) : function(Atom::Min, a, b);
}

SymExpr SymbolTable::max(const SymExpr &a, const SymExpr &b) {
  if (auto known = lessEqual(a, b))
    return *known ? b : a;
  if (auto known = lessEqual(b, a))
    return *known ? a : b;
  return b < a ? function(Atom::Max, b, a) : function(Atom::Max, a, b);
}

std::optional<SymExpr> SymbolTable::divideExact(const SymExpr &a, const SymExpr &b) {
  if (b.terms.empty())
    return std::nullopt;
  // Long division by the largest monomial of b.
  SymExpr rest = a, quotient;
  const auto &[lead, coefficient] = *b.terms.rbegin();
  for (unsigned steps = 0; !rest.terms.empty(); ++steps) {
    if (steps > 64)
      return std::nullopt;
    bool found = false;
    for (auto it = rest.terms.rbegin(); it != rest.terms.rend() && !found; ++it) {
      if (llvm::divideSignedWouldOverflow(it->second, coefficient) || it->second % coefficient || !std::includes(it->first.begin(), it->first.end(), lead.begin(), lead.end()))
        continue;
      SymExpr::Monomial m;
      std::set_difference(it->first.begin(), it->first.end(), lead.begin(), lead.end(), std::back_inserter(m));
      SymExpr part;
      part.terms[m] = it->second / coefficient;
      SymExpr next = rest - part * b;
      if (next.terms.size() > rest.terms.size())
        continue;
      rest = next;
      quotient = quotient + part;
      found = true;
      break;
    }
    if (!found)
      return std::nullopt;
  }
  return quotient;
}

SymExpr SymbolTable::resolve(const SymExpr &e) {
  if (solved.empty())
    return e;
  SymExpr out;
  bool changed = false;
  for (auto &[m, c] : e.terms) {
    SymExpr term = c;
    for (unsigned number : m) {
      if (auto it = solved.find(number); it != solved.end()) {
        changed = true;
        it->second = resolve(it->second);
        term = term * it->second;
        continue;
      }
      Atom::Kind kind = atoms[number].kind;
      if (kind == Atom::Symbol || kind == Atom::Opaque) {
        term = term * atomExpr(number);
        continue;
      }
      SymExpr a = resolve(atoms[number].a), b = resolve(atoms[number].b);
      if (a == atoms[number].a && b == atoms[number].b) {
        term = term * atomExpr(number);
        continue;
      }
      changed = true;
      switch (kind) {
      case Atom::Floor: term = term * floorDiv(a, b); break;
      case Atom::Ceil: term = term * ceilDiv(a, b); break;
      case Atom::Mod: term = term * mod(a, b); break;
      case Atom::Min: term = term * min(a, b); break;
      default: term = term * max(a, b); break;
      }
    }
    out = out + term;
  }
  return changed ? out : e;
}

/// `zero`, which is 0, with a minimum or maximum in it replaced by one of its operands where the other cannot be its value: what a slice from `past`
/// leaves of `total`, max(total - min(past, total), 0), is total - past where it is known to be something.
SymExpr SymbolTable::withoutClamps(const SymExpr &zero) {
  for (auto &[m, c] : zero.terms) {
    if (m.size() != 1 || (c != 1 && c != -1) || (atoms[m[0]].kind != Atom::Min && atoms[m[0]].kind != Atom::Max))
      continue;
    const Atom &clamp = atoms[m[0]];
    SymExpr rest = zero - atomExpr(m[0]) * c, value = rest * -c;
    auto differs = [&](const SymExpr &operand) {
      Bounds apart = bounds(operand - value);
      return apart.lo > 0 || apart.hi < 0;
    };
    bool notA = differs(clamp.a), notB = differs(clamp.b);
    if (notA != notB)
      return rest + (notA ? clamp.b : clamp.a) * c;
  }
  return zero;
}

SymbolTable::Unified SymbolTable::unify(const SymExpr &x, const SymExpr &y) {
  SymExpr difference = resolve(x) - resolve(y);
  if (auto constant = difference.constant())
    return *constant == 0 ? Unified::Yes : Unified::Never;
  if (SymExpr plain = withoutClamps(difference); !(plain == difference))
    return unify(plain, 0);
  // Solve for a symbol that occurs once, alone, with factor 1 or -1. Best is one whose solution is a sum (total = past +
  // sequence) rather than a difference; among those, the one that was named last.
  std::optional<unsigned> best;
  int bestRank = 0;
  for (auto &[m, c] : difference.terms) {
    if (m.size() != 1 || (c != 1 && c != -1) || atoms[m[0]].kind != Atom::Symbol)
      continue;
    bool elsewhere = false;
    bool allOpposite = true;
    for (auto &[other, oc] : difference.terms) {
      if (other == m)
        continue;
      std::function<bool(const SymExpr &)> mentions = [&](const SymExpr &e) {
        for (auto &[mono, unused] : e.terms)
          for (unsigned n : mono)
            if (n == m[0] || (atoms[n].kind != Atom::Symbol && atoms[n].kind != Atom::Opaque &&
                              (mentions(atoms[n].a) || mentions(atoms[n].b))))
              return true;
        return false;
      };
      SymExpr single;
      single.terms[other] = 1;
      elsewhere |= mentions(single);
      allOpposite &= (oc > 0) != (c > 0);
    }
    if (elsewhere)
      continue;
    int rank = allOpposite ? 2 : 1;
    if (!best || rank > bestRank || (rank == bestRank && m[0] > *best)) {
      best = m[0];
      bestRank = rank;
    }
  }
  if (!best)
    return Unified::Unknown;
  SymExpr self = atomExpr(*best);
  int64_t sign = difference.terms[{*best}];
  SymExpr rest = difference - self * sign;
  SymExpr solution = rest * -sign;
  Bounds possible = bounds(solution), own = atoms[*best].range;
  if (possible.lo > own.hi || possible.hi < own.lo)
    return Unified::Never;
  // The solved symbol's bounds still hold: narrow a single symbol that takes its place.
  if (auto other = solution.atom(); other && atoms[*other].kind == Atom::Symbol) {
    atoms[*other].range.lo = std::max(atoms[*other].range.lo, atoms[*best].range.lo);
    atoms[*other].range.hi = std::min(atoms[*other].range.hi, atoms[*best].range.hi);
  }
  solved[*best] = solution;
  return Unified::Yes;
}

static int64_t saturate(__int128 v) {
  return v > Bounds::kUnbounded ? Bounds::kUnbounded : v < -__int128(Bounds::kUnbounded) ? -Bounds::kUnbounded : int64_t(v);
}

Bounds SymbolTable::bounds(const SymExpr &unresolved) {
  SymExpr e = resolve(unresolved);
  __int128 lo = 0, hi = 0;
  for (auto &[m, c] : e.terms) {
    __int128 tlo = 1, thi = 1;
    for (unsigned number : m) {
      const Atom atom = atoms[number];
      Bounds r = atom.range;
      if (atom.kind != Atom::Symbol && atom.kind != Atom::Opaque) {
        Bounds a = bounds(atom.a), b = bounds(atom.b);
        switch (atom.kind) {
        case Atom::Floor:
        case Atom::Ceil: {
          auto divide = atom.kind == Atom::Floor ? llvm::divideFloorSigned<int64_t, int64_t> : llvm::divideCeilSigned<int64_t, int64_t>;
          r = b.lo > 0 ? Bounds{std::min(divide(a.lo, b.lo), divide(a.lo, b.hi)), std::max(divide(a.hi, b.lo), divide(a.hi, b.hi))}
                       : Bounds{-Bounds::kUnbounded, Bounds::kUnbounded};
          break;
        }
        case Atom::Mod: r = {0, b.hi - 1}; break;
        case Atom::Min: r = {std::min(a.lo, b.lo), std::min(a.hi, b.hi)}; break;
        default: r = {std::max(a.lo, b.lo), std::max(a.hi, b.hi)}; break;
        }
      }
      __int128 c1 = tlo * r.lo, c2 = tlo * r.hi, c3 = thi * r.lo, c4 = thi * r.hi;
      tlo = saturate(std::min(std::min(c1, c2), std::min(c3, c4)));
      thi = saturate(std::max(std::max(c1, c2), std::max(c3, c4)));
    }
    lo = saturate(lo + (c > 0 ? tlo : thi) * c);
    hi = saturate(hi + (c > 0 ? thi : tlo) * c);
  }
  return {int64_t(lo), int64_t(hi)};
}

std::optional<bool> SymbolTable::lessEqual(const SymExpr &a, const SymExpr &b) {
  Bounds range = bounds(b - a);
  if (range.lo >= 0)
    return true;
  if (range.hi < 0)
    return false;
  return std::nullopt;
}

std::string SymbolTable::str(const SymExpr &e) {
  if (e.terms.empty())
    return "0";
  std::string out;
  for (auto it = e.terms.rbegin(); it != e.terms.rend(); ++it) {
    auto &[m, c] = *it;
    out += out.empty() ? (c < 0 ? "-" : "") : c < 0 ? " - " : " + ";
    int64_t magnitude = std::abs(c);
    if (m.empty() || magnitude != 1)
      out += std::to_string(magnitude) + (m.empty() ? "" : "*");
    for (size_t i = 0; i < m.size(); ++i) {
      const Atom &atom = atoms[m[i]];
      static const char *const names[] = {"", "floordiv", "ceildiv", "mod", "min", "max", ""};
      out += i ? "*" : "";
      out += atom.kind == Atom::Symbol   ? atom.name
             : atom.kind == Atom::Opaque ? "value" + std::to_string(m[i])
                                         : std::string(names[atom.kind]) + "(" + str(atom.a) + ", " + str(atom.b) + ")";
    }
  }
  return out;
}

Value SymbolTable::materialize(OpBuilder &builder, Location loc, const SymExpr &unresolved) {
  SymExpr e = resolve(unresolved);
  auto constant = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(builder, loc, v); };
  Value sum;
  for (auto it = e.terms.rbegin(); it != e.terms.rend(); ++it) {
    auto &[m, c] = *it;
    Value product;
    for (unsigned number : m) {
      const Atom atom = atoms[number];
      Value v;
      if (atom.kind == Atom::Symbol) {
        v = DimOp::create(builder, loc, builder.getIndexType(), FlatSymbolRefAttr::get(builder.getContext(), atom.name));
      } else if (atom.kind == Atom::Opaque) {
        v = atom.value;
      } else {
        Value a = materialize(builder, loc, atom.a), b = materialize(builder, loc, atom.b);
        switch (atom.kind) {
        case Atom::Floor: v = arith::FloorDivSIOp::create(builder, loc, a, b); break;
        case Atom::Ceil: v = arith::CeilDivSIOp::create(builder, loc, a, b); break;
        case Atom::Mod: v = arith::RemSIOp::create(builder, loc, a, b); break;
        case Atom::Min: v = arith::MinSIOp::create(builder, loc, a, b); break;
        default: v = arith::MaxSIOp::create(builder, loc, a, b); break;
        }
      }
      product = product ? arith::MulIOp::create(builder, loc, product, v).getResult() : v;
    }
    if (!product)
      product = constant(c);
    else if (c != 1)
      product = arith::MulIOp::create(builder, loc, product, constant(c));
    sum = sum ? arith::AddIOp::create(builder, loc, sum, product).getResult() : product;
  }
  return sum ? sum : constant(0);
}

SymExpr SymbolTable::fromValue(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  if (Operation *op = value.getDefiningOp()) {
    if (auto dim = dyn_cast<DimOp>(op)) {
      Bounds range;
      if (auto symbol = mlir::SymbolTable::lookupNearestSymbolFrom<SymbolOp>(op, dim.getSymbolAttr()))
        range = {static_cast<int64_t>(symbol.getLo()), static_cast<int64_t>(symbol.getHi())};
      return this->symbol(dim.getSymbol(), range);
    }
    auto operand = [&](unsigned i) { return fromValue(op->getOperand(i)); };
    if (isa<arith::AddIOp>(op))
      return operand(0) + operand(1);
    if (isa<arith::SubIOp>(op))
      return operand(0) - operand(1);
    if (isa<arith::MulIOp>(op))
      return operand(0) * operand(1);
    if (isa<arith::FloorDivSIOp, arith::DivSIOp, arith::DivUIOp>(op))
      return floorDiv(operand(0), operand(1));
    if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
      return ceilDiv(operand(0), operand(1));
    if (isa<arith::RemSIOp, arith::RemUIOp>(op))
      return mod(operand(0), operand(1));
    if (isa<arith::MinSIOp, arith::MinUIOp>(op))
      return min(operand(0), operand(1));
    if (isa<arith::MaxSIOp, arith::MaxUIOp>(op))
      return max(operand(0), operand(1));
    if (isa<arith::IndexCastOp>(op) && isa<IntegerType>(op->getOperand(0).getType()) == false)
      return operand(0);
  }
  auto [it, fresh] = byValue.try_emplace(value, atoms.size());
  if (fresh)
    atoms.push_back({Atom::Opaque, {}, {}, {}, {-Bounds::kUnbounded, Bounds::kUnbounded}, value});
  return atomExpr(it->second);
}

} // namespace sinter::graph
