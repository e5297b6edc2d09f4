//===- sinter-opt.cpp - runs passes on IR -------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/KV/KV.h"
#include "dialects/Kern/Kern.h"
#include "dialects/Onnx/Onnx.h"
#include "dialects/QT/QT.h"
#include "passes/Lower/CPU/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  sinter::lower::registerLowerCPUPasses();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<sinter::onnx::OnnxDialect, sinter::graph::GraphDialect, sinter::qt::QTDialect, sinter::kv::KVDialect, sinter::kern::KernDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Sinter's optimizer driver\n", registry));
}
