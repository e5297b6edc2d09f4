//===- Blocked.cpp - float caches in blocks ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/KV/KV.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::kv;

namespace {
constexpr int64_t kLanes = 16;

/// Index arithmetic that reads like arithmetic.
struct Arith {
  OpBuilder &builder;
  Location loc;

  Value constant(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value add(Value a, Value b) { return arith::AddIOp::create(builder, loc, a, b); }
  Value mul(Value a, int64_t b) { return arith::MulIOp::create(builder, loc, a, constant(b)); }
  Value div(Value a, int64_t b) { return arith::DivUIOp::create(builder, loc, a, constant(b)); }
  Value rem(Value a, int64_t b) { return arith::RemUIOp::create(builder, loc, a, constant(b)); }

  /// The memory behind `bytes` as elements of `type`.
  Value view(Value bytes, Type type) {
    Value size = div(memref::DimOp::create(builder, loc, bytes, 0), type.getIntOrFloatBitWidth() / 8);
    return memref::ViewOp::create(builder, loc, MemRefType::get({ShapedType::kDynamic}, type), bytes, constant(0), size);
  }
};

/// Channels of a row, with what pads it.
int64_t padded(Part part, int64_t dim, int64_t pairing) {
  return llvm::alignTo(dim, part == Part::Key ? pairing : kLanes);
}
} // namespace

LogicalResult BlockedAttr::verify(function_ref<InFlightDiagnostic()> emitError, FloatType elementType) {
  if (!elementType.isF32() && !elementType.isF16() && !elementType.isBF16())
    return emitError() << "expected elements of f32, f16 or bf16, but got " << elementType;
  return success();
}

int64_t BlockedAttr::getPairing() const { return getElementType().isBF16() ? 2 : 1; }

int64_t BlockedAttr::getBlockBytes(Part part, int64_t dim) const {
  return kBlockTokens * padded(part, dim, getPairing()) * getElementType().getWidth() / 8;
}

Value BlockedAttr::emitElement(OpBuilder &builder, Location loc, Part part, int64_t dim, Value token, Value channel) const {
  Arith a{builder, loc};
  int64_t pairing = getPairing(), row = padded(part, dim, pairing);
  if (part == Part::Value) {
    Value at = a.add(a.mul(a.div(token, pairing), row * pairing), a.mul(channel, pairing));
    return pairing == 1 ? at : a.add(at, a.rem(token, pairing));
  }
  Value at = a.add(a.mul(a.div(token, kLanes), row * kLanes), a.mul(a.rem(token, kLanes), pairing));
  if (pairing == 1)
    return a.add(at, a.mul(channel, kLanes));
  return a.add(at, a.add(a.mul(a.div(channel, pairing), kLanes * pairing), a.rem(channel, pairing)));
}

void BlockedAttr::emitStore(OpBuilder &builder, Location loc, Part part, int64_t dim, Value bytes, Value start, Value token,
                            Value channel, int64_t lanes, Value x) const {
  Arith a{builder, loc};
  FloatType type = getElementType();
  Value narrow = x;
  if (!type.isF32())
    narrow = arith::TruncFOp::create(builder, loc, VectorType::get({kLanes}, type), x);
  Type word = builder.getI32Type();
  if (getPairing() == 1) {
    Value at = a.add(a.div(start, type.getWidth() / 8), emitElement(builder, loc, part, dim, token, channel));
    Value elements = a.view(bytes, type);
    if (part == Part::Value) { // rows are padded: the lanes behind the last channel have room
      vector::StoreOp::create(builder, loc, narrow, elements, ValueRange{at});
      return;
    }
    for (int64_t lane = 0; lane < lanes; ++lane)
      memref::StoreOp::create(builder, loc, vector::ExtractOp::create(builder, loc, narrow, lane), elements,
                              ValueRange{a.add(at, a.constant(lane * kLanes))});
    return;
  }

  Value words = a.view(bytes, word);
  Value at = a.add(a.div(start, 4), a.div(emitElement(builder, loc, part, dim, token, channel), 2));
  if (part == Part::Key) {
    if (lanes % 2) { // a last channel without a partner: the partner is zero, so that it adds nothing to a dot
      SmallVector<bool> keep(kLanes);
      std::fill_n(keep.begin(), lanes, true);
      auto zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(narrow.getType()));
      auto on = arith::ConstantOp::create(builder, loc,
                                          DenseElementsAttr::get(VectorType::get({kLanes}, builder.getI1Type()), keep));
      narrow = arith::SelectOp::create(builder, loc, on, narrow, zero);
    }
    Value pairs = vector::BitCastOp::create(builder, loc, VectorType::get({kLanes / 2}, word), narrow);
    for (int64_t pair = 0; pair < (lanes + 1) / 2; ++pair)
      memref::StoreOp::create(builder, loc, vector::ExtractOp::create(builder, loc, pairs, pair), words,
                              ValueRange{a.add(at, a.constant(pair * kLanes))});
    return;
  }
  // An even token writes its half and clears its partner's, an odd one fills in its own: what is beyond the last token of a pair
  // is never garbage.
  auto wide = VectorType::get({kLanes}, word);
  Value bits = arith::ExtUIOp::create(
      builder, loc, wide,
      arith::BitcastOp::create(builder, loc, VectorType::get({kLanes}, builder.getI16Type()), narrow));
  Value odd = arith::IndexCastOp::create(builder, loc, word, a.rem(token, 2));
  Value shift = arith::MulIOp::create(builder, loc, odd, arith::ConstantIntOp::create(builder, loc, word, 16));
  Value mask = arith::MulIOp::create(builder, loc, odd, arith::ConstantIntOp::create(builder, loc, word, 0xffff));
  Value old = vector::LoadOp::create(builder, loc, wide, words, ValueRange{at});
  Value kept = arith::AndIOp::create(builder, loc, old, vector::BroadcastOp::create(builder, loc, wide, mask));
  Value mine = arith::ShLIOp::create(builder, loc, bits, vector::BroadcastOp::create(builder, loc, wide, shift));
  vector::StoreOp::create(builder, loc, arith::OrIOp::create(builder, loc, kept, mine), words, ValueRange{at});
}

Value BlockedAttr::emitLoadKeys(OpBuilder &builder, Location loc, int64_t dim, Value bytes, Value start, int64_t group,
                                Value step) const {
  Arith a{builder, loc};
  FloatType type = getElementType();
  int64_t pairing = getPairing(), row = padded(Part::Key, dim, pairing);
  Value at = a.add(a.add(a.div(start, type.getWidth() / 8), a.mul(step, kLanes * pairing)), a.constant(group * row * kLanes));
  return vector::LoadOp::create(builder, loc, VectorType::get({kLanes * pairing}, type), a.view(bytes, type), ValueRange{at});
}

Value BlockedAttr::emitLoadValues(OpBuilder &builder, Location loc, int64_t dim, Value bytes, Value start, int64_t group,
                                  Value step) const {
  Arith a{builder, loc};
  FloatType type = getElementType();
  int64_t pairing = getPairing(), row = padded(Part::Value, dim, pairing);
  Value at = a.add(a.add(a.div(start, type.getWidth() / 8), a.mul(step, row * pairing)), a.constant(group * kLanes * pairing));
  return vector::LoadOp::create(builder, loc, VectorType::get({kLanes * pairing}, type), a.view(bytes, type), ValueRange{at});
}
