//===- KernelBuilder.cpp - one kernel function, built by pulling --------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/KernelBuilder.h"
#include "dialects/Graph/Graph.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace sinter::fuse {

using graph::SymExpr;

StringRef nameOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().getValue();
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return nameOf(call.getCallee());
  return "";
}

KernelBuilder::KernelBuilder(OpBuilder &moduleBuilder, Location loc, StringRef name, Placement &placement)
    : b(moduleBuilder.getContext()), loc(loc), placement(placement) {
  Type index = b.getIndexType();
  auto type = FunctionType::get(b.getContext(), {index, index, MemRefType::get({ShapedType::kDynamic}, b.getI8Type())}, {});
  function = func::FuncOp::create(moduleBuilder, UnknownLoc::get(b.getContext()), name, type);

  function->setAttr("kern.kernel", b.getUnitAttr());
  b.setInsertionPointToStart(function.addEntryBlock());
}

Value KernelBuilder::begin() { return function.getArgument(function.getNumArguments() - 3); }
Value KernelBuilder::end() { return function.getArgument(function.getNumArguments() - 2); }
Value KernelBuilder::scratch() { return function.getArgument(function.getNumArguments() - 1); }

Value KernelBuilder::operand(Value buffer, bool written) {
  auto [it, fresh] = operands.try_emplace(buffer, operands.size());
  if (fresh) {
    Type element = b.getI8Type();
    if (auto shaped = dyn_cast<ShapedType>(buffer.getType()))
      element = shaped.getElementType();
    if (auto integer = dyn_cast<IntegerType>(element); integer && !integer.isSignless())
      element = b.getIntegerType(integer.getWidth());
    (void)function.insertArgument(it->second, MemRefType::get({ShapedType::kDynamic}, element), {}, UnknownLoc::get(b.getContext()));
  }
  if (written && !llvm::is_contained(writes, int64_t(it->second)))
    writes.push_back(it->second);
  return function.getArgument(it->second);
}

Value KernelBuilder::scalar(const SymExpr &unresolved) {
  SymExpr e = placement.shapes.symbols.resolve(unresolved);
  for (auto &[known, value] : scalars)
    if (known == e)
      return value;
  if (auto constant = e.constant()) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    Value value = arith::ConstantIndexOp::create(b, loc, *constant);
    scalars.push_back({e, value});
    return value;
  }
  unsigned at = function.getNumArguments() - 3;
  (void)function.insertArgument(at, b.getIndexType(), {}, UnknownLoc::get(b.getContext()));
  scalars.push_back({e, function.getArgument(at)});
  return function.getArgument(at);
}

OpFoldResult KernelBuilder::size(const SymExpr &e) {
  if (auto constant = placement.shapes.symbols.resolve(e).constant())
    return b.getIndexAttr(*constant);
  return scalar(e);
}

SmallVector<OpFoldResult> KernelBuilder::sizes(ArrayRef<SymExpr> shape) {
  SmallVector<OpFoldResult> out;
  for (const SymExpr &e : shape)
    out.push_back(size(e));
  return out;
}

Value KernelBuilder::view(Value buffer, ArrayRef<SymExpr> shape, bool written) {
  Value flat = operand(buffer, written);
  std::vector<SymExpr> key(shape.begin(), shape.end());
  for (SymExpr &e : key)
    e = placement.shapes.symbols.resolve(e);
  for (const View &known : views)
    if (known.buffer == buffer && known.shape == key)
      return known.value;
  // Views stand at the function's start, after the constants that they use.
  SmallVector<OpFoldResult> extents = sizes(key), strides(key.size());
  OpBuilder::InsertionGuard guard(b);
  Block &entry = function.getBody().front();
  auto it = entry.begin();
  while (it != entry.end() && isa<arith::ConstantOp, memref::ReinterpretCastOp, arith::MulIOp>(*it))
    ++it;
  b.setInsertionPoint(&entry, it);
  OpFoldResult stride = b.getIndexAttr(1);
  SmallVector<int64_t> staticSizes;
  SymExpr step = 1;
  for (int64_t d = key.size() - 1; d >= 0; --d) {
    strides[d] = size(step);
    step = step * key[d];
  }
  for (OpFoldResult extent : extents)
    staticSizes.push_back(getConstantIntValue(extent).value_or(ShapedType::kDynamic));
  auto type = MemRefType::get(staticSizes, cast<MemRefType>(flat.getType()).getElementType());
  Value result = memref::ReinterpretCastOp::create(b, loc, type, flat, b.getIndexAttr(0), extents, strides);
  views.push_back({buffer, key, result});
  return result;
}

/// Index arithmetic on sizes only: what becomes one scalar argument.
static bool isSize(Value v, unsigned depth = 0) {
  if (!v.getType().isIndex() || depth > 32)
    return false;
  Operation *op = v.getDefiningOp();
  if (!op)
    return false;
  if (isa<graph::DimOp>(op) || matchPattern(v, m_Constant()))
    return true;
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::FloorDivSIOp, arith::CeilDivSIOp, arith::RemSIOp, arith::MinSIOp, arith::MaxSIOp>(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) { return isSize(operand, depth + 1); });
}

void KernelBuilder::cloneOp(OpBuilder &at, Operation &op, IRMapping &mapping) {
  auto lookup = [&](Value v) -> Value {
    if (mapping.contains(v))
      return mapping.lookup(v);
    if (isSize(v)) {
      Value s = scalar(placement.shapes.symbols.fromValue(v));
      mapping.map(v, s);
      return s;
    }
    // A constant from outside of the body.
    Operation *constant = v.getDefiningOp();
    assert(constant && constant->hasTrait<OpTrait::ConstantLike>() && "a body reads only tensors, sizes and constants");
    Value clone = at.clone(*constant)->getResult(cast<OpResult>(v).getResultNumber());
    mapping.map(v, clone);
    return clone;
  };
  if (op.getNumResults() == 1 && isSize(op.getResult(0)))
    return;
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    SmallVector<Value> index;
    for (Value i : extract.getIndices())
      index.push_back(lookup(i));
    mapping.map(extract.getResult(), pull(at, extract.getTensor(), index));
    return;
  }
  if (auto choice = dyn_cast<scf::IfOp>(op)) {
    Value condition = lookup(choice.getCondition());
    auto clone = scf::IfOp::create(at, op.getLoc(), choice.getResultTypes(), condition, /*withElse=*/!choice.getElseRegion().empty());
    for (auto [from, to] : llvm::zip(choice->getRegions(), clone->getRegions())) {
      if (from.empty())
        continue;
      OpBuilder::InsertionGuard guard(at);
      Block &block = to.front();
      if (!block.empty())
        block.clear();
      at.setInsertionPointToStart(&block);
      IRMapping inner(mapping);
      for (Operation &nested : from.front())
        cloneOp(at, nested, inner);
    }
    for (auto [from, to] : llvm::zip(choice.getResults(), clone.getResults()))
      mapping.map(from, to);
    return;
  }
  for (Value v : op.getOperands())
    lookup(v);
  Operation *clone = at.clone(op, mapping);
  clone->setLoc(loc);
}

Value KernelBuilder::cloneBody(OpBuilder &at, tensor::GenerateOp generate, ValueRange index) {
  IRMapping mapping;
  Block &body = generate.getBody().front();
  mapping.map(body.getArguments(), index);
  for (Operation &op : body.without_terminator())
    cloneOp(at, op, mapping);
  Value result = cast<tensor::YieldOp>(body.getTerminator()).getValue();
  if (!mapping.contains(result)) {
    if (isSize(result))
      return scalar(placement.shapes.symbols.fromValue(result));
    return at.clone(*result.getDefiningOp())->getResult(0);
  }
  return mapping.lookup(result);
}

SmallVector<Value> KernelBuilder::reindex(OpBuilder &at, ValueRange index, ArrayRef<SymExpr> outer, ArrayRef<SymExpr> inner) {
  SmallVector<Value> out;
  auto &symbols = placement.shapes.symbols;
  auto constant = [&](int64_t v) { return scalar(SymExpr(v)); };
  // Axes that belong together: the shortest runs of both shapes with equal products.
  size_t i = 0, j = 0;
  while (i < outer.size() || j < inner.size()) {
    size_t i0 = i, j0 = j;
    SymExpr a = 1, c = 1;
    bool first = true;
    while (first || !symbols.equal(a, c)) {
      first = false;
      // Extend the side that is a divisor of the other; where that is not known, take all that is left.
      bool extendInner = j < inner.size() && (i == outer.size() || (i > i0 && (a == SymExpr(1) || symbols.divideExact(symbols.resolve(a), symbols.resolve(c)))));
      if (i == i0 && i < outer.size())
        extendInner = false;
      if (extendInner)
        c = symbols.resolve(c * inner[j++]);
      else if (i < outer.size())
        a = symbols.resolve(a * outer[i++]);
      else if (j < inner.size())
        c = symbols.resolve(c * inner[j++]);
      else
        break;
    }
    // Sizes of one at the end of a run belong to it.
    if (i == outer.size())
      while (j < inner.size() && symbols.resolve(inner[j]).is(1))
        ++j;
    if (j == inner.size())
      while (i < outer.size() && symbols.resolve(outer[i]).is(1))
        ++i;
    // The run's linear index.
    Value linear;
    for (size_t d = i0; d < i; ++d) {
      if (symbols.resolve(outer[d]).is(1))
        continue;
      linear = linear ? arith::AddIOp::create(at, loc, arith::MulIOp::create(at, loc, linear, scalar(outer[d])), index[d]).getResult() : index[d];
    }
    if (!linear)
      linear = constant(0);
    SmallVector<Value> parts(j - j0);
    int64_t last = -1;
    for (size_t d = j0; d < j; ++d)
      if (!symbols.resolve(inner[d]).is(1) && last < 0)
        last = d; // the outermost axis that takes what is left
    for (int64_t d = int64_t(j) - 1; d >= int64_t(j0); --d) {
      if (symbols.resolve(inner[d]).is(1)) {
        parts[d - j0] = constant(0);
      } else if (d == last) {
        parts[d - j0] = linear;
      } else {
        Value extent = scalar(inner[d]);
        parts[d - j0] = arith::RemUIOp::create(at, loc, linear, extent);
        linear = arith::DivUIOp::create(at, loc, linear, extent);
      }
    }
    llvm::append_range(out, parts);
  }
  return out;
}

Value KernelBuilder::pull(OpBuilder &at, Value tensor, ValueRange index) {
  if (auto it = substituted.find(tensor); it != substituted.end())
    return it->second;
  if (auto it = placement.storage.find(tensor); it != placement.storage.end()) {
    const Storage &s = it->second;
    if (s.cache) {
      Value elements = s.cache.emitElements(at, loc, operand(s.buffer));
      auto element = [&](kv::Part part, ValueRange in) { return s.cache.emitElement(at, loc, part, in[0], in[1], in[2], in[3]); };
      Value i;
      if (index.size() == 5) {
        Value key = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::eq, index[0], arith::ConstantIndexOp::create(at, loc, 0));
        Value inKeys = element(kv::Part::Key, index.drop_front()), inValues = element(kv::Part::Value, index.drop_front());
        i = arith::SelectOp::create(at, loc, key, inKeys, inValues);
      } else {
        i = element(s.part, index);
      }
      Value x = memref::LoadOp::create(at, loc, elements, i);
      Type wanted = cast<RankedTensorType>(tensor.getType()).getElementType();
      if (x.getType() == wanted)
        return x;
      if (x.getType().getIntOrFloatBitWidth() < wanted.getIntOrFloatBitWidth())
        return arith::ExtFOp::create(at, loc, wanted, x);
      return arith::TruncFOp::create(at, loc, wanted, x);
    }
    return memref::LoadOp::create(at, loc, view(s.buffer, placement.shapes.of(tensor)), index);
  }
  if (auto reshape = tensor.getDefiningOp<tensor::ReshapeOp>()) {
    Value source = reshape.getSource();
    // Memory is the same in any shape.
    if (auto it = placement.storage.find(source); it != placement.storage.end() && !it->second.cache && !substituted.contains(source))
      return memref::LoadOp::create(at, loc, view(it->second.buffer, placement.shapes.of(tensor)), index);
    return pull(at, source, reindex(at, index, placement.shapes.of(tensor), placement.shapes.of(source)));
  }
  if (auto bitcast = tensor.getDefiningOp<tensor::BitcastOp>())
    return pull(at, bitcast.getSource(), index);
  return cloneBody(at, cast<tensor::GenerateOp>(tensor.getDefiningOp()), index);
}

void KernelBuilder::finish(OpBuilder &main, llvm::StringMap<func::FuncOp> &kernels, StringRef name) {
  b.setInsertionPointToEnd(&function.getBody().front());
  func::ReturnOp::create(b, loc);
  // The grid, as the kernel's op says it, in @main.
  kern::KernelOpInterface op;
  function.walk([&](kern::KernelOpInterface found) { op = found; });
  b.setInsertionPoint(op);
  Value grid = op.buildGrid(b);
  int64_t grain = op.getGrain();
  function->setAttr("kern.scratch", b.getI64IntegerAttr(op.getScratchBytes()));
  IRMapping mapping;
  SmallVector<Value> scalarValues;
  for (BlockArgument argument : function.getArguments())
    for (auto &[e, value] : scalars)
      if (value == argument) {
        Value v = placement.shapes.symbols.materialize(main, loc, e);
        mapping.map(argument, v);
        scalarValues.push_back(v);
      }
  std::function<Value(Value)> lift = [&](Value v) -> Value {
    if (mapping.contains(v))
      return mapping.lookup(v);
    Operation *definition = v.getDefiningOp();
    for (Value operandValue : definition->getOperands())
      lift(operandValue);
    main.clone(*definition, mapping);
    return mapping.lookup(v);
  };
  Value mainGrid = lift(grid);
  for (Operation *dead = grid.getDefiningOp(); dead && dead->use_empty();) {
    SmallVector<Value> inputs(dead->getOperands());
    dead->erase();
    dead = nullptr;
    for (Value input : inputs)
      if (Operation *next = input.getDefiningOp(); next && next->use_empty() && isPure(next))
        dead = next;
  }
  for (auto &[buffer, argument] : operands)
    if (!llvm::is_contained(writes, int64_t(argument)))
      function.setArgAttr(argument, "kern.readonly", b.getUnitAttr());
  // Equal kernels are one.
  std::string text;
  llvm::raw_string_ostream os(text);
  StringAttr symbol = function.getSymNameAttr();
  function.setSymName("_");
  function.print(os, OpPrintingFlags().useLocalScope().elideLargeElementsAttrs());
  function.setSymNameAttr(symbol);
  auto [it, fresh] = kernels.try_emplace(os.str(), function);
  if (!fresh)
    function.erase();
  SmallVector<Value> buffers;
  for (auto &[buffer, number] : operands)
    buffers.push_back(buffer);
  llvm::sort(writes);
  auto dispatch = kern::DispatchOp::create(main, loc, it->second.getSymName(), mainGrid, buffers, scalarValues, writes, grain);
  dispatch->setAttr("name", main.getStringAttr(name));
}

} // namespace sinter::fuse
