//===- Kern.cpp - the kern dialect ----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Kern.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::kern;

#include "dialects/Kern/KernDialect.cpp.inc"

#include "dialects/Kern/KernEnums.cpp.inc"

#include "dialects/Kern/KernInterfaces.cpp.inc"

#include "dialects/Kern/KernOpInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kern/KernAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Kern/KernTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Kern/KernOps.cpp.inc"

void KernDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Kern/KernOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Kern/KernAttrs.cpp.inc"
      >();
}

bool TargetAttr::has(StringRef feature) const {
  for (StringRef rest = getFeatures(); !rest.empty();) {
    auto [one, tail] = rest.split(',');
    if (one.consume_front("+") && one == feature)
      return true;
    rest = tail;
  }
  return false;
}

TargetAttr TargetAttr::of(Operation *op) {
  MLIRContext *context = op->getContext();
  for (; op; op = op->getParentOp())
    if (auto target = op->getAttrOfType<TargetAttr>("kern.target"))
      return target;
  return TargetAttr::get(context, "x86-64-v3", "+avx,+avx2,+f16c,+fma,+bmi,+bmi2");
}
