//===- TensorBuilder.h - words for loops over tensors -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_REFERENCE_TENSORBUILDER_H
#define SINTER_PASSES_LOWER_REFERENCE_TENSORBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sinter::reference {

/// A builder of `linalg.generic`, and of the scalars inside.
struct TensorBuilder : mlir::ImplicitLocOpBuilder {
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Sizes = llvm::SmallVector<mlir::OpFoldResult>;
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  /// A tensor, and the element of it that one round of the loops is about.
  struct Operand {
    Value tensor;
    mlir::AffineMap map;
  };
  using Body = llvm::function_ref<llvm::SmallVector<Value>(TensorBuilder &, ValueRange)>;
  using Element = llvm::function_ref<Value(TensorBuilder &, ValueRange)>;

  /// `loops` dimensions to the given results.
  mlir::AffineMap map(unsigned loops, llvm::ArrayRef<mlir::AffineExpr> results) {
    return mlir::AffineMap::get(loops, 0, results, getContext());
  }
  /// The first `count` dimensions of `loops`.
  mlir::AffineMap leading(unsigned loops, unsigned count) {
    return map(loops, getMultiDimIdentityMap(loops).getResults().take_front(count));
  }
  mlir::AffineExpr dim(unsigned d) { return getAffineDimExpr(d); }

  Sizes sizes(Value tensor) { return mlir::tensor::getMixedSizes(*this, getLoc(), tensor); }
  /// All elements `value`.
  Value filled(llvm::ArrayRef<mlir::OpFoldResult> sizes, Value value);
  /// For all indices, in row-major order: out[map] = body(in[map]..., out[map]...). Dimensions that no map of an `out`
  /// names are reduced; a size comes from any tensor whose map names the dimension alone.
  mlir::ResultRange loops(llvm::ArrayRef<Operand> in, llvm::ArrayRef<Operand> out, Body body);
  /// The same with one result that starts as `init` everywhere.
  Value reduce(llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::AffineMap map, Value init, llvm::ArrayRef<Operand> in,
               Element body);
  /// A tensor of these sizes; its element at an index is body(in[map]...).
  Value generate(llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type element, llvm::ArrayRef<Operand> in,
                 Element body);
  /// Another element type: `extend` of each.
  Value convert(Value tensor, mlir::Type element);

  /// The index of the loop `d` around; only inside a body.
  Value loopIndex(unsigned d) { return mlir::linalg::IndexOp::create(*this, d); }
  Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(*this, value); }
  Value value(mlir::OpFoldResult size) { return mlir::getValueOrCreateConstantIndexOp(*this, getLoc(), size); }
  /// A constant of a float or integer type.
  Value constant(mlir::Type type, double value);
  /// What loses against every number: the least (or the greatest) of the type, infinite where there is infinity.
  Value extreme(mlir::Type type, bool greatest);
  /// A float as another float, an integer (signed) as another integer.
  Value extend(Value scalar, mlir::Type type);
  /// A size as a float.
  Value count(mlir::OpFoldResult size, mlir::Type type);

  // Arithmetic on floats or (signed) integers, whatever the operands are.
  Value add(Value a, Value b);
  Value mul(Value a, Value b);
  Value max(Value a, Value b);
  Value min(Value a, Value b);
  /// a < b.
  Value less(Value a, Value b);
  Value equal(Value a, Value b);
  Value sub(Value a, Value b) { return mlir::arith::SubFOp::create(*this, a, b); }
  Value div(Value a, Value b) { return mlir::arith::DivFOp::create(*this, a, b); }
  Value select(Value condition, Value a, Value b) { return mlir::arith::SelectOp::create(*this, condition, a, b); }
  Value either(Value a, Value b) { return mlir::arith::OrIOp::create(*this, a, b); }
  Value both(Value a, Value b) { return mlir::arith::AndIOp::create(*this, a, b); }

  /// An index from data: counted from the end where it is negative, then the nearest one in [0, size).
  Value safeIndex(Value integer, Value size);
};

/// What sums of such elements are kept in: f32 for floats that are narrower.
mlir::Type accumulatorFor(mlir::Type element);

} // namespace sinter::reference

#endif // SINTER_PASSES_LOWER_REFERENCE_TENSORBUILDER_H
