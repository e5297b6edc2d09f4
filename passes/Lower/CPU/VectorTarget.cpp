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
    return callIntrinsic(code, dot == Dot::Vnni512 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256", i32, {acc, codes, values});
  auto i16 = VectorType::get(width * 2, code.getI16Type());
  StringRef multiplyAdd = width == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
  if (bits <= 6) {
    // Two products are at most 2 * 63 * 128 in magnitude, so the saturating instruction is exact.
    Value pairs = callIntrinsic(code, width == 16 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", i16, {codes, values});
    Value sums = callIntrinsic(code, multiplyAdd, i32, {pairs, code.splatInt(i16, 1)});
    return arith::AddIOp::create(code, acc, sums);
  }
  // Even and odd bytes, widened to 16 bits.
  Value words = vector::BitCastOp::create(code, i16, codes), signedWords = vector::BitCastOp::create(code, i16, values);
  Value eight = code.splatInt(i16, 8);
  Value even = arith::AndIOp::create(code, words, code.splatInt(i16, 255)), odd = arith::ShRUIOp::create(code, words, eight);
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
