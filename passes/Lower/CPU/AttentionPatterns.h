//===- AttentionPatterns.h - ops on caches to loops ------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_ATTENTIONPATTERNS_H
#define SINTER_PASSES_LOWER_CPU_ATTENTIONPATTERNS_H

#include "dialects/Kern/Kern.h"

#include "mlir/IR/PatternMatch.h"

namespace sinter::lower {

struct LowerAppend : mlir::OpRewritePattern<kern::AppendOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(kern::AppendOp op, mlir::PatternRewriter &rewriter) const override;
};

struct LowerAttention : mlir::OpRewritePattern<kern::AttentionOp> {
  LowerAttention(mlir::MLIRContext *context, kern::TargetAttr target) : OpRewritePattern(context), target(target) {}
  mlir::LogicalResult matchAndRewrite(kern::AttentionOp op, mlir::PatternRewriter &rewriter) const override;

private:
  kern::TargetAttr target;
};

struct LowerAttentionMerge : mlir::OpRewritePattern<kern::AttentionMergeOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(kern::AttentionMergeOp op, mlir::PatternRewriter &rewriter) const override;
};

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_ATTENTIONPATTERNS_H
