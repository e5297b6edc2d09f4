//===- sinter-translate.cpp - files of other formats to IR ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Import.h"

#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

static int printUsage() {
  llvm::errs() << "usage: sinter-translate --import-onnx MODEL.onnx [-o FILE]\n"
                  "  prints the model as a module of the onnx dialect\n";
  return 1;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  bool import = false;
  StringRef input, output = "-";
  for (int i = 1; i < argc; ++i) {
    StringRef argument = argv[i];
    if (argument == "--import-onnx")
      import = true;
    else if (argument == "-o" && i + 1 < argc)
      output = argv[++i];
    else if (argument.starts_with("-") || !input.empty())
      return printUsage();
    else
      input = argument;
  }
  if (!import || input.empty())
    return printUsage();

  MLIRContext context(MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = sinter::importOnnx(context, input);
  if (!module)
    return 1;
  std::string error;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return 1;
  }
  module->print(file->os());
  file->keep();
  return 0;
}
