//===- Registration.cpp - every dialect and pass of Sinter ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/Registration.h"

#include "compiler/Codegen/Codegen.h"
#include "dialects/Graph/Graph.h"
#include "dialects/KV/KV.h"
#include "dialects/Kern/Kern.h"
#include "dialects/Onnx/Onnx.h"
#include "dialects/QT/QT.h"
#include "passes/Fuse/Passes.h"
#include "passes/KVLayout/Passes.h"
#include "passes/Lower/CPU/Passes.h"
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
  raise::registerRaisePasses();
  quantize::registerQuantizePasses();
  kvlayout::registerKVLayoutPasses();
  fuse::registerFusePasses();
  registerCodegenPipelines();
}
