//===- Pipeline.h - the stages, in order -----------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_PIPELINE_H
#define SINTER_COMPILER_PIPELINE_H

#include "compiler/Driver/Options.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include <functional>

namespace sinter {

/// A named part of the pipeline: what runs between two places where one can stop and look at the IR.
struct Stage {
  llvm::StringRef name, summary;
  std::function<void(mlir::OpPassManager &, const CompileOptions &)> build;
};

/// All stages on IR, first to last: raise, quantize, kv, fuse, codegen. Import comes before them, link behind; plan (no pass: it writes the
/// schedule) stands between fuse and codegen.
llvm::ArrayRef<Stage> stages();

} // namespace sinter

#endif // SINTER_COMPILER_PIPELINE_H
