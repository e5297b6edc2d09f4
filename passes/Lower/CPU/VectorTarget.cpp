//===- VectorTarget.cpp - what an instruction set gives linears -----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/VectorTarget.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

VectorTarget::VectorTarget(kern::TargetAttr target) {
  if (target.has("avx512bw")) {
    width = 16;
    dot = target.has("avx512vnni") ? Dot::Vnni512 : Dot::Words512;
  } else {
    width = 8;
    dot = target.has("avxvnni") ? Dot::Vnni256 : Dot::Words256;
  }
}

static Value callIntrinsic(Code &code, StringRef name, Type type, ValueRange args) {
  return LLVM::CallIntrinsicOp::create(code, type, code.getStringAttr(name), args).getResult(0);
}

Value VectorTarget::dot4(Code &code, Value acc, Value codes, Value values, unsigned bits) const {
  Type i32 = acc.getType();
  if (dot == Dot::Vnni512 || dot == Dot::Vnni256)
    return callIntrinsic(code, dot == Dot::Vnni512 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256",
                         i32, {acc, codes, values});
  auto i16 = VectorType::get(width * 2, code.getI16Type());
  StringRef multiplyAdd = width == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
  if (bits <= 6) {
    // Two products are at most 2 * 63 * 128 in magnitude, so the saturating instruction is exact.
    Value pairs = callIntrinsic(code, width == 16 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", i16,
                                {codes, values});
    Value sums = callIntrinsic(code, multiplyAdd, i32, {pairs, code.splatInt(i16, 1)});
    return arith::AddIOp::create(code, acc, sums);
  }
  // Even and odd bytes, widened to 16 bits.
  Value words = vector::BitCastOp::create(code, i16, codes), signedWords = vector::BitCastOp::create(code, i16, values);
  Value eight = code.splatInt(i16, 8);
  Value even = arith::AndIOp::create(code, words, code.splatInt(i16, 255)),
        odd = arith::ShRUIOp::create(code, words, eight);
  Value signedEven = arith::ShRSIOp::create(code, arith::ShLIOp::create(code, signedWords, eight), eight);
  Value signedOdd = arith::ShRSIOp::create(code, signedWords, eight);
  Value sums = arith::AddIOp::create(code, callIntrinsic(code, multiplyAdd, i32, {even, signedEven}),
                                     callIntrinsic(code, multiplyAdd, i32, {odd, signedOdd}));
  return arith::AddIOp::create(code, acc, sums);
}

std::pair<Value, Value> VectorTarget::nibbles(Code &code, Value bytes) const {
  auto type = cast<VectorType>(bytes.getType());
  auto wide = VectorType::get(type.getNumElements() / 4, code.getI32Type());
  Value mask = code.splatInt(type, 15);
  Value words = vector::BitCastOp::create(code, wide, bytes);
  Value shifted = vector::BitCastOp::create(code, type, arith::ShRUIOp::create(code, words, code.splatInt(wide, 4)));
  return {arith::AndIOp::create(code, bytes, mask), arith::AndIOp::create(code, shifted, mask)};
}

/// 2^23: the f32 whose bits, or-ed with a small integer, are their sum.
static constexpr float kBias = 0x1p23f;
static constexpr int64_t kBiasBits = 0x4b000000;

VectorTarget::Zeros VectorTarget::constantZeros(Code &code, int64_t zero, unsigned bits) const {
  auto f32 = VectorType::get(width, code.getF32Type());
  if (width == 16 && bits == 4) {
    SmallVector<float> table;
    for (int64_t value = 0; value < 16; ++value)
      table.push_back(static_cast<float>(value - zero));
    return {Zeros::Table, arith::ConstantOp::create(code, DenseElementsAttr::get(f32, ArrayRef<float>(table)))};
  }
  return {Zeros::Biased,
          arith::ConstantOp::create(code, DenseElementsAttr::get(f32, kBias + static_cast<float>(zero)))};
}

VectorTarget::Zeros VectorTarget::integerZeros(Code &code, Value zeros) const {
  auto i32 = cast<VectorType>(zeros.getType());
  Value bits = arith::OrIOp::create(code, zeros, code.splatInt(i32, kBiasBits));
  return {Zeros::Biased, vector::BitCastOp::create(code, VectorType::get(width, code.getF32Type()), bits)};
}

Value VectorTarget::difference(Code &code, Value words, int64_t shift, unsigned bits, Zeros zeros) const {
  auto i32 = cast<VectorType>(words.getType()), f32 = VectorType::get(width, code.getF32Type());
  Value field = shift ? arith::ShRUIOp::create(code, words, code.splatInt(i32, shift)).getResult() : words;
  if (zeros.kind == Zeros::Table) // which looks at the low four bits of an index only
    return callIntrinsic(code, "llvm.x86.avx512.permvar.sf.512", f32, {zeros.value, field});
  if (shift + bits < 32)
    field = arith::AndIOp::create(code, field, code.splatInt(i32, (int64_t(1) << bits) - 1));
  Value value =
      zeros.kind == Zeros::Float
          ? arith::SIToFPOp::create(code, f32, field).getResult()
          : vector::BitCastOp::create(code, f32, arith::OrIOp::create(code, field, code.splatInt(i32, kBiasBits)))
                .getResult();
  return arith::SubFOp::create(code, value, zeros.value);
}

Value VectorTarget::loadFloats(Code &code, FloatType type, Value bytes, Value at, int64_t alignment) const {
  auto f32 = VectorType::get(width, code.getF32Type());
  if (type.isF32())
    return code.load(f32, bytes, at, alignment);
  if (type.isF16())
    return arith::ExtFOp::create(code, f32, code.load(VectorType::get(width, type), bytes, at, alignment));
  auto i32 = VectorType::get(width, code.getI32Type());
  Value bits = code.load(VectorType::get(width, code.getI16Type()), bytes, at, alignment);
  Value high = arith::ShLIOp::create(code, arith::ExtUIOp::create(code, i32, bits), code.splatInt(i32, 16));
  return vector::BitCastOp::create(code, f32, high);
}
