//===- KernLower.cpp - kern ops to loops over vectors ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/CPU/Lower.h"
#include "passes/Lower/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;
using namespace sinter;

namespace sinter::lower {
#define GEN_PASS_DEF_KERNLOWER
#include "passes/Lower/CPU/Passes.h.inc"
} // namespace sinter::lower

namespace {
struct KernLower : sinter::lower::impl::KernLowerBase<KernLower> {
  void runOnOperation() override {
    kern::TargetAttr target = kern::TargetAttr::of(getOperation());
    RewritePatternSet patterns(&getContext());
    sinter::lower::populateGenericLowering(patterns, target);
    sinter::lower::populateAttentionLowering(patterns, target);
    sinter::lower::populateLinearLowering(patterns, target);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    getOperation().walk([&](kern::KernelOpInterface op) {
      op->emitOpError("cannot be lowered for ") << target.getCpu();
      signalPassFailure();
    });
  }
};
} // namespace
