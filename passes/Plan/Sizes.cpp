//===- Sizes.cpp - sizes as symbols and scalars --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Planning.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace sinter::plan {

using program::ScalarOp;

Sizes::Sizes(ModuleOp module, ProgramWriter &writer) : writer(writer) {
  for (auto symbol : module.getOps<graph::SymbolOp>()) {
    symbols[symbol.getSymName()] = writer.symbols.size();
    auto kind = symbol.getKind() == graph::SymbolKind::Past    ? program::SymbolKind::Past
                : symbol.getKind() == graph::SymbolKind::First ? program::SymbolKind::First
                                                               : program::SymbolKind::Input;
    writer.symbols.push_back({writer.string(symbol.getSymName()), kind, int64_t(symbol.getLo()), int64_t(symbol.getHi()), program::kNone});
  }
}

uint32_t Sizes::symbol(StringRef name) const {
  auto it = symbols.find(name);
  return it == symbols.end() ? program::kNone : it->second;
}

FailureOr<uint32_t> Sizes::scalar(Value v) {
  if (auto it = scalars.find(v); it != scalars.end())
    return it->second;
  APInt constant;
  if (matchPattern(v, m_ConstantInt(&constant)))
    return scalars[v] = writer.constant(constant.getBitWidth() == 1 ? constant.getZExtValue() : constant.getSExtValue());
  Operation *op = v.getDefiningOp();
  if (!op)
    return emitError(v.getLoc(), "a size is no arithmetic on symbols");
  if (auto dim = dyn_cast<graph::DimOp>(op))
    return scalars[v] = writer.scalar(ScalarOp::Symbol, 0, 0, symbol(dim.getSymbol()));
  SmallVector<uint32_t, 3> x;
  for (Value operand : op->getOperands()) {
    auto s = scalar(operand);
    if (failed(s))
      return failure();
    x.push_back(*s);
  }
  auto binary = [&](ScalarOp kind) { return scalars[v] = writer.scalar(kind, x[0], x[1]); };
  if (isa<arith::AddIOp>(op)) return binary(ScalarOp::Add);
  if (isa<arith::SubIOp>(op)) return binary(ScalarOp::Sub);
  if (isa<arith::MulIOp>(op)) return binary(ScalarOp::Mul);
  if (isa<arith::FloorDivSIOp, arith::DivUIOp, arith::DivSIOp>(op)) return binary(ScalarOp::FloorDiv);
  if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op)) return binary(ScalarOp::CeilDiv);
  if (isa<arith::RemSIOp, arith::RemUIOp>(op)) return binary(ScalarOp::Mod);
  if (isa<arith::MinSIOp, arith::MinUIOp>(op)) return binary(ScalarOp::Min);
  if (isa<arith::MaxSIOp, arith::MaxUIOp>(op)) return binary(ScalarOp::Max);
  if (isa<arith::AndIOp>(op)) return binary(ScalarOp::And);
  if (isa<arith::OrIOp>(op)) return binary(ScalarOp::Or);
  if (isa<arith::IndexCastOp>(op)) return scalars[v] = x[0];
  if (isa<arith::SelectOp>(op)) return scalars[v] = writer.scalar(ScalarOp::Select, x[0], x[1], x[2]);
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    using P = arith::CmpIPredicate;
    switch (compare.getPredicate()) {
    case P::eq: return binary(ScalarOp::Eq);
    case P::ne: return binary(ScalarOp::Ne);
    case P::slt: case P::ult: return binary(ScalarOp::Lt);
    case P::sle: case P::ule: return binary(ScalarOp::Le);
    case P::sgt: case P::ugt: return scalars[v] = writer.scalar(ScalarOp::Lt, x[1], x[0]);
    case P::sge: case P::uge: return scalars[v] = writer.scalar(ScalarOp::Le, x[1], x[0]);
    }
  }
  return op->emitError("'") << op->getName() << "' cannot be computed in the schedule";
}

} // namespace sinter::plan
