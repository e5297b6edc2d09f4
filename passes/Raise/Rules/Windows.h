//===- Windows.h - sliding windows over spatial axes -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_RULES_WINDOWS_H
#define SINTER_PASSES_RAISE_RULES_WINDOWS_H

#include "passes/Raise/Lowering.h"

namespace sinter::raise {

/// How a convolution or a pool walks over its input, a number a spatial axis.
struct Windows {
  llvm::SmallVector<int64_t> kernel, stride, dilation, before, after;
  Shape input; ///< spatial sizes of the input
  Shape shape; ///< and of the result
  bool clipped = false; ///< the last window may lie behind the padding (ceil_mode)

  int64_t dims() const { return kernel.size(); }
  /// Positions of one window.
  int64_t positions() const {
    int64_t n = 1;
    for (int64_t k : kernel)
      n *= k;
    return n;
  }
};

/// Windows of size `kernel` from the node's strides, dilations, pads, auto_pad and ceil_mode.
mlir::FailureOr<Windows> slideWindows(onnx::NodeOp node, Inference &infer, llvm::ArrayRef<SymExpr> input, llvm::ArrayRef<int64_t> kernel);

/// Where position `k` (flat, the last axis fastest; on return what is left above all axes) of the window at `out` lies in the input, clamped into it; `inside` becomes
/// whether it is no padding, null where that is always so.
llvm::SmallVector<mlir::Value> windowIndex(Lowering &lower, mlir::OpBuilder &b, mlir::Location loc, const Windows &windows, mlir::ValueRange out, mlir::Value &k,
                                           mlir::Value &inside);

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_RULES_WINDOWS_H
