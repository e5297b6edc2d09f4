//===- Elementwise.cpp - operators on scalars, broadcast ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// What an element function sees: scalars of the operands' signless types, and the types as ONNX has them.
struct Operands {
  OpBuilder &b;
  Location loc;
  mutable NodeOp node;
  Inference &infer;
  ArrayRef<Value> x;
  ArrayRef<Type> types;

  bool isFloat(unsigned i = 0) const { return isa<FloatType>(types[i]); }
  bool isUnsigned(unsigned i = 0) const { return sinter::raise::isUnsigned(types[i]); }
  Value constant(double v, unsigned like = 0) const { return sinter::raise::constant(b, loc, signless(types[like]), v); }
  template <typename Op, typename... Args> Value make(Args &&...args) const { return Op::create(b, loc, std::forward<Args>(args)...); }
};
using Element = std::function<Value(const Operands &)>;
/// The same on known integer elements; nullopt where the result is not known.
using Fold = std::function<std::optional<SymExpr>(sinter::graph::SymbolTable &, ArrayRef<SymExpr>)>;
using ResultType = std::function<Type(NodeOp, ArrayRef<Type>)>;

/// Folds elementwise integer arithmetic of small tensors by broadcasting indices.
std::optional<SmallVector<SymExpr, 4>> foldElements(Inference &infer, ArrayRef<const TensorInfo *> operands, const Shape &shape, Type element,
                                                    const Fold &fold) {
  TensorInfo result{{}, shape, {}};
  auto size = result.staticSize();
  if (!size || *size > 64)
    return std::nullopt;
  for (const TensorInfo *info : operands)
    if (!info->elements)
      return std::nullopt;
  SmallVector<SymExpr, 4> out;
  for (int64_t flat = 0; flat < *size; ++flat) {
    SmallVector<SymExpr> x;
    for (const TensorInfo *info : operands) {
      int64_t rest = flat, stride = 1, offset = 0;
      for (int64_t d = shape.size() - 1, o = info->rank() - 1; o >= 0; --d, --o) {
        int64_t extent = *shape[d].constant(), own = info->shape[o].constant().value_or(1);
        if (own != 1)
          offset += rest % extent * stride;
        rest /= extent;
        stride *= own;
      }
      x.push_back(infer.symbols.resolve((*info->elements)[offset]));
    }
    auto value = fold(infer.symbols, x);
    if (!value)
      return std::nullopt;
    if (element.isInteger(1)) { // a bool is 0 or 1, or not known
      if (infer.symbols.bounds(*value).lo > 0)
        value = SymExpr(1);
      else if (!value->constant())
        return std::nullopt;
    }
    out.push_back(*value);
  }
  return out;
}

/// The elements of a result that not all operands must be known for: a conjunction with what is false, a disjunction with what is true; and of a float constant
/// as an integer.
std::optional<SmallVector<SymExpr, 4>> settled(NodeOp node, Inference &infer, const TensorInfo &result) {
  auto size = result.staticSize();
  if (!size || *size > 64 || !isa<IntegerType>(result.element))
    return std::nullopt;
  if (node.isOp("And") || node.isOp("Or")) {
    int64_t wins = node.isOp("Or");
    for (Value v : node.getInputs())
      if (const TensorInfo &info = infer[v]; info.elements && llvm::all_of(*info.elements, [&](const SymExpr &e) { return e.is(wins); }))
        return SmallVector<SymExpr, 4>(*size, SymExpr(wins));
  }
  if (node.isOp("Cast") && *size == 1 && isa<FloatType>(infer[node.getInputs()[0]].element))
    if (auto x = infer.scalar(node.getInputs()[0]); x && std::abs(*x) < 1e15)
      return SmallVector<SymExpr, 4>{SymExpr(result.element.isInteger(1) ? int64_t(*x != 0) : int64_t(*x))};
  return std::nullopt;
}

Rule elementwise(Element element, ResultType resultType, Fold fold = nullptr) {
  Rule rule;
  rule.infer = [resultType, fold](NodeOp node, Inference &infer) -> LogicalResult {
    SmallVector<TensorInfo, 2> infos;
    SmallVector<const TensorInfo *> operands;
    SmallVector<Type> types;
    for (Value v : node.getInputs())
      if (infer.known(v))
        infos.push_back(infer[v]);
    if (infos.empty())
      return node.emitError("expected at least one input");
    for (TensorInfo &info : infos) {
      operands.push_back(&info);
      types.push_back(info.element);
    }
    auto shape = infer.broadcast(node, operands);
    if (failed(shape))
      return failure();
    TensorInfo result{resultType(node, types), *shape, {}};
    if (!result.element)
      return node.emitError("unexpected element types");
    if (fold && isa<IntegerType>(result.element))
      result.elements = foldElements(infer, operands, *shape, result.element, fold);
    if (!result.elements)
      result.elements = settled(node, infer, result);
    infer.set(node.getResult(0), result);
    return success();
  };
  rule.lower = [element](NodeOp node, Lowering &lower) -> LogicalResult {
    const TensorInfo info = lower.infer[node.getResult(0)];
    SmallVector<Type> types;
    for (Value v : node.getInputs())
      types.push_back(lower.infer.known(v) ? lower.infer[v].element : Type());
    lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location loc, ValueRange index) {
      SmallVector<Value> x;
      for (Value v : node.getInputs())
        x.push_back(lower.infer.known(v) ? lower.readBroadcast(b, loc, v, index) : Value());
      return element({b, loc, node, lower.infer, x, types});
    }));
    return success();
  };
  return rule;
}

Type sameType(NodeOp, ArrayRef<Type> types) { return llvm::all_equal(types) ? types.front() : Type(); }
Type floatOnly(NodeOp, ArrayRef<Type> types) { return llvm::all_equal(types) && isa<FloatType>(types.front()) ? types.front() : Type(); }
Type firstType(NodeOp, ArrayRef<Type> types) { return types.front(); }
Type boolType(NodeOp node, ArrayRef<Type>) { return IntegerType::get(node.getContext(), 1); }
Type whereType(NodeOp, ArrayRef<Type> types) { return types.size() == 3 && types[1] == types[2] ? types[1] : Type(); }

/// ONNX's number for an element type.
Type elementType(MLIRContext *context, int64_t number) {
  Builder b(context);
  switch (number) {
  case 1: return b.getF32Type();
  case 2: return b.getIntegerType(8, false);
  case 3: return b.getI8Type();
  case 4: return b.getIntegerType(16, false);
  case 5: return b.getI16Type();
  case 6: return b.getI32Type();
  case 7: return b.getI64Type();
  case 9: return b.getI1Type();
  case 10: return b.getF16Type();
  case 11: return b.getF64Type();
  case 12: return b.getIntegerType(32, false);
  case 13: return b.getIntegerType(64, false);
  case 16: return b.getBF16Type();
  default: return {};
  }
}

template <typename FloatOp, typename IntOp> Element binary() {
  return [](const Operands &o) -> Value { return o.isFloat() ? o.make<FloatOp>(o.x[0], o.x[1]) : o.make<IntOp>(o.x[0], o.x[1]); };
}
template <typename FloatOp> Element unary() {
  return [](const Operands &o) { return o.make<FloatOp>(o.x[0]); };
}

Element compare(arith::CmpFPredicate f, arith::CmpIPredicate s, arith::CmpIPredicate u) {
  return [=](const Operands &o) -> Value {
    if (o.isFloat())
      return o.make<arith::CmpFOp>(f, o.x[0], o.x[1]);
    return o.make<arith::CmpIOp>(o.isUnsigned() ? u : s, o.x[0], o.x[1]);
  };
}

/// Folds a comparison where bounds decide it: `difference` is a - b.
Fold foldCompare(std::function<std::optional<bool>(sinter::graph::SymbolTable &, const SymExpr &, const SymExpr &)> decide) {
  return [decide](sinter::graph::SymbolTable &symbols, ArrayRef<SymExpr> x) -> std::optional<SymExpr> {
    auto known = decide(symbols, x[0], x[1]);
    return known ? std::optional<SymExpr>(int64_t(*known)) : std::nullopt;
  };
}

std::optional<bool> less(sinter::graph::SymbolTable &symbols, const SymExpr &a, const SymExpr &b) { return symbols.lessEqual(a + 1, b); }
std::optional<bool> lessEqual(sinter::graph::SymbolTable &symbols, const SymExpr &a, const SymExpr &b) { return symbols.lessEqual(a, b); }
std::optional<bool> equal(sinter::graph::SymbolTable &symbols, const SymExpr &a, const SymExpr &b) {
  if (a == b)
    return true;
  sinter::graph::Bounds range = symbols.bounds(a - b);
  if (range.lo > 0 || range.hi < 0)
    return false;
  return std::nullopt;
}

/// The left fold of a variadic operator (Max, Min, Sum).
Element variadic(Element two, bool mean = false) {
  return [two, mean](const Operands &o) -> Value {
    Value result = o.x[0];
    for (Value next : o.x.drop_front())
      result = two({o.b, o.loc, o.node, o.infer, {result, next}, o.types});
    return mean ? o.make<arith::DivFOp>(result, o.constant(o.x.size())) : result;
  };
}

Value sigmoid(const Operands &o, Value x) {
  Value one = o.constant(1);
  Value e = o.make<math::ExpOp>(o.make<arith::NegFOp>(x));
  return o.make<arith::DivFOp>(one, o.make<arith::AddFOp>(one, e));
}

/// x * Phi(x), exactly or by tanh.
Value gelu(const Operands &o, Value x, bool tanh) {
  Value half = o.constant(0.5), one = o.constant(1);
  Value inner;
  if (tanh) {
    Value cube = o.make<arith::MulFOp>(o.make<arith::MulFOp>(x, x), x);
    Value sum = o.make<arith::AddFOp>(x, o.make<arith::MulFOp>(o.constant(0.044715), cube));
    inner = o.make<math::TanhOp>(o.make<arith::MulFOp>(o.constant(0.7978845608028654), sum));
  } else {
    inner = o.make<math::ErfOp>(o.make<arith::MulFOp>(x, o.constant(0.7071067811865476)));
  }
  return o.make<arith::MulFOp>(o.make<arith::MulFOp>(half, x), o.make<arith::AddFOp>(one, inner));
}

Value power(const Operands &o) {
  auto exponent = o.infer.scalar(o.node.getInputs()[1]);
  Value x = o.x[0];
  if (!o.isFloat())
    x = castElement(o.b, o.loc, x, o.types[0], o.b.getF64Type());
  Value result;
  if (exponent && *exponent == 2) {
    result = o.make<arith::MulFOp>(x, x);
  } else if (exponent && *exponent == 3) {
    result = o.make<arith::MulFOp>(o.make<arith::MulFOp>(x, x), x);
  } else if (exponent && *exponent == 1) {
    result = x;
  } else if (exponent && *exponent == 0.5) {
    result = o.make<math::SqrtOp>(x);
  } else {
    Value y = castElement(o.b, o.loc, o.x[1], o.types[1], x.getType());
    result = o.make<math::PowFOp>(x, y);
  }
  return o.isFloat() ? result : castElement(o.b, o.loc, result, o.b.getF64Type(), o.types[0]);
}

/// Integer division must not trap: a zero divisor divides by one.
Value divide(const Operands &o) {
  if (o.isFloat())
    return o.make<arith::DivFOp>(o.x[0], o.x[1]);
  Value zero = o.make<arith::CmpIOp>(arith::CmpIPredicate::eq, o.x[1], o.constant(0));
  Value divisor = o.make<arith::SelectOp>(zero, o.constant(1), o.x[1]);
  if (o.isUnsigned())
    return o.make<arith::DivUIOp>(o.x[0], divisor);
  return o.make<arith::DivSIOp>(o.x[0], divisor);
}

Value modulo(const Operands &o) {
  if (o.isFloat())
    return o.make<arith::RemFOp>(o.x[0], o.x[1]);
  Value zero = o.make<arith::CmpIOp>(arith::CmpIPredicate::eq, o.x[1], o.constant(0));
  Value divisor = o.make<arith::SelectOp>(zero, o.constant(1), o.x[1]);
  if (o.isUnsigned())
    return o.make<arith::RemUIOp>(o.x[0], divisor);
  Value rest = o.make<arith::RemSIOp>(o.x[0], divisor);
  if (o.node.getInt("fmod", 0))
    return rest;
  // The sign follows the divisor.
  Value wrong = o.make<arith::CmpIOp>(arith::CmpIPredicate::slt, o.make<arith::XOrIOp>(rest, divisor), o.constant(0));
  Value nonzero = o.make<arith::CmpIOp>(arith::CmpIPredicate::ne, rest, o.constant(0));
  return o.make<arith::SelectOp>(o.make<arith::AndIOp>(wrong, nonzero), o.make<arith::AddIOp>(rest, divisor), rest);
}

Value clip(const Operands &o) {
  Value x = o.x[0];
  auto bound = [&](unsigned input, StringRef attribute) -> Value {
    if (input < o.x.size() && o.x[input])
      return o.x[input];
    if (auto f = dyn_cast_or_null<FloatAttr>(o.node.getAttribute(attribute)))
      return o.constant(f.getValueAsDouble());
    return {};
  };
  if (Value lo = bound(1, "min"))
    x = o.isFloat() ? o.make<arith::MaximumFOp>(x, lo) : o.isUnsigned() ? o.make<arith::MaxUIOp>(x, lo) : o.make<arith::MaxSIOp>(x, lo);
  if (Value hi = bound(2, "max"))
    x = o.isFloat() ? o.make<arith::MinimumFOp>(x, hi) : o.isUnsigned() ? o.make<arith::MinUIOp>(x, hi) : o.make<arith::MinSIOp>(x, hi);
  return x;
}

} // namespace

void sinter::raise::addElementwiseRules(RuleTable &table) {
  using sinter::graph::SymbolTable;
  auto add = [&](StringRef op, Element element, ResultType type, Fold fold = nullptr) { table.add("", op, elementwise(element, type, fold)); };

  add("Add", binary<arith::AddFOp, arith::AddIOp>(), sameType, [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return x[0] + x[1]; });
  add("Sub", binary<arith::SubFOp, arith::SubIOp>(), sameType, [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return x[0] - x[1]; });
  add("Mul", binary<arith::MulFOp, arith::MulIOp>(), sameType, [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return x[0] * x[1]; });
  add("Div", divide, sameType, [](SymbolTable &symbols, ArrayRef<SymExpr> x) -> std::optional<SymExpr> {
    if (symbols.bounds(x[1]).lo > 0)
      if (auto exact = symbols.divideExact(x[0], x[1]))
        return exact;
    // Division truncates; it equals the floor where both are known not to be negative.
    if (symbols.bounds(x[0]).lo < 0 || symbols.bounds(x[1]).lo <= 0)
      return std::nullopt;
    return symbols.floorDiv(x[0], x[1]);
  });
  add("Mod", modulo, sameType, [](SymbolTable &symbols, ArrayRef<SymExpr> x) -> std::optional<SymExpr> {
    if (symbols.bounds(x[0]).lo < 0 || symbols.bounds(x[1]).lo <= 0)
      return std::nullopt;
    return symbols.mod(x[0], x[1]);
  });
  auto max = [](const Operands &o) -> Value {
    return o.isFloat() ? o.make<arith::MaximumFOp>(o.x[0], o.x[1]) : o.isUnsigned() ? o.make<arith::MaxUIOp>(o.x[0], o.x[1]) : o.make<arith::MaxSIOp>(o.x[0], o.x[1]);
  };
  auto min = [](const Operands &o) -> Value {
    return o.isFloat() ? o.make<arith::MinimumFOp>(o.x[0], o.x[1]) : o.isUnsigned() ? o.make<arith::MinUIOp>(o.x[0], o.x[1]) : o.make<arith::MinSIOp>(o.x[0], o.x[1]);
  };
  add("Max", variadic(max), sameType, [](SymbolTable &symbols, ArrayRef<SymExpr> x) -> std::optional<SymExpr> {
    SymExpr out = x[0];
    for (const SymExpr &e : x.drop_front())
      out = symbols.max(out, e);
    return out;
  });
  add("Min", variadic(min), sameType, [](SymbolTable &symbols, ArrayRef<SymExpr> x) -> std::optional<SymExpr> {
    SymExpr out = x[0];
    for (const SymExpr &e : x.drop_front())
      out = symbols.min(out, e);
    return out;
  });
  add("Sum", variadic(binary<arith::AddFOp, arith::AddIOp>()), sameType);
  add("Mean", variadic(binary<arith::AddFOp, arith::AddIOp>(), true), floatOnly);
  add("Pow", power, firstType);
  add("PRelu", [](const Operands &o) -> Value {
    Value negative = o.make<arith::CmpFOp>(arith::CmpFPredicate::OLT, o.x[0], o.constant(0));
    return o.make<arith::SelectOp>(negative, o.make<arith::MulFOp>(o.x[0], o.x[1]), o.x[0]);
  }, floatOnly);

  auto same = [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return x[0]; };
  add("Identity", [](const Operands &o) { return o.x[0]; }, firstType, same);
  add("Dropout", [](const Operands &o) { return o.x[0]; }, firstType, same);
  add("Cast", [](const Operands &o) { return castElement(o.b, o.loc, o.x[0], o.types[0], elementType(o.node.getContext(), o.node.getInt("to", 0))); },
      [](NodeOp node, ArrayRef<Type>) { return elementType(node.getContext(), node.getInt("to", 0)); },
      same);
  add("CastLike", [](const Operands &o) { return castElement(o.b, o.loc, o.x[0], o.types[0], o.types[1]); }, [](NodeOp, ArrayRef<Type> t) { return t.back(); });

  using FP = arith::CmpFPredicate;
  using IP = arith::CmpIPredicate;
  add("Equal", compare(FP::OEQ, IP::eq, IP::eq), boolType, foldCompare(equal));
  add("Less", compare(FP::OLT, IP::slt, IP::ult), boolType, foldCompare(less));
  add("LessOrEqual", compare(FP::OLE, IP::sle, IP::ule), boolType, foldCompare(lessEqual));
  add("Greater", compare(FP::OGT, IP::sgt, IP::ugt), boolType, foldCompare([](SymbolTable &s, const SymExpr &a, const SymExpr &b) { return less(s, b, a); }));
  add("GreaterOrEqual", compare(FP::OGE, IP::sge, IP::uge), boolType, foldCompare([](SymbolTable &s, const SymExpr &a, const SymExpr &b) { return lessEqual(s, b, a); }));
  add("And", [](const Operands &o) { return o.make<arith::AndIOp>(o.x[0], o.x[1]); }, boolType, [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return x[0] * x[1]; });
  add("Or", [](const Operands &o) { return o.make<arith::OrIOp>(o.x[0], o.x[1]); }, boolType, [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return x[0] + x[1] - x[0] * x[1]; });
  add("Xor", [](const Operands &o) { return o.make<arith::XOrIOp>(o.x[0], o.x[1]); }, boolType);
  add("Not", [](const Operands &o) { return o.make<arith::XOrIOp>(o.x[0], constant(o.b, o.loc, o.b.getI1Type(), 1)); }, boolType,
      [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return SymExpr(1) - x[0]; });
  add("Where", [](const Operands &o) { return o.make<arith::SelectOp>(o.x[0], o.x[1], o.x[2]); }, whereType, [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> {
    if (auto c = x[0].constant())
      return *c ? x[1] : x[2];
    if (x[1] == x[2])
      return x[1];
    return std::nullopt;
  });
  add("IsNaN", [](const Operands &o) { return o.make<arith::CmpFOp>(FP::UNO, o.x[0], o.x[0]); }, boolType);
  add("IsInf", [](const Operands &o) {
    Value magnitude = o.make<math::AbsFOp>(o.x[0]);
    return o.make<arith::CmpFOp>(FP::OEQ, magnitude, o.constant(std::numeric_limits<double>::infinity()));
  }, boolType);

  add("Neg", [](const Operands &o) -> Value { return o.isFloat() ? o.make<arith::NegFOp>(o.x[0]) : o.make<arith::SubIOp>(o.constant(0), o.x[0]); }, firstType,
      [](SymbolTable &, ArrayRef<SymExpr> x) -> std::optional<SymExpr> { return SymExpr(0) - x[0]; });
  add("Abs", [](const Operands &o) -> Value { return o.isFloat() ? o.make<math::AbsFOp>(o.x[0]) : o.isUnsigned() ? o.x[0] : o.make<math::AbsIOp>(o.x[0]); }, firstType);
  add("Sign", [](const Operands &o) -> Value {
    if (!o.isFloat())
      return o.make<arith::MinSIOp>(o.make<arith::MaxSIOp>(o.x[0], o.constant(-1)), o.constant(1));
    Value positive = o.make<arith::SelectOp>(o.make<arith::CmpFOp>(FP::OGT, o.x[0], o.constant(0)), o.constant(1), o.constant(0));
    return o.make<arith::SelectOp>(o.make<arith::CmpFOp>(FP::OLT, o.x[0], o.constant(0)), o.constant(-1), positive);
  }, firstType, [](SymbolTable &symbols, ArrayRef<SymExpr> x) -> std::optional<SymExpr> {
    auto bounds = symbols.bounds(x[0]);
    return bounds.lo > 0 ? std::optional<SymExpr>(1) : bounds.hi < 0 ? std::optional<SymExpr>(-1) : x[0].is(0) ? std::optional<SymExpr>(0) : std::nullopt;
  });
  add("Sqrt", unary<math::SqrtOp>(), floatOnly);
  add("Exp", unary<math::ExpOp>(), floatOnly);
  add("Log", unary<math::LogOp>(), floatOnly);
  add("Sin", unary<math::SinOp>(), floatOnly);
  add("Cos", unary<math::CosOp>(), floatOnly);
  add("Tanh", unary<math::TanhOp>(), floatOnly);
  add("Erf", unary<math::ErfOp>(), floatOnly);
  add("Floor", unary<math::FloorOp>(), floatOnly);
  add("Ceil", unary<math::CeilOp>(), floatOnly);
  add("Round", unary<math::RoundEvenOp>(), floatOnly);
  add("Reciprocal", [](const Operands &o) { return o.make<arith::DivFOp>(o.constant(1), o.x[0]); }, floatOnly);
  add("Relu", [](const Operands &o) -> Value { return o.isFloat() ? o.make<arith::MaximumFOp>(o.x[0], o.constant(0)) : o.make<arith::MaxSIOp>(o.x[0], o.constant(0)); }, firstType);
  add("LeakyRelu", [](const Operands &o) {
    Value negative = o.make<arith::CmpFOp>(FP::OLT, o.x[0], o.constant(0));
    return o.make<arith::SelectOp>(negative, o.make<arith::MulFOp>(o.x[0], o.constant(o.node.getFloat("alpha", 0.01))), o.x[0]);
  }, floatOnly);
  add("Elu", [](const Operands &o) {
    Value negative = o.make<arith::CmpFOp>(FP::OLT, o.x[0], o.constant(0));
    Value low = o.make<arith::MulFOp>(o.constant(o.node.getFloat("alpha", 1)), o.make<arith::SubFOp>(o.make<math::ExpOp>(o.x[0]), o.constant(1)));
    return o.make<arith::SelectOp>(negative, low, o.x[0]);
  }, floatOnly);
  add("Softplus", [](const Operands &o) { // log(1 + e^x), without an infinite e^x
    Value small = o.make<math::ExpOp>(o.make<arith::NegFOp>(o.make<math::AbsFOp>(o.x[0])));
    Value logarithm = o.make<math::LogOp>(o.make<arith::AddFOp>(small, o.constant(1)));
    return o.make<arith::AddFOp>(o.make<arith::MaximumFOp>(o.x[0], o.constant(0)), logarithm);
  }, floatOnly);
  add("HardSigmoid", [](const Operands &o) {
    Value y = o.make<arith::AddFOp>(o.make<arith::MulFOp>(o.constant(o.node.getFloat("alpha", 0.2)), o.x[0]), o.constant(o.node.getFloat("beta", 0.5)));
    return o.make<arith::MaximumFOp>(o.make<arith::MinimumFOp>(y, o.constant(1)), o.constant(0));
  }, floatOnly);
  add("Sigmoid", [](const Operands &o) { return sigmoid(o, o.x[0]); }, floatOnly);
  add("Swish", [](const Operands &o) { return o.make<arith::MulFOp>(o.x[0], sigmoid(o, o.make<arith::MulFOp>(o.x[0], o.constant(o.node.getFloat("alpha", 1))))); }, floatOnly);
  add("Gelu", [](const Operands &o) { return gelu(o, o.x[0], o.node.getString("approximate", "none") == "tanh"); }, floatOnly);
  add("Clip", clip, firstType);

  auto addMs = [&](StringRef op, Element element) { table.add("com.microsoft", op, elementwise(element, floatOnly)); };
  addMs("Gelu", [](const Operands &o) { return gelu(o, o.x[0], false); });
  addMs("BiasGelu", [](const Operands &o) { return gelu(o, o.make<arith::AddFOp>(o.x[0], o.x[1]), false); });
  addMs("FastGelu", [](const Operands &o) { return gelu(o, o.x.size() > 1 && o.x[1] ? o.make<arith::AddFOp>(o.x[0], o.x[1]) : o.x[0], true); });
  addMs("QuickGelu", [](const Operands &o) { return o.make<arith::MulFOp>(o.x[0], sigmoid(o, o.make<arith::MulFOp>(o.x[0], o.constant(o.node.getFloat("alpha", 1.702))))); });
}
