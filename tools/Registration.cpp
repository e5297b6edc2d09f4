//===- Registration.cpp - every dialect and pass of Sinter ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/Registration.h"

#include "compiler/Pipeline/Pipeline.h"
#include "dialects/Graph/Graph.h"
#include "dialects/KV/KV.h"
#include "dialects/Kern/Kern.h"
#include "dialects/Onnx/Onnx.h"
#include "dialects/QT/QT.h"
#include "passes/Fuse/Passes.h"
#include "passes/KVLayout/Passes.h"
#include "passes/Lower/CPU/Passes.h"
#include "passes/Lower/Reference/Passes.h"
#include "passes/Quantize/Passes.h"
#include "passes/Raise/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

void sinter::registerDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<onnx::OnnxDialect, graph::GraphDialect, qt::QTDialect, kv::KVDialect, kern::KernDialect>();
}

void sinter::registerPasses() {
  mlir::registerAllPasses();
  lower::registerLowerCPUPasses();
  reference::registerLowerReferencePasses();
  reference::registerReferencePipeline();
  raise::registerRaisePasses();
  quantize::registerQuantizePasses();
  kvlayout::registerKVLayoutPasses();
  fuse::registerFusePasses();
  // Every stage of the compiler alone, as it runs without flags: --sinter-raise and so on.
  for (const Stage &stage : stages())
    mlir::registerPassPipeline(
        ("sinter-" + stage.name).str(), stage.summary,
        [&stage](mlir::OpPassManager &passes, llvm::StringRef flags, llvm::function_ref<mlir::LogicalResult(const llvm::Twine &)> error) {
          if (!flags.empty())
            return error("a stage takes no options here; its passes do");
          stage.build(passes, CompileOptions());
          return mlir::success();
        },
        [](llvm::function_ref<void(const mlir::detail::PassOptions &)>) {});
}
