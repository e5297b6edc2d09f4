//===- KernelJit.cpp - kernels compiled and called in a test --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Lower/KernelJit.h"

#include "compiler/Codegen/Codegen.h"
#include "passes/Lower/CPU/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"

#include <sys/mman.h>

using namespace mlir;
using namespace sinter;
using namespace sinter::test;

std::unique_ptr<MLIRContext> sinter::test::makeContext() {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<kern::KernDialect, qt::QTDialect>();
  auto context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

template <typename T> static bool isError(llvm::Expected<T> &value) {
  if (value)
    return false;
  llvm::errs() << llvm::toString(value.takeError()) << "\n";
  return true;
}

std::unique_ptr<KernelJit> KernelJit::compile(MLIRContext &context, StringRef text, StringRef mcpu) {
  llvm::Expected<TargetSpec> target = resolveTarget(mcpu);
  if (isError(target))
    return nullptr;
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return nullptr;
  setTarget(*module, *target);
  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(lower::createKernLower());
  addLoweringPasses(passes);
  if (failed(passes.run(*module)))
    return nullptr;
  llvm::Expected<ObjectBuffers> objects = emitObjects(*module, *target, 1);
  if (isError(objects))
    return nullptr;
  auto jit = llvm::orc::LLJITBuilder().create();
  if (isError(jit))
    return nullptr;
  auto result = std::make_unique<KernelJit>();
  for (std::unique_ptr<llvm::MemoryBuffer> &object : *objects)
    if (llvm::Error error = (*jit)->addObjectFile(std::move(object))) {
      llvm::errs() << llvm::toString(std::move(error)) << "\n";
      return nullptr;
    }
  result->jit = std::move(*jit);
  result->scratch.resize((16 << 20) + 64);
  return result;
}

program::Kernel KernelJit::get(StringRef name) {
  auto address = jit->lookup(name);
  return isError(address) ? nullptr : address->toPtr<program::Kernel>();
}

void KernelJit::run(StringRef name, std::vector<void *> operands, std::vector<int64_t> scalars, int64_t begin,
                    int64_t end) {
  auto *aligned = reinterpret_cast<char *>(llvm::alignTo(reinterpret_cast<uintptr_t>(scratch.data()), 64));
  if (program::Kernel kernel = get(name))
    kernel(reinterpret_cast<char **>(operands.data()), scalars.data(), begin, end, aligned);
}

Buffer::Buffer(size_t bytes) : length(llvm::alignTo(bytes + 64, 2 << 20)) {
  void *memory = mmap(nullptr, length + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  begin = reinterpret_cast<char *>(llvm::alignTo(reinterpret_cast<uintptr_t>(memory), 2 << 20));
  madvise(begin, length, MADV_HUGEPAGE);
}

Buffer::~Buffer() { munmap(begin, length); }
