//===- KV.cpp - the kv dialect ---------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/KV/KV.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::kv;

#include "dialects/KV/KVDialect.cpp.inc"

#include "dialects/KV/KVEnums.cpp.inc"

#include "dialects/KV/KVInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/KV/KVAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/KV/KVTypes.cpp.inc"

void KVDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/KV/KVAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/KV/KVTypes.cpp.inc"
      >();
}

LogicalResult CacheType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t heads, int64_t keyDim, int64_t valueDim,
                                int64_t capacity, KVLayout layout) {
  // The upper bounds keep every size below 2^62.
  auto check = [&](StringRef what, int64_t value, int64_t most) -> LogicalResult {
    if (value >= 1 && value <= most)
      return success();
    return emitError() << "expected " << what << " from 1 to " << most << ", but got " << value;
  };
  if (failed(check("heads", heads, 1 << 16)) || failed(check("key channels", keyDim, 1 << 16)) ||
      failed(check("value channels", valueDim, 1 << 16)) || failed(check("a capacity", capacity, int64_t(1) << 26)))
    return failure();
  return success();
}

int64_t CacheType::getBlockBytes() const {
  return getLayout().getBlockBytes(Part::Key, getKeyDim()) + getLayout().getBlockBytes(Part::Value, getValueDim());
}

int64_t CacheType::getHeadBytes() const { return llvm::divideCeil(getCapacity(), kBlockTokens) * getBlockBytes(); }

int64_t CacheType::getBytesPerToken() const { return llvm::divideCeil(getHeads() * getBlockBytes(), kBlockTokens); }

static Value constant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value CacheType::emitBlockStart(OpBuilder &builder, Location loc, Part part, Value sequence, Value head, Value block) const {
  Value row = arith::AddIOp::create(
      builder, loc, arith::MulIOp::create(builder, loc, sequence, constant(builder, loc, getHeads())), head);
  Value start = arith::AddIOp::create(
      builder, loc, arith::MulIOp::create(builder, loc, row, constant(builder, loc, getHeadBytes())),
      arith::MulIOp::create(builder, loc, block, constant(builder, loc, getBlockBytes())));
  if (part == Part::Key)
    return start;
  return arith::AddIOp::create(builder, loc, start,
                               constant(builder, loc, getLayout().getBlockBytes(Part::Key, getKeyDim())));
}

Value CacheType::emitElements(OpBuilder &builder, Location loc, Value bytes) const {
  FloatType element = getLayout().getElementType();
  Value size = arith::DivUIOp::create(builder, loc, memref::DimOp::create(builder, loc, bytes, 0),
                                      constant(builder, loc, element.getWidth() / 8));
  return memref::ViewOp::create(builder, loc, MemRefType::get({ShapedType::kDynamic}, element), bytes, constant(builder, loc, 0),
                                size);
}

Value CacheType::emitElement(OpBuilder &builder, Location loc, Part part, Value sequence, Value head, Value token,
                             Value channel) const {
  Value blockTokens = constant(builder, loc, kBlockTokens);
  Value start = emitBlockStart(builder, loc, part, sequence, head, arith::DivUIOp::create(builder, loc, token, blockTokens));
  Value inBlock = getLayout().emitElement(builder, loc, part, getDim(part), arith::RemUIOp::create(builder, loc, token, blockTokens),
                                          channel);
  Value bytes = constant(builder, loc, getLayout().getElementType().getWidth() / 8);
  return arith::AddIOp::create(builder, loc, arith::DivUIOp::create(builder, loc, start, bytes), inBlock);
}
