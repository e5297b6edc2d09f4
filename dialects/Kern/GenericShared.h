//===- GenericShared.h - what the generic kernels' ops share ----*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_KERN_GENERICSHARED_H
#define SINTER_DIALECTS_KERN_GENERICSHARED_H

#include "dialects/Kern/Generic.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace sinter::kern::detail {
using namespace mlir;

//===----------------------------------------------------------------------===//
// Sizes and cost
//===----------------------------------------------------------------------===//

inline Value sizeValue(OpBuilder &builder, Location loc, OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(builder, loc, size);
}

inline Value product(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes) {
  int64_t constant = 1;
  Value result;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> known = getConstantIntValue(size)) {
      constant *= *known;
      continue;
    }
    Value value = sizeValue(builder, loc, size);
    result = result ? arith::MulIOp::create(builder, loc, result, value) : value;
  }
  if (!result)
    return arith::ConstantIndexOp::create(builder, loc, constant);
  if (constant == 1)
    return result;
  return arith::MulIOp::create(builder, loc, result, arith::ConstantIndexOp::create(builder, loc, constant));
}

/// A static size, or what is likely for one that is not.
inline int64_t likely(int64_t size) { return ShapedType::isDynamic(size) ? 256 : std::max<int64_t>(size, 1); }

inline int64_t likelyProduct(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result = std::min<int64_t>(result * likely(size), int64_t(1) << 32);
  return result;
}

/// Fewest items worth a thread, when an item evaluates a region `elements` times: about four microseconds.
inline int64_t grainOf(Region &region, int64_t elements) {
  int64_t ops = 0;
  // A function such as exp is a polynomial of a dozen operations.
  region.walk([&](Operation *op) { ops += op->getName().getDialectNamespace() == "math" ? 12 : 1; });
  return std::max<int64_t>(1, 65536 / (std::max<int64_t>(ops, 4) * elements));
}

/// Bytes of scratch for rows of f32 whose length is the last of `sizes`; 0 where that is not known.
inline int64_t rowScratch(ArrayRef<int64_t> sizes, std::optional<int64_t> bound) {
  int64_t width = sizes.empty() ? 1 : sizes.back();
  if (ShapedType::isDynamic(width))
    width = bound.value_or(0);
  // The bound comes from the file; what no memory could hold is evaluated twice instead.
  return width <= 0 || width > (1 << 24) ? 0 : int64_t(llvm::alignTo(width * 4, 64));
}

//===----------------------------------------------------------------------===//
// Builders and verifiers that the ops share
//===----------------------------------------------------------------------===//

inline SmallVector<OpFoldResult> mixed(Operation *op, ArrayRef<int64_t> sizes, ValueRange dynamic) {
  return getMixedValues(sizes, dynamic, op->getContext());
}

inline void fill(OpBuilder &builder, OperationState &state, Region *region, ArrayRef<Type> arguments,
                 RegionBuilder body) {
  if (!body)
    return;
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(region, {}, arguments, SmallVector<Location>(arguments.size(), state.location));
  body(builder, state.location, block->getArguments());
}

/// `first` and then one index a dimension.
inline SmallVector<Type> withIndices(Builder &builder, ArrayRef<Type> first, size_t rank) {
  SmallVector<Type> types(first);
  types.append(rank, builder.getIndexType());
  return types;
}

inline LogicalResult verifySizes(Operation *op, StringRef name, ArrayRef<int64_t> sizes, ValueRange dynamic) {
  if (size_t(llvm::count(sizes, ShapedType::kDynamic)) != dynamic.size())
    return op->emitOpError("expected as many dynamic sizes in '") << name << "' as operands";
  for (int64_t size : sizes)
    if (size < 0 && !ShapedType::isDynamic(size))
      return op->emitOpError("expected no negative size in '") << name << "', but got " << size;
  return success();
}

inline YieldOp yieldOf(Region &region) {
  if (region.empty() || region.front().empty())
    return nullptr;
  return dyn_cast<YieldOp>(region.front().back());
}

inline LogicalResult verifyRegion(Operation *op, StringRef name, Region &region, TypeRange arguments) {
  if (region.empty())
    return op->emitOpError("expected a region '") << name << "'";
  if (region.front().getArgumentTypes() != arguments) {
    auto diagnostic = op->emitOpError("expected region '") << name << "' with arguments (";
    llvm::interleaveComma(arguments, diagnostic);
    diagnostic << "), but got (";
    llvm::interleaveComma(region.front().getArgumentTypes(), diagnostic);
    return diagnostic << ")";
  }
  YieldOp yield = yieldOf(region);
  if (!yield)
    return op->emitOpError("expected region '") << name << "' to end with kern.yield";
  for (Type type : yield.getOperandTypes())
    if (!type.isIntOrIndexOrFloat())
      return op->emitOpError("expected region '") << name << "' to yield scalars, but got " << type;
  return success();
}

inline LogicalResult verifyYields(Operation *op, StringRef name, Region &region, Type type) {
  YieldOp yield = yieldOf(region);
  if (yield.getNumOperands() != 1 || yield.getOperand(0).getType() != type)
    return op->emitOpError("expected region '") << name << "' to yield one " << type;
  return success();
}

/// Whether `kind` combines values of `type`.
inline LogicalResult verifyKind(Operation *op, ReduceKind kind, Type type) {
  bool bits = kind == ReduceKind::And || kind == ReduceKind::Or || kind == ReduceKind::Xor;
  bool isUnsigned = kind == ReduceKind::UMax || kind == ReduceKind::UMin;
  if ((bits || isUnsigned) && !type.isSignlessInteger())
    return op->emitOpError("kind '") << stringifyReduceKind(kind) << "' expects integers, but got " << type;
  if (type.isIndex())
    return op->emitOpError("expected values of a sized type, but got ") << type;
  return success();
}

/// Outputs have the shape's rank and sizes, the yielded element types and contiguous rows.
inline LogicalResult verifyOuts(Operation *op, ArrayRef<int64_t> sizes, ValueRange outs, TypeRange elements) {
  if (outs.empty())
    return op->emitOpError("expected at least one output");
  if (outs.size() != elements.size())
    return op->emitOpError("expected ") << outs.size() << " values for the outputs, but the region yields "
                                        << elements.size();
  for (auto [index, out, element] : llvm::enumerate(outs, elements)) {
    auto type = cast<MemRefType>(out.getType());
    if (type.getElementType() != element)
      return op->emitOpError("output #") << index << " has elements of " << type.getElementType()
                                         << ", but the region yields " << element;
    if (type.getRank() != int64_t(sizes.size()))
      return op->emitOpError("output #") << index << " has rank " << type.getRank() << ", but the shape has "
                                         << sizes.size();
    for (auto [size, expected] : llvm::zip(type.getShape(), sizes))
      if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(expected) && size != expected)
        return op->emitOpError("output #") << index << " has size " << size << " where the shape has " << expected;
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) || (!strides.empty() && strides.back() != 1))
      return op->emitOpError("output #") << index << " has rows that are not contiguous";
  }
  return success();
}

} // namespace sinter::kern::detail

#endif // SINTER_DIALECTS_KERN_GENERICSHARED_H
