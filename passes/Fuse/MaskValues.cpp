//===- MaskValues.cpp - what is known of a mask's elements --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/MaskValues.h"
#include "dialects/Graph/Graph.h"
#include "dialects/Onnx/Onnx.h"
#include "passes/Fuse/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace sinter::fuse {

using graph::Bounds;
using graph::SymExpr;

namespace {
/// Chains of tensors are some tens long; a file may say anything.
constexpr unsigned kMaxDepth = 400;

/// What every value of an integer type is in, signed or not.
Bounds rangeOf(Type type) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  if (width == 1)
    return {0, 1};
  if (width >= 56)
    return {-Bounds::kUnbounded, Bounds::kUnbounded};
  return {-(int64_t(1) << (width - 1)), (int64_t(1) << width) - 1};
}

/// Whether the type, read with a sign, holds all of the range. 64 bits hold what is known to be far from their ends.
bool holds(Type type, Bounds range) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  if (width == 1)
    return range.lo >= 0 && range.hi <= 1;
  if (width >= 56)
    return range.lo > -Bounds::kUnbounded && range.hi < Bounds::kUnbounded;
  return range.lo >= -(int64_t(1) << (width - 1)) && range.hi < (int64_t(1) << (width - 1));
}

bool mentions(graph::SymbolTable &symbols, const SymExpr &e, unsigned wanted) {
  for (auto &[monomial, coefficient] : e.terms)
    for (unsigned number : monomial) {
      if (number == wanted)
        return true;
      const auto &atom = symbols.atom(number);
      if (atom.kind != graph::SymbolTable::Atom::Symbol && atom.kind != graph::SymbolTable::Atom::Opaque &&
          (mentions(symbols, atom.a, wanted) || mentions(symbols, atom.b, wanted)))
        return true;
    }
  return false;
}
} // namespace

std::string MaskEvaluator::nameOf(Value v) {
  if (auto argument = dyn_cast<BlockArgument>(v))
    if (auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      if (auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "onnx.name"))
        return ("input '" + name.getValue() + "'").str();
  if (StringRef name = fuse::nameOf(v.getLoc()); !name.empty())
    return ("'" + name + "'").str();
  return v.getDefiningOp() ? v.getDefiningOp()->getName().getStringRef().str() : "a value";
}

MaskValue MaskEvaluator::make(Type type, Operation *op, ArrayRef<const MaskValue *> operands) {
  MaskValue v;
  v.type = type;
  v.op = op;
  v.operands.assign(operands.begin(), operands.end());
  for (const MaskValue *operand : operands) {
    v.onQuery |= operand->onQuery;
    if (!operand->unknown.empty() && (v.unknown.empty() || (operand->unknownOnQuery && !v.unknownOnQuery))) {
      v.unknown = operand->unknown;
      v.unknownOnQuery = operand->unknownOnQuery;
    }
  }
  if (!v.isFloat())
    v.exact = SymExpr(); // whoever makes it says what it is
  return v;
}

void MaskEvaluator::set(MaskValue &v, const SymExpr &e) { v.exact = holds(v.type, symbols.bounds(e)) ? e : symbols.fresh(rangeOf(v.type)); }

const MaskValue *MaskEvaluator::keep(MaskValue v) {
  if (v.constant() || v.number()) {
    v.onQuery = v.unknownOnQuery = false;
    v.unknown.clear();
  }
  return &values.emplace_back(std::move(v));
}

const MaskValue *MaskEvaluator::index(const SymExpr &e) {
  MaskValue v;
  v.type = IndexType::get(context);
  v.exact = symbols.resolve(e);
  v.onQuery = query && mentions(symbols, v.exact, *query);
  return keep(std::move(v));
}

const MaskValue *MaskEvaluator::constantValue(Type type, Attribute attribute) {
  MaskValue v = make(type, nullptr, {});
  if (auto number = dyn_cast<FloatAttr>(attribute)) {
    APFloat x = number.getValue();
    bool loses;
    x.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
    v.nan = x.isNaN();
    if (!v.nan)
      v.lo = v.hi = x.convertToDouble();
  } else if (auto integer = dyn_cast<IntegerAttr>(attribute)) {
    const APInt &x = integer.getValue();
    int64_t n = x.getBitWidth() == 1 ? x.getZExtValue() : x.getSExtValue();
    // Numbers near the ends of 64 bits would meet the bounds that stand for none.
    v.exact = std::abs(n) < (int64_t(1) << 48) ? SymExpr(n) : symbols.fresh(rangeOf(type));
  } else {
    return nullptr;
  }
  return keep(std::move(v));
}

void MaskEvaluator::assume(const SymExpr &e) {
  facts.push_back(symbols.resolve(e));
  elements.clear();
  openComparisons.clear();
}

bool MaskEvaluator::isNonNegative(const SymExpr &unresolved) {
  SymExpr e = symbols.resolve(unresolved);
  if (symbols.bounds(e).lo >= 0)
    return true;
  // A fact, or two, and something that is not negative by its bounds.
  for (auto [i, first] : llvm::enumerate(facts)) {
    SymExpr rest = e - first;
    if (symbols.bounds(rest).lo >= 0)
      return true;
    for (const SymExpr &second : ArrayRef(facts).drop_front(i))
      if (symbols.bounds(rest - second).lo >= 0)
        return true;
  }
  return false;
}

std::optional<bool> MaskEvaluator::lessEqual(const SymExpr &a, const SymExpr &b) {
  if (isNonNegative(b - a))
    return true;
  if (isNonNegative(a - b - 1))
    return false;
  return std::nullopt;
}

std::optional<std::pair<SymExpr, SymExpr>> MaskEvaluator::divide(const SymExpr &a, const SymExpr &b) {
  if (!isNonNegative(b - 1))
    return std::nullopt;
  SymExpr rest = symbols.resolve(a), quotient, divisor = symbols.resolve(b);
  const auto &[lead, coefficient] = *divisor.terms.rbegin();
  for (bool found = true; found;) {
    found = false;
    for (auto &[monomial, c] : rest.terms) {
      if (c % coefficient || !std::includes(monomial.begin(), monomial.end(), lead.begin(), lead.end()))
        continue;
      SymExpr::Monomial left;
      std::set_difference(monomial.begin(), monomial.end(), lead.begin(), lead.end(), std::back_inserter(left));
      SymExpr part;
      part.terms[left] = c / coefficient;
      SymExpr next = rest - part * divisor;
      if (next.terms.size() >= rest.terms.size())
        continue;
      rest = next;
      quotient = quotient + part;
      found = true;
      break;
    }
  }
  if (!isNonNegative(rest) || !isNonNegative(divisor - rest - 1))
    return std::nullopt;
  return std::pair(quotient, rest);
}

SmallVector<const MaskValue *> MaskEvaluator::reindex(Value from, Value to, ArrayRef<const MaskValue *> index) {
  SmallVector<SymExpr> outer(shapes.of(from)), inner(shapes.of(to));
  auto isOne = [&](const SymExpr &e) { return symbols.resolve(e).is(1); };
  SmallVector<unsigned> outerAxes, innerAxes;
  for (auto [d, e] : llvm::enumerate(outer))
    if (!isOne(e))
      outerAxes.push_back(d);
  for (auto [d, e] : llvm::enumerate(inner))
    if (!isOne(e))
      innerAxes.push_back(d);
  SmallVector<const MaskValue *> result(inner.size(), this->index(0));
  bool same = outerAxes.size() == innerAxes.size();
  for (auto [a, b] : llvm::zip(outerAxes, innerAxes))
    same = same && symbols.equal(outer[a], inner[b]);
  if (same) {
    for (auto [a, b] : llvm::zip(outerAxes, innerAxes))
      result[b] = index[a];
    return result;
  }
  SymExpr linear;
  for (unsigned d : outerAxes)
    linear = linear * symbols.resolve(outer[d]) + index[d]->exact;
  for (auto [i, d] : llvm::enumerate(llvm::reverse(innerAxes))) {
    if (i + 1 == innerAxes.size()) {
      result[d] = this->index(linear);
      break;
    }
    auto parts = divide(linear, inner[d]);
    if (!parts)
      return {};
    result[d] = this->index(parts->second);
    linear = parts->first;
  }
  return result;
}

const MaskValue *MaskEvaluator::leaf(Value tensor, ArrayRef<const MaskValue *> index) {
  Type type = cast<RankedTensorType>(tensor.getType()).getElementType();
  if (auto constant = tensor.getDefiningOp<onnx::ConstantOp>())
    if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue())) {
      SmallVector<uint64_t> at;
      for (const MaskValue *i : index)
        if (auto n = i->constant(); n && *n >= 0)
          at.push_back(*n);
      if (at.size() == index.size() || dense.isSplat())
        if (const MaskValue *v = constantValue(type, dense.isSplat() ? dense.getSplatValue<Attribute>() : dense.getValues<Attribute>()[at]))
          return v;
    }
  MaskValue v = make(type, nullptr, index);
  v.tensor = tensor;
  if (!v.isFloat())
    v.exact = symbols.fresh(rangeOf(type));
  if (!v.unknownOnQuery) {
    v.unknown = nameOf(tensor);
    v.unknownOnQuery = v.onQuery;
  }
  if (const Diagonals *found = diagonals.find(tensor))
    return diagonal(*found, std::move(v));
  return keep(std::move(v));
}

const MaskValue *MaskEvaluator::diagonal(const Diagonals &found, MaskValue v) {
  SymExpr distance = v.operands.back()->exact - v.operands[v.operands.size() - 2]->exact; // column - row
  SmallVector<const MaskValue *> possible;
  ArrayRef<Diagonals::Run> runs = found.runs;
  for (auto [i, run] : llvm::enumerate(runs)) {
    if (i > 0 && lessEqual(run.first, distance) == false)
      break;
    if (i + 1 < runs.size() && lessEqual(runs[i + 1].first, distance) == true)
      continue;
    if (!possible.empty())
      openComparisons.push_back(symbols.resolve(distance - run.first));
    possible.push_back(constantValue(v.type, run.value));
  }
  if (possible.size() == 1)
    return possible.front();
  if (v.isFloat()) {
    v.lo = std::numeric_limits<double>::infinity();
    v.hi = -v.lo;
    v.nan = false;
    for (const MaskValue *p : possible) {
      v.lo = std::min(v.lo, p->lo);
      v.hi = std::max(v.hi, p->hi);
      v.nan |= p->nan;
    }
  } else {
    Bounds range = symbols.bounds(possible.front()->exact);
    for (const MaskValue *p : possible) {
      Bounds one = symbols.bounds(p->exact);
      range = {std::min(range.lo, one.lo), std::max(range.hi, one.hi)};
    }
    v.exact = range.lo == range.hi ? SymExpr(range.lo) : symbols.fresh(range);
  }
  return keep(std::move(v));
}

const MaskValue *MaskEvaluator::element(Value tensor, ArrayRef<const MaskValue *> index) {
  std::vector<SymExpr> at;
  for (const MaskValue *i : index)
    at.push_back(i->exact);
  auto key = std::pair(tensor.getAsOpaquePointer(), std::move(at));
  if (auto it = elements.find(key); it != elements.end())
    return it->second;
  const MaskValue *result = nullptr;
  if (++depth < kMaxDepth) {
    if (auto generate = tensor.getDefiningOp<tensor::GenerateOp>()) {
      Environment environment;
      Block &body = generate.getBody().front();
      for (auto [argument, i] : llvm::zip_equal(body.getArguments(), index))
        environment[argument] = i;
      result = value(cast<tensor::YieldOp>(body.getTerminator()).getValue(), environment);
    } else if (auto reshape = tensor.getDefiningOp<tensor::ReshapeOp>()) {
      SmallVector<const MaskValue *> inner = reindex(tensor, reshape.getSource(), index);
      if (inner.size() == size_t(reshape.getSource().getType().getRank()))
        result = element(reshape.getSource(), inner);
    }
  }
  --depth;
  if (!result)
    result = leaf(tensor, index);
  return elements[std::move(key)] = result;
}

const MaskValue *MaskEvaluator::value(Value v, Environment &environment) {
  if (auto it = environment.find(v); it != environment.end())
    return it->second;
  const MaskValue *result = compute(v, environment);
  return environment[v] = result;
}

const MaskValue *MaskEvaluator::compute(Value v, Environment &environment) {
  Operation *op = v.getDefiningOp();
  Attribute attribute;
  if (op && matchPattern(v, m_Constant(&attribute)))
    if (const MaskValue *constant = constantValue(v.getType(), attribute))
      return constant;
  bool outside = !op || isa<func::FuncOp>(op->getParentOp());
  if (v.getType().isIndex() && (outside || isa<graph::DimOp>(op)))
    return index(symbols.fromValue(v));
  if (!outside && ++depth < kMaxDepth) {
    const MaskValue *result = nullptr;
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      SmallVector<const MaskValue *> at;
      for (Value i : extract.getIndices())
        at.push_back(value(i, environment));
      result = element(extract.getTensor(), at);
    } else if (auto choice = dyn_cast<scf::IfOp>(op)) {
      unsigned number = cast<OpResult>(v).getResultNumber();
      const MaskValue *condition = value(choice.getCondition(), environment);
      auto side = [&](Region &region) { return value(region.front().getTerminator()->getOperand(number), environment); };
      if (auto known = condition->constant())
        result = side(*known ? choice.getThenRegion() : choice.getElseRegion());
      else
        result = choose(op, condition, side(choice.getThenRegion()), side(choice.getElseRegion()));
    } else if (op->getNumResults() == 1 && op->getNumRegions() == 0 && op->getNumOperands() != 0) {
      SmallVector<const MaskValue *> operands;
      for (Value operand : op->getOperands())
        operands.push_back(value(operand, environment));
      result = arithmetic(op, operands);
    }
    --depth;
    if (result)
      return result;
  } else if (!outside) {
    --depth;
  }
  MaskValue unknown = make(v.getType(), nullptr, {});
  if (!unknown.isFloat())
    unknown.exact = symbols.fresh(v.getType().isIntOrIndex() ? rangeOf(v.getType()) : Bounds{-Bounds::kUnbounded, Bounds::kUnbounded});
  unknown.unknown = nameOf(v);
  unknown.unknownOnQuery = unknown.onQuery = true; // perhaps
  return keep(std::move(unknown));
}

const MaskValue *MaskEvaluator::choose(Operation *op, const MaskValue *condition, const MaskValue *a, const MaskValue *b) {
  if (auto known = condition->constant())
    return *known ? a : b;
  if (!a->isFloat() && a->exact == b->exact)
    return a;
  if (a->type.isInteger(1) && a->constant() == 1 && b->constant() == 0)
    return condition;
  // Where x is filled unless it is 0, it is 0 where it is left.
  if (auto isFilled = dyn_cast_or_null<arith::CmpFOp>(condition->op))
    if (isFilled.getPredicate() == arith::CmpFPredicate::UNE && condition->operands[0] == b && condition->operands[1]->number() == 0.0)
      b = constantValue(b->type, FloatAttr::get(cast<FloatType>(b->type), 0.0));
  MaskValue v = make(a->type, op, {condition, a, b});
  if (v.isFloat()) {
    v.lo = std::min(a->lo, b->lo);
    v.hi = std::max(a->hi, b->hi);
    v.nan = a->nan || b->nan;
  } else {
    Bounds x = symbols.bounds(a->exact), y = symbols.bounds(b->exact);
    v.exact = symbols.fresh({std::min(x.lo, y.lo), std::max(x.hi, y.hi)});
  }
  return keep(std::move(v));
}

const MaskValue *MaskEvaluator::arithmetic(Operation *op, ArrayRef<const MaskValue *> operands) {
  if (isa<arith::SelectOp>(op) && operands[0]->type.isInteger(1))
    return choose(op, operands[0], operands[1], operands[2]);
  Type type = op->getResult(0).getType();
  if (!isa<FloatType>(type) && !type.isIntOrIndex())
    return nullptr;
  MaskValue v = make(type, op, operands);
  if (isa<arith::CmpIOp, arith::CmpFOp>(op))
    compare(op, v);
  else if (v.isFloat())
    real(op, v);
  else
    integer(op, v);
  if (!v.isFloat())
    for (const MaskValue *operand : operands)
      if (!operand->isFloat() && operand->type == type && operand->exact == v.exact)
        return operand;
  return keep(std::move(v));
}

} // namespace sinter::fuse
