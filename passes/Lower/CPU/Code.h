//===- Code.h - shorthand for emitting loops and vectors -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_CODE_H
#define SINTER_PASSES_LOWER_CPU_CODE_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sinter::lower {

/// A builder with words for index arithmetic, loops that carry values, and flat loads and stores.
struct Code : mlir::ImplicitLocOpBuilder {
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Values = llvm::SmallVector<Value>;
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value index(int64_t value);
  Value i32(int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return b ? add(a, index(b)) : a; }
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b);
  Value div(Value a, int64_t b);
  Value min(Value a, Value b);
  /// a == b ? x : y; folds where x is y.
  Value selectEqual(Value a, Value b, int64_t x, int64_t y);

  using LoopBody = llvm::function_ref<Values(Value, ValueRange)>;
  Values loop(Value low, Value high, int64_t step, ValueRange carried, LoopBody body);
  void loop(Value low, Value high, int64_t step, llvm::function_ref<void(Value)> body);
  /// `body(i)` in case i of [low, high); nothing outside.
  void switchOf(Value value, int64_t low, int64_t high, llvm::function_ref<void(int64_t)> body);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  /// `body()`, or `otherwise` where the condition is false.
  Values ifElse(Value condition, llvm::function_ref<Values()> body, ValueRange otherwise);

  /// A vector from the flat `memref` at `at`; bytes become elements of `type`.
  Value load(mlir::VectorType type, Value memref, Value at, int64_t alignment = 0);
  void store(Value vector, Value memref, Value at, int64_t alignment = 0);
  /// `count` elements (-1: unknown) of `type` at byte `offset` of a flat memref of bytes.
  Value view(Value bytes, Value offset, mlir::Type type, int64_t count);

  Value splat(mlir::VectorType type, Value scalar) { return mlir::vector::BroadcastOp::create(*this, type, scalar); }
  Value zeros(mlir::VectorType type);
  Value splatInt(mlir::VectorType type, int64_t value);
  Value fma(Value a, Value b, Value c) { return mlir::math::FmaOp::create(*this, a, b, c); }
};

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_CODE_H
