//===- TestLibrary.cpp - MLIR text as a loaded library --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Codegen/TestLibrary.h"

#include "dialects/Kern/Kern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <dlfcn.h>

using namespace llvm;
using namespace sinter;

namespace {
/// A module in a context of its own, lowered to the LLVM dialect.
struct Lowered {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  TargetSpec target;

  Error lower(StringRef text, StringRef mcpu) {
    Expected<TargetSpec> spec = resolveTarget(mcpu);
    if (!spec)
      return spec.takeError();
    target = *spec;
    mlir::DialectRegistry registry;
    mlir::registerAllDialects(registry);
    mlir::registerAllExtensions(registry);
    registry.insert<kern::KernDialect>();
    context.appendDialectRegistry(registry);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return createStringError("the test's text does not parse");
    setTarget(*module, target);
    mlir::PassManager passes(&context);
    addLoweringPasses(passes);
    if (failed(passes.run(*module)))
      return createStringError("lowering failed");
    return Error::success();
  }
};
} // namespace

Expected<test::Compiled> test::compile(StringRef text, unsigned workers, StringRef mcpu) {
  Lowered lowered;
  if (Error error = lowered.lower(text, mcpu))
    return std::move(error);
  Compiled result;
  for (auto function : lowered.module->getOps<mlir::LLVM::LLVMFuncOp>())
    if (function->hasAttr("kern.kernel"))
      result.kernels.push_back(function.getName().str());
  Expected<ObjectBuffers> objects = emitObjects(*lowered.module, lowered.target, workers);
  if (!objects)
    return objects.takeError();
  result.objects = std::move(*objects);
  return result;
}

Error test::print(StringRef text, StringRef mcpu, raw_ostream &os) {
  Lowered lowered;
  if (Error error = lowered.lower(text, mcpu))
    return error;
  return printLLVM(*lowered.module, lowered.target, /*optimize=*/true, os);
}

std::unique_ptr<MemoryBuffer> test::fakeRuntime() {
  LLVMContext context;
  Module module("runtime", context);
  auto *i64 = Type::getInt64Ty(context);
  auto *api = new GlobalVariable(module, i64, true, GlobalValue::ExternalLinkage, ConstantInt::get(i64, 42),
                                 "sinter_runtime_api");
  api->setVisibility(GlobalValue::HiddenVisibility);
  return cantFail(emitModule(module, cantFail(resolveTarget("x86-64-v3"))));
}

std::string test::emptyProgram(uint64_t weightBytes) {
  program::Header header = {};
  header.magic = program::kMagic;
  header.version = program::kVersion;
  header.bytes = sizeof header;
  header.weightBytes = weightBytes;
  return std::string(reinterpret_cast<const char *>(&header), sizeof header);
}

LinkInput test::makeInput(const Compiled &compiled, const MemoryBuffer &runtime, StringRef program) {
  LinkInput input;
  for (const auto &object : compiled.objects)
    input.objects.push_back(object->getMemBufferRef());
  input.program = ArrayRef<char>(program.data(), program.size());
  input.kernels = compiled.kernels;
  input.runtimeObject = runtime.getBuffer();
  input.workers = 2;
  return input;
}

test::Folder::Folder() { cantFail(errorCodeToError(sys::fs::createUniqueDirectory("sinter-test", path))); }
test::Folder::~Folder() { sys::fs::remove_directories(path); }
std::string test::Folder::file(StringRef name) const {
  SmallString<128> result = path;
  sys::path::append(result, name);
  return result.str().str();
}

test::Loaded::Loaded(const std::string &path) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle)
    model = static_cast<const program::Model *>(dlsym(handle, "sinter_model_v1"));
}
test::Loaded::~Loaded() {
  if (handle)
    dlclose(handle);
}
