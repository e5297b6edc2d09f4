//===- AttentionEmitter.cpp - pieces of attention kernels -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/AttentionEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

Value Emitter::index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
Value Emitter::add(Value a, Value b) { return arith::AddIOp::create(builder, loc, a, b); }
Value Emitter::sub(Value a, Value b) { return arith::SubIOp::create(builder, loc, a, b); }
Value Emitter::mul(Value a, Value b) { return arith::MulIOp::create(builder, loc, a, b); }
Value Emitter::div(Value a, Value b) { return arith::DivUIOp::create(builder, loc, a, b); }
Value Emitter::rem(Value a, Value b) { return arith::RemUIOp::create(builder, loc, a, b); }
Value Emitter::min(Value a, Value b) { return arith::MinSIOp::create(builder, loc, a, b); }
Value Emitter::max(Value a, Value b) { return arith::MaxSIOp::create(builder, loc, a, b); }
Value Emitter::select(Value condition, Value a, Value b) { return arith::SelectOp::create(builder, loc, condition, a, b); }

Value Emitter::splat(float value) {
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(floats(), value));
}
Value Emitter::splat(Value scalar) { return vector::BroadcastOp::create(builder, loc, vector(scalar.getType()), scalar); }
Value Emitter::fmul(Value a, Value b) { return arith::MulFOp::create(builder, loc, a, b); }
Value Emitter::fma(Value a, Value b, Value c) { return math::FmaOp::create(builder, loc, a, b, c); }
Value Emitter::fadd(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
Value Emitter::fsub(Value a, Value b) { return arith::SubFOp::create(builder, loc, a, b); }

void Emitter::exp(MutableArrayRef<Value> x) {
  // 2^t = 2^n * 2^f with n the nearest integer, which adding and subtracting 1.5 * 2^23 gives; the low bits of the sum are n. Where t is
  // too small for that, and for -inf, what comes out is not used.
  VectorType words = vector(builder.getI32Type());
  Value least = splat(-125.0f), magic = splat(12582912.0f), log2e = splat(1.44269504f), zero = splat(0.0f);
  Value mantissa = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(words, int32_t(23)));
  struct State {
    Value below, shifted, f, power;
  };
  SmallVector<State> states;
  for (Value t : x) {
    State s;
    t = fmul(t, log2e);
    s.below = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, t, least);
    s.shifted = fadd(t, magic);
    s.f = fsub(t, fsub(s.shifted, magic));
    s.power = splat(0.001326472731307149f);
    states.push_back(s);
  }
  // Minimax for |f| <= 1/2, with a constant term of exactly 1.
  for (float c : {0.009671512991189957f, 0.05550733581185341f, 0.24022242426872253f, 0.6931470036506653f, 1.0f})
    for (State &s : states)
      s.power = fma(s.power, s.f, splat(c));
  for (auto [y, s] : llvm::zip_equal(x, states)) {
    Value exponent =
        arith::ShLIOp::create(builder, loc, arith::BitcastOp::create(builder, loc, words, s.shifted), mantissa);
    Value bits = arith::AddIOp::create(builder, loc, arith::BitcastOp::create(builder, loc, words, s.power), exponent);
    y = select(s.below, zero, arith::BitcastOp::create(builder, loc, floats(), bits));
  }
}

Value Emitter::maximum(Value a, Value b) {
  return select(arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, a, b), a, b);
}
Value Emitter::finite(Value maxima) {
  Value none = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, maxima, splat(-std::numeric_limits<float>::infinity()));
  return select(none, splat(0.0f), maxima);
}

static Value swapLanes(Emitter &e, Value x, int64_t distance) {
  SmallVector<int64_t> lanes;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    lanes.push_back(lane ^ distance);
  return vector::ShuffleOp::create(e.builder, e.loc, x, x, lanes);
}
void Emitter::sumLanes(MutableArrayRef<Value> x) {
  for (int64_t distance = kLanes / 2; distance; distance /= 2)
    for (Value &y : x)
      y = fadd(y, swapLanes(*this, y, distance));
}
void Emitter::maxLanes(MutableArrayRef<Value> x) {
  for (int64_t distance = kLanes / 2; distance; distance /= 2)
    for (Value &y : x)
      y = maximum(y, swapLanes(*this, y, distance));
}

Value Emitter::view(Value bytes, int64_t at, Type type) {
  Value size = div(sub(memref::DimOp::create(builder, loc, bytes, 0), index(at)), type.getIntOrFloatBitWidth() / 8);
  return memref::ViewOp::create(builder, loc, MemRefType::get({ShapedType::kDynamic}, type), bytes, index(at), size);
}
Value Emitter::load(Value memory, Value at) { return vector::LoadOp::create(builder, loc, floats(), memory, ValueRange{at}); }
void Emitter::store(Value x, Value memory, Value at) { vector::StoreOp::create(builder, loc, x, memory, ValueRange{at}); }
Value Emitter::loadSplat(Value memory, Value at) { return splat(memref::LoadOp::create(builder, loc, memory, ValueRange{at})); }

void Emitter::loop(Value from, Value to, int64_t step, function_ref<void(Value)> body) {
  auto op = scf::ForOp::create(builder, loc, from, to, index(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.getBody());
  body(op.getInductionVar());
}
SmallVector<Value> Emitter::loop(Value from, Value to, ValueRange init,
                                 function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(builder, loc, from, to, index(1), init);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.getBody());
  scf::YieldOp::create(builder, loc, body(op.getInductionVar(), op.getRegionIterArgs()));
  return op.getResults();
}

Merged lower::emitMerge(Emitter &e, Value leftMaximum, Value leftSum, Value rightMaximum, Value rightSum) {
  Merged merged;
  merged.maximum = e.maximum(leftMaximum, rightMaximum);
  Value reference = e.finite(merged.maximum);
  merged.left = e.exp(e.fsub(leftMaximum, reference));
  merged.right = e.exp(e.fsub(rightMaximum, reference));
  merged.sum = emitCombine(e, leftSum, merged.left, rightSum, merged.right);
  return merged;
}

Value lower::emitCombine(Emitter &e, Value left, Value leftFactor, Value right, Value rightFactor) {
  return e.fma(left, leftFactor, e.fmul(right, rightFactor));
}

void lower::emitFinish(Emitter &e, Value out, Value sinks, bool zeroMaskedRows, Value sequence, Value token, Value head,
                       Value maximum, Value sum, function_ref<Value(int64_t)> rows) {
  OpBuilder &builder = e.builder;
  Location loc = e.loc;
  auto type = cast<MemRefType>(out.getType());
  Value factor;
  if (sinks) { // the sink is one more position, with a value of zero
    Merged merged = emitMerge(e, maximum, sum, e.loadSplat(sinks, head), e.splat(1.0f));
    sum = merged.sum;
    factor = merged.left;
  }
  Value masked;
  if (zeroMaskedRows)
    masked = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, sum, e.splat(0.0f));
  int64_t dim = type.getDimSize(3);
  for (int64_t channel = 0; channel < dim; channel += kLanes) {
    Value x = rows(channel / kLanes);
    if (factor)
      x = e.fmul(x, factor);
    x = arith::DivFOp::create(builder, loc, x, sum);
    if (masked)
      x = e.select(masked, e.splat(0.0f), x);
    if (!type.getElementType().isF32())
      x = arith::TruncFOp::create(builder, loc, e.vector(type.getElementType()), x);
    if (dim - channel < kLanes)
      x = vector::ExtractStridedSliceOp::create(builder, loc, x, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{dim - channel},
                                                ArrayRef<int64_t>{1});
    vector::StoreOp::create(builder, loc, x, out, ValueRange{sequence, token, head, e.index(channel)});
  }
}
