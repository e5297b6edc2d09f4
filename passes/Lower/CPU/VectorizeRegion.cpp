//===- VectorizeRegion.cpp - scalar regions as vector code ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/VectorizeRegion.h"
#include "passes/Lower/CPU/LaneIndex.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::lower;

static VectorType laneType(Type element) { return VectorType::get({kLanes}, element); }

namespace {
/// Emits what it is asked for, operands first. One object a mask; branches make their own on top.
class Vectorizer {
public:
  Vectorizer(OpBuilder &builder, Region &region, Value mask, bool mayBeEmpty, const KnownConditions *known,
             const Vectorizer *parent = nullptr)
      : builder(builder), region(region), mask(mask), mayBeEmpty(mayBeEmpty), known(known), parent(parent) {}

  void bind(Value value, LaneValue lanes) { values[value] = lanes; }
  FailureOr<LaneValue> evaluate(Value root);

private:
  std::optional<LaneValue> find(Value value) const;
  LaneValue get(Value value) const { return *find(value); }
  Value vectorOf(Location loc, Value value) { return asVector(builder, loc, get(value)); }
  bool uniform(ValueRange operands) const {
    return llvm::all_of(operands, [&](Value operand) { return get(operand).kind == LaneValue::Uniform; });
  }

  Value anyLane(Location loc) { return vector::ReductionOp::create(builder, loc, vector::CombiningKind::OR, mask); }

  /// What must be there before `op` can be emitted.
  SmallVector<Value> needs(Operation *op) const;
  std::optional<bool> condition(Value value) const;

  LogicalResult emit(Operation *op);
  LogicalResult emitUniform(Operation *op);
  LogicalResult emitElementwise(Operation *op);
  LogicalResult emitLoad(memref::LoadOp op);
  LogicalResult emitIf(scf::IfOp op);
  LogicalResult emitBothSides(scf::IfOp op);
  void emitSelect(arith::SelectOp op);
  LaneValue emitCompare(arith::CmpIOp op);
  LaneValue emitAffine(Location loc, AffineExpr expr, ArrayRef<LaneValue> operands, unsigned dims);

  OpBuilder &builder;
  Region &region;
  Value mask;
  /// Whether the mask may be off in all lanes: then nothing is read unless asked.
  bool mayBeEmpty;
  const KnownConditions *known;
  const Vectorizer *parent;
  llvm::DenseMap<Value, LaneValue> values;
};
} // namespace

std::optional<LaneValue> Vectorizer::find(Value value) const {
  for (const Vectorizer *scope = this; scope; scope = scope->parent)
    if (auto found = scope->values.find(value); found != scope->values.end())
      return found->second;
  return std::nullopt;
}

std::optional<bool> Vectorizer::condition(Value value) const {
  if (known)
    if (auto found = known->find(value); found != known->end())
      return found->second;
  if (std::optional<LaneValue> lanes = find(value); lanes && lanes->kind == LaneValue::Uniform) {
    APInt constant;
    if (matchPattern(lanes->value, m_ConstantInt(&constant)))
      return !constant.isZero();
  }
  return std::nullopt;
}

SmallVector<Value> Vectorizer::needs(Operation *op) const {
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    Value choice = select.getCondition();
    if (std::optional<bool> is = condition(choice))
      return {*is ? select.getTrueValue() : select.getFalseValue()};
    if (!find(choice))
      return {choice};
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    std::optional<bool> is = condition(branch.getCondition());
    if (!is && !find(branch.getCondition()))
      return {branch.getCondition()};
    llvm::SetVector<Value> captured;
    if (!is || *is)
      getUsedValuesDefinedAbove(branch.getThenRegion(), captured);
    if (!is || !*is)
      getUsedValuesDefinedAbove(branch.getElseRegion(), captured);
    return captured.takeVector();
  }
  return llvm::to_vector(op->getOperands());
}

FailureOr<LaneValue> Vectorizer::evaluate(Value root) {
  SmallVector<Value> stack{root};
  while (!stack.empty()) {
    Value value = stack.back();
    if (find(value)) {
      stack.pop_back();
      continue;
    }
    if (known)
      if (auto found = known->find(value); found != known->end()) {
        values[value] = {LaneValue::Uniform, arith::ConstantIntOp::create(builder, value.getLoc(), found->second, 1)};
        continue;
      }
    if (!region.isAncestor(value.getParentRegion())) {
      values[value] = {LaneValue::Uniform, value};
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (!op)
      return emitError(value.getLoc(), "expected a value for each argument of the region"), failure();
    size_t before = stack.size();
    for (Value need : needs(op))
      if (!find(need))
        stack.push_back(need);
    if (stack.size() == before && failed(emit(op)))
      return failure();
  }
  return get(root);
}

static bool dividesIntegers(Operation *op) {
  return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::FloorDivSIOp, arith::CeilDivSIOp,
             arith::CeilDivUIOp>(op);
}

/// No CPU we know computes in bf16. Such arithmetic goes through f32 and is rounded after each operation, as the file
/// says; code generation alone would round once at the end of a chain.
static bool computesInBrainFloat(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op) && op->getResult(0).getType().isBF16();
}

/// `clone`, a copy of such an operation, with f32 operands and result, and the result rounded.
static Value throughF32(OpBuilder &builder, Operation *clone) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(clone);
  Location loc = clone->getLoc();
  Type type = clone->getResult(0).getType(), wide = builder.getF32Type();
  if (auto vector = dyn_cast<VectorType>(type))
    wide = vector.clone(wide);
  for (OpOperand &operand : clone->getOpOperands())
    operand.set(arith::ExtFOp::create(builder, loc, wide, operand.get()));
  clone->getResult(0).setType(wide);
  builder.setInsertionPointAfter(clone);
  return arith::TruncFOp::create(builder, loc, type, clone->getResult(0));
}

LogicalResult Vectorizer::emitUniform(Operation *op) {
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, get(operand).value);
  Operation *clone = builder.clone(*op, mapping);
  // A side that no lane takes may not divide by zero either.
  if (mayBeEmpty && dividesIntegers(op)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(clone);
    Value one =
        arith::ConstantOp::create(builder, op->getLoc(), builder.getIntegerAttr(op->getOperand(1).getType(), 1));
    clone->setOperand(1,
                      arith::SelectOp::create(builder, op->getLoc(), anyLane(op->getLoc()), clone->getOperand(1), one));
  }
  if (computesInBrainFloat(op)) {
    values[op->getResult(0)] = {LaneValue::Uniform, throughF32(builder, clone)};
    return success();
  }
  SmallVector<Value> folded;
  bool gone = succeeded(builder.tryFold(clone, folded)) && folded.size() == op->getNumResults() &&
              llvm::none_of(folded, [&](Value value) { return value.getDefiningOp() == clone; });
  if (gone)
    clone->erase();
  else
    folded.assign(clone->result_begin(), clone->result_end());
  for (auto [result, value] : llvm::zip(op->getResults(), folded))
    values[result] = {LaneValue::Uniform, value};
  return success();
}

LogicalResult Vectorizer::emitElementwise(Operation *op) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(vectorOf(op->getLoc(), operand));
  // Off lanes hold zeros, which nothing may be divided by.
  if (mask && dividesIntegers(op)) {
    auto type = cast<VectorType>(operands[1].getType());
    Value one = arith::ConstantOp::create(
        builder, op->getLoc(), DenseElementsAttr::get(type, builder.getIntegerAttr(type.getElementType(), 1)));
    operands[1] = arith::SelectOp::create(builder, op->getLoc(), mask, operands[1], one);
  }
  Operation *clone = op->cloneWithoutRegions();
  clone->setOperands(operands);
  for (OpResult result : clone->getResults())
    result.setType(laneType(result.getType()));
  builder.insert(clone);
  if (computesInBrainFloat(op)) {
    values[op->getResult(0)] = {LaneValue::Varying, throughF32(builder, clone)};
    return success();
  }
  for (auto [result, value] : llvm::zip(op->getResults(), clone->getResults()))
    values[result] = {LaneValue::Varying, value};
  return success();
}

LaneValue Vectorizer::emitAffine(Location loc, AffineExpr expr, ArrayRef<LaneValue> operands, unsigned dims) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {LaneValue::Uniform, arith::ConstantIndexOp::create(builder, loc, constant.getValue())};
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return operands[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return operands[dims + symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  LaneValue lhs = emitAffine(loc, binary.getLHS(), operands, dims),
            rhs = emitAffine(loc, binary.getRHS(), operands, dims);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return addLanes(builder, loc, lhs, rhs);
  case AffineExprKind::Mul:
    return multiplyLanes(builder, loc, lhs, rhs);
  case AffineExprKind::FloorDiv:
    return divideLanes(builder, loc, lhs, rhs, Rounding::Down, mask).first;
  case AffineExprKind::Mod:
    return divideLanes(builder, loc, lhs, rhs, Rounding::Down, mask).second;
  default: { // ceildiv(a, b) = -floordiv(-a, b)
    LaneValue zero = {LaneValue::Uniform, arith::ConstantIndexOp::create(builder, loc, 0)};
    LaneValue down = divideLanes(builder, loc, subtractLanes(builder, loc, zero, lhs), rhs, Rounding::Down, mask).first;
    return subtractLanes(builder, loc, zero, down);
  }
  }
}

LaneValue Vectorizer::emitCompare(arith::CmpIOp op) {
  Location loc = op.getLoc();
  using P = arith::CmpIPredicate;
  P predicate = op.getPredicate();
  LaneValue lhs = get(op.getLhs()), rhs = get(op.getRhs());
  bool isUnsigned = predicate == P::ult || predicate == P::ule || predicate == P::ugt || predicate == P::uge;
  if (lhs.kind == LaneValue::Contiguous && rhs.kind == LaneValue::Contiguous &&
      (!isUnsigned || (isNonNegative(lhs.value) && isNonNegative(rhs.value))))
    return {LaneValue::Uniform, builder.createOrFold<arith::CmpIOp>(loc, predicate, lhs.value, rhs.value)};
  // 16 lanes from a multiple of 16 are all below a multiple of 16 or all not below it.
  if (lhs.kind == LaneValue::Uniform && rhs.kind == LaneValue::Contiguous) {
    std::swap(lhs, rhs);
    auto swapped = [](P p) {
      switch (p) {
      case P::slt:
        return P::sgt;
      case P::sle:
        return P::sge;
      case P::sgt:
        return P::slt;
      case P::sge:
        return P::sle;
      case P::ult:
        return P::ugt;
      case P::ule:
        return P::uge;
      case P::ugt:
        return P::ult;
      case P::uge:
        return P::ule;
      default:
        return p;
      }
    };
    predicate = swapped(predicate);
  }
  bool below = predicate == P::slt || predicate == P::sge || predicate == P::ult || predicate == P::uge;
  if (below && lhs.kind == LaneValue::Contiguous && rhs.kind == LaneValue::Uniform && isMultipleOfLanes(lhs.value) &&
      isMultipleOfLanes(rhs.value))
    return {LaneValue::Uniform, builder.createOrFold<arith::CmpIOp>(loc, predicate, lhs.value, rhs.value)};
  return {LaneValue::Varying,
          arith::CmpIOp::create(builder, loc, predicate, asVector(builder, loc, lhs), asVector(builder, loc, rhs))};
}

void Vectorizer::emitSelect(arith::SelectOp op) {
  Location loc = op.getLoc();
  if (std::optional<bool> is = condition(op.getCondition())) {
    values[op] = get(*is ? op.getTrueValue() : op.getFalseValue());
    return;
  }
  LaneValue choice = get(op.getCondition()), yes = get(op.getTrueValue()), no = get(op.getFalseValue());
  if (choice.kind == LaneValue::Uniform && yes.kind == no.kind) {
    values[op] = {yes.kind, builder.createOrFold<arith::SelectOp>(loc, choice.value, yes.value, no.value)};
    return;
  }
  values[op] = {LaneValue::Varying, arith::SelectOp::create(builder, loc, choice.value, asVector(builder, loc, yes),
                                                            asVector(builder, loc, no))};
}

LogicalResult Vectorizer::emitLoad(memref::LoadOp op) {
  Location loc = op.getLoc();
  Type element = op.getMemRefType().getElementType();
  Value base = get(op.getMemref()).value;
  SmallVector<LaneValue> indices;
  for (Value index : op.getIndices())
    indices.push_back(get(index));
  if (llvm::all_of(indices, [](LaneValue index) { return index.kind == LaneValue::Uniform; })) {
    SmallVector<Value> scalars = llvm::map_to_vector(indices, [](LaneValue index) { return index.value; });
    if (!mayBeEmpty) {
      values[op] = {LaneValue::Uniform, memref::LoadOp::create(builder, loc, base, scalars)};
      return success();
    }
    auto guarded = scf::IfOp::create(
        builder, loc, anyLane(loc),
        [&](OpBuilder &b, Location l) {
          scf::YieldOp::create(b, l, memref::LoadOp::create(b, l, base, scalars).getResult());
        },
        [&](OpBuilder &b, Location l) {
          scf::YieldOp::create(b, l, arith::ConstantOp::create(b, l, b.getZeroAttr(element)).getResult());
        });
    values[op] = {LaneValue::Uniform, guarded.getResult(0)};
    return success();
  }
  FailureOr<LaneValue> lanes = loadLanes(builder, loc, base, indices, mask);
  if (failed(lanes))
    return failure();
  values[op] = *lanes;
  return success();
}

LogicalResult Vectorizer::emitIf(scf::IfOp op) {
  if (std::optional<bool> is = condition(op.getCondition())) {
    Block *side = *is ? op.thenBlock() : op.elseBlock();
    for (auto [result, yielded] : llvm::zip(op.getResults(), side->getTerminator()->getOperands())) {
      FailureOr<LaneValue> value = evaluate(yielded);
      if (failed(value))
        return failure();
      values[result] = *value;
    }
    return success();
  }
  LaneValue choice = get(op.getCondition());
  if (choice.kind != LaneValue::Uniform)
    return emitBothSides(op);

  // A real branch. What kind its results are is known only once both sides are there.
  Location loc = op.getLoc();
  Region regions[2];
  SmallVector<LaneValue> yielded[2];
  for (int side : {0, 1}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&regions[side]);
    Vectorizer inner(builder, region, mask, mayBeEmpty, known, this);
    Block *block = side == 0 ? op.thenBlock() : op.elseBlock();
    for (Value operand : block->getTerminator()->getOperands()) {
      FailureOr<LaneValue> value = inner.evaluate(operand);
      if (failed(value))
        return failure();
      yielded[side].push_back(*value);
    }
  }
  SmallVector<LaneValue::Kind> kinds;
  for (auto [yes, no] : llvm::zip(yielded[0], yielded[1]))
    kinds.push_back(yes.kind == no.kind ? yes.kind : LaneValue::Varying);
  SmallVector<Type> types;
  for (int side : {0, 1}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&regions[side].front());
    SmallVector<Value> results;
    for (auto [value, kind] : llvm::zip(yielded[side], kinds))
      results.push_back(kind == LaneValue::Varying ? asVector(builder, loc, value) : value.value);
    types = llvm::to_vector(ValueRange(results).getTypes());
    scf::YieldOp::create(builder, loc, results);
  }
  auto branch = scf::IfOp::create(builder, loc, types, choice.value, /*addThenBlock=*/false, /*addElseBlock=*/false);
  branch.getThenRegion().takeBody(regions[0]);
  branch.getElseRegion().takeBody(regions[1]);
  for (auto [result, value, kind] : llvm::zip(op.getResults(), branch.getResults(), kinds))
    values[result] = {kind, value};
  return success();
}

LogicalResult Vectorizer::emitBothSides(scf::IfOp op) {
  Location loc = op.getLoc();
  Value choice = get(op.getCondition()).value;
  Value on = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(cast<VectorType>(choice.getType()), true));
  Value other = arith::XOrIOp::create(builder, loc, choice, on);
  SmallVector<Value> sides[2];
  for (int side : {0, 1}) {
    Value lanes = side == 0 ? choice : other;
    if (mask)
      lanes = arith::AndIOp::create(builder, loc, mask, lanes);
    Vectorizer inner(builder, region, lanes, /*mayBeEmpty=*/true, known, this);
    Block *block = side == 0 ? op.thenBlock() : op.elseBlock();
    for (Value operand : block->getTerminator()->getOperands()) {
      FailureOr<LaneValue> value = inner.evaluate(operand);
      if (failed(value))
        return failure();
      sides[side].push_back(asVector(builder, loc, *value));
    }
  }
  for (auto [result, yes, no] : llvm::zip(op.getResults(), sides[0], sides[1]))
    values[result] = {LaneValue::Varying, arith::SelectOp::create(builder, loc, choice, yes, no)};
  return success();
}

LogicalResult Vectorizer::emit(Operation *op) {
  Location loc = op->getLoc();
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return emitIf(branch);
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return emitSelect(select), success();
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return emitLoad(load);
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    SmallVector<LaneValue> operands =
        llvm::map_to_vector(apply.getMapOperands(), [&](Value operand) { return get(operand); });
    values[apply] = emitAffine(loc, apply.getAffineMap().getResult(0), operands, apply.getAffineMap().getNumDims());
    return success();
  }
  if (op->getNumRegions() || !isMemoryEffectFree(op))
    return op->emitError("cannot be run in 16 lanes");
  if (uniform(op->getOperands()))
    return emitUniform(op);
  auto lhs = [&] { return get(op->getOperand(0)); };
  auto rhs = [&] { return get(op->getOperand(1)); };
  LaneValue result =
      llvm::TypeSwitch<Operation *, LaneValue>(op)
          .Case<arith::AddIOp>([&](auto) { return addLanes(builder, loc, lhs(), rhs()); })
          .Case<arith::SubIOp>([&](auto) { return subtractLanes(builder, loc, lhs(), rhs()); })
          .Case<arith::MulIOp>([&](auto) { return multiplyLanes(builder, loc, lhs(), rhs()); })
          .Case<arith::CmpIOp>([&](arith::CmpIOp cmp) { return emitCompare(cmp); })
          .Case<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp>(
              [&](Operation *) -> LaneValue {
                // Index arithmetic stays in range, so that a cast commutes with it; what is too narrow for that is a
                // vector.
                Type to = op->getResult(0).getType(), from = op->getOperand(0).getType();
                auto narrow = [](Type type) { return !type.isIndex() && type.getIntOrFloatBitWidth() < 32; };
                if (lhs().kind != LaneValue::Contiguous || narrow(to) || narrow(from))
                  return {};
                IRMapping mapping;
                mapping.map(op->getOperand(0), lhs().value);
                return {LaneValue::Contiguous, builder.clone(*op, mapping)->getResult(0)};
              })
          .Default([](Operation *) -> LaneValue { return {}; });
  if (!result.value && op->getNumResults() == 1 && op->getResult(0).getType().isIndex()) {
    if (isa<arith::DivUIOp, arith::DivSIOp>(op))
      result = divideLanes(builder, loc, lhs(), rhs(), Rounding::TowardZero, mask).first;
    else if (isa<arith::RemUIOp, arith::RemSIOp>(op))
      result = divideLanes(builder, loc, lhs(), rhs(), Rounding::TowardZero, mask).second;
    else if (isa<arith::FloorDivSIOp>(op))
      result = divideLanes(builder, loc, lhs(), rhs(), Rounding::Down, mask).first;
  }
  if (result.value) {
    values[op->getResult(0)] = result;
    return success();
  }
  if (!OpTrait::hasElementwiseMappableTraits(op))
    return op->emitError("cannot be run in 16 lanes");
  return emitElementwise(op);
}

FailureOr<SmallVector<LaneValue>> sinter::lower::vectorizeBlock(OpBuilder &builder, Block &body,
                                                                ArrayRef<LaneValue> args, Value mask,
                                                                const KnownConditions *known) {
  Vectorizer vectorizer(builder, *body.getParent(), mask, /*mayBeEmpty=*/false, known);
  for (auto [argument, lanes] : llvm::zip_equal(body.getArguments(), args))
    vectorizer.bind(argument, lanes);
  SmallVector<LaneValue> results;
  for (Value operand : body.getTerminator()->getOperands()) {
    FailureOr<LaneValue> value = vectorizer.evaluate(operand);
    if (failed(value))
      return failure();
    results.push_back(*value);
  }
  return results;
}
