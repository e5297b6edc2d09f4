//===- SimpleMask.cpp - a mask without what is known of it --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/SimpleMask.h"
#include "dialects/Graph/Graph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace sinter::fuse {

using graph::SymExpr;

namespace {

/// More operations than this, or one that is not cheap, and it is better to leave open where the mask's parts are kept.
constexpr unsigned kMostOps = 48;

bool isCheap(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp, arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp,
             arith::MaximumFOp, arith::MinimumFOp, arith::CmpFOp, arith::CmpIOp, arith::SelectOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp,
             arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp, arith::MaxSIOp, arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
             arith::ExtUIOp, arith::TruncIOp, scf::IfOp>(op);
}

class Writer {
public:
  Writer(Location loc, graph::SymbolTable &symbols, ModuleOp module, ArrayRef<SymExpr> index) : loc(loc), symbols(symbols), module(module), index(index) {}

  /// Whether all of it can be written; counts the operations.
  bool check(const MaskValue *v) {
    if (!checked.insert(v).second)
      return true;
    if (v->number() || isExpression(v))
      return true;
    if (!v->tensor && !v->op)
      return false;
    if (v->op && !isCheap(v->op))
      return false;
    if (++ops > kMostOps)
      return false;
    return llvm::all_of(v->operands, [&](const MaskValue *operand) { return check(operand); });
  }

  Value write(OpBuilder &b, ValueRange arguments, const MaskValue *v) {
    if (auto it = written.find(v); it != written.end())
      return it->second;
    return written[v] = create(b, arguments, v);
  }

private:
  /// Of sizes and the element's index alone.
  bool isExpression(const MaskValue *v) {
    if (v->isFloat())
      return false;
    for (auto &[monomial, coefficient] : symbols.resolve(v->exact).terms)
      for (unsigned number : monomial)
        if (!isIndex(number) && !isSize(number))
          return false;
    return true;
  }
  std::optional<unsigned> indexOf(unsigned number) {
    for (auto [i, e] : llvm::enumerate(index))
      if (e.atom() == number)
        return i;
    return std::nullopt;
  }
  bool isIndex(unsigned number) { return indexOf(number).has_value(); }
  bool isSize(unsigned number) {
    const auto &atom = symbols.atom(number);
    return atom.kind == graph::SymbolTable::Atom::Symbol && module.lookupSymbol<graph::SymbolOp>(atom.name);
  }

  Value expression(OpBuilder &b, ValueRange arguments, const MaskValue *v) {
    SymExpr sizes;
    Value sum;
    for (auto &[monomial, coefficient] : symbols.resolve(v->exact).terms) {
      SymExpr factor;
      SymExpr::Monomial sizesOnly;
      Value product;
      for (unsigned number : monomial)
        if (auto i = indexOf(number))
          product = product ? arith::MulIOp::create(b, loc, product, arguments[*i]).getResult() : arguments[*i];
        else
          sizesOnly.push_back(number);
      factor.terms[sizesOnly] = coefficient;
      if (!product) {
        sizes = sizes + factor;
        continue;
      }
      if (!factor.is(1))
        product = arith::MulIOp::create(b, loc, product, symbols.materialize(b, loc, factor));
      sum = sum ? arith::AddIOp::create(b, loc, sum, product).getResult() : product;
    }
    if (!sum)
      sum = symbols.materialize(b, loc, sizes);
    else if (!sizes.is(0))
      sum = arith::AddIOp::create(b, loc, sum, symbols.materialize(b, loc, sizes));
    return v->type.isIndex() ? sum : arith::IndexCastOp::create(b, loc, v->type, sum).getResult();
  }

  Value create(OpBuilder &b, ValueRange arguments, const MaskValue *v) {
    if (auto number = v->number())
      return arith::ConstantOp::create(b, loc, b.getFloatAttr(v->type, *number));
    if (auto number = v->constant())
      return arith::ConstantOp::create(b, loc, b.getIntegerAttr(v->type, *number));
    if (isExpression(v))
      return expression(b, arguments, v);
    if (auto choice = dyn_cast_or_null<scf::IfOp>(v->op)) {
      // Each side is written where it is taken: what it reads may be out of range on the other.
      Value condition = write(b, arguments, v->operands[0]);
      auto made = scf::IfOp::create(b, loc, TypeRange{v->type}, condition, /*withElseRegion=*/true);
      for (auto [region, side] : llvm::zip(made->getRegions(), ArrayRef(v->operands).drop_front())) {
        OpBuilder inner = OpBuilder::atBlockEnd(&region.front());
        auto before = written;
        scf::YieldOp::create(inner, loc, write(inner, arguments, side));
        written = std::move(before);
      }
      return made.getResult(0);
    }
    SmallVector<Value> operands;
    for (const MaskValue *operand : v->operands)
      operands.push_back(write(b, arguments, operand));
    if (v->tensor)
      return tensor::ExtractOp::create(b, loc, v->tensor, operands);
    Operation *clone = b.clone(*v->op);
    clone->setOperands(operands);
    clone->setLoc(loc);
    return clone->getResult(0);
  }

  Location loc;
  graph::SymbolTable &symbols;
  ModuleOp module;
  ArrayRef<SymExpr> index;
  llvm::DenseSet<const MaskValue *> checked;
  llvm::DenseMap<const MaskValue *, Value> written;
  unsigned ops = 0;
};

} // namespace

Value buildSimpleMask(OpBuilder &builder, tensor::GenerateOp mask, const MaskValue *value, ArrayRef<SymExpr> index, graph::SymbolTable &symbols) {
  Writer writer(mask.getLoc(), symbols, mask->getParentOfType<ModuleOp>(), index);
  if (!writer.check(value))
    return {};
  return tensor::GenerateOp::create(builder, mask.getLoc(), mask.getType(), mask.getDynamicExtents(), [&](OpBuilder &b, Location l, ValueRange arguments) {
    tensor::YieldOp::create(b, l, writer.write(b, arguments, value));
  });
}

} // namespace sinter::fuse
