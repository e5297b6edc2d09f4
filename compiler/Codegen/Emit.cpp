//===- Emit.cpp - LLVM IR and objects -------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/TargetMachine.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include <atomic>
#include <thread>

using namespace llvm;
using namespace sinter;
using mlir::LLVM::LLVMFuncOp;

namespace {

/// A context whose errors are kept instead of ending the process.
struct Context {
  LLVMContext llvm;
  std::string errors;

  Context() {
    llvm.setDiagnosticHandlerCallBack(
        [](const DiagnosticInfo *info, void *self) {
          if (info->getSeverity() != DS_Error)
            return;
          raw_string_ostream os(static_cast<Context *>(self)->errors);
          DiagnosticPrinterRawOStream printer(os);
          info->print(printer);
          os << '\n';
        },
        this);
  }
  Error takeError() {
    return errors.empty() ? Error::success()
                          : createStringError("code generation failed: " + StringRef(errors).rtrim());
  }
};

/// The functions outside of it that a kernel may call.
constexpr std::pair<LibFunc, StringLiteral> kCallable[] = {
    {LibFunc_memcpy, "memcpy"}, {LibFunc_memset, "memset"}, {LibFunc_memmove, "memmove"}};

/// What the optimizer takes for granted about names, so that it adds no other calls.
TargetLibraryInfoImpl libraryInfo(const Triple &triple) {
  TargetLibraryInfoImpl info(triple);
  info.disableAllFunctions();
  for (auto [function, name] : kCallable)
    info.setAvailable(function);
  return info;
}

/// Calls that instruction selection adds are found by the linker.
Error checkCalls(const Module &module) {
  for (const Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic() && !function.use_empty() &&
        none_of(kCallable, [&](auto &callable) { return callable.second == function.getName(); }))
      return createStringError("kernel '" + module.getModuleIdentifier() + "' calls '" + function.getName() +
                               "', which a model has not got");
  return Error::success();
}

void prepare(Module &module, const TargetMachine &machine, const TargetSpec &target) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  module.setPICLevel(PICLevel::SmallPIC);
  bool wide = StringRef(target.features).contains("+avx512f");
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    function.addFnAttr("target-features", target.features);
    if (wide)
      function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr(Attribute::NoUnwind);
    if (!function.hasLocalLinkage())
      function.setVisibility(GlobalValue::HiddenVisibility);
  }
}

void optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager cgsccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  functions.registerPass([&] { return TargetLibraryAnalysis(libraryInfo(machine.getTargetTriple())); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(cgsccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, cgsccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(module, modules);
}

Expected<std::unique_ptr<MemoryBuffer>> emit(Module &module, TargetMachine &machine) {
  legacy::PassManager passes;
  passes.add(new TargetLibraryInfoWrapperPass(libraryInfo(machine.getTargetTriple())));
  SmallVector<char, 0> bytes;
  raw_svector_ostream os(bytes);
  if (machine.addPassesToEmitFile(passes, os, nullptr, CodeGenFileType::ObjectFile))
    return createStringError("LLVM cannot write objects for " + machine.getTargetTriple().str());
  passes.run(module);
  return std::make_unique<SmallVectorMemoryBuffer>(std::move(bytes), module.getModuleIdentifier(),
                                                   /*RequiresNullTerminator=*/false);
}

/// MLIR's errors while this lives, of every thread.
class Diagnostics {
public:
  explicit Diagnostics(mlir::MLIRContext *context)
      : handler(context, [this](mlir::Diagnostic &d) {
          if (d.getSeverity() == mlir::DiagnosticSeverity::Error && text.empty())
            text = d.str();
          return mlir::success();
        }) {}
  Error take() {
    return createStringError("translation to LLVM IR failed: " + (text.empty() ? "no reason given" : text));
  }

private:
  std::string text;
  mlir::ScopedDiagnosticHandler handler;
};

Expected<std::unique_ptr<Module>> translate(mlir::ModuleOp module, Context &context, StringRef name,
                                            Diagnostics &diagnostics) {
  std::unique_ptr<Module> result = mlir::translateModuleToLLVMIR(module, context.llvm, name);
  if (!result)
    return diagnostics.take();
  std::string broken;
  raw_string_ostream os(broken);
  if (verifyModule(*result, &os))
    return createStringError("kernel '" + name + "' is no valid LLVM IR: " + StringRef(broken).rtrim());
  return result;
}

/// `root` and all it refers to, the rest of it private.
mlir::OwningOpRef<mlir::ModuleOp> extract(mlir::ModuleOp module, const mlir::SymbolTable &symbols, LLVMFuncOp root) {
  SetVector<mlir::Operation *> needed;
  needed.insert(root);
  for (size_t i = 0; i < needed.size(); ++i)
    if (std::optional<mlir::SymbolTable::UseRange> uses = mlir::SymbolTable::getSymbolUses(needed[i]))
      for (const mlir::SymbolTable::SymbolUse &use : *uses)
        if (mlir::Operation *symbol = symbols.lookup(use.getSymbolRef().getRootReference()))
          needed.insert(symbol);
  auto part = mlir::ModuleOp::create(module.getLoc(), root.getName());
  mlir::OpBuilder builder = mlir::OpBuilder::atBlockEnd(part.getBody());
  for (mlir::Operation &op : module.getBody()->getOperations()) {
    if (!needed.contains(&op))
      continue;
    mlir::Operation *copy = builder.clone(op);
    auto internal = mlir::LLVM::Linkage::Internal;
    if (auto function = dyn_cast<LLVMFuncOp>(copy); function && &op != root && !function.isExternal())
      function.setLinkage(internal);
    else if (auto global = dyn_cast<mlir::LLVM::GlobalOp>(copy);
             global && (global.getValueOrNull() || global.getInitializerBlock()))
      global.setLinkage(internal);
  }
  return part;
}

void registerTranslations(mlir::MLIRContext *context) {
  mlir::registerBuiltinDialectTranslation(*context);
  mlir::registerLLVMDialectTranslation(*context);
}

} // namespace

Expected<ObjectBuffers> sinter::emitObjects(mlir::ModuleOp module, const TargetSpec &spec, unsigned workers,
                                            function_ref<void(size_t, size_t)> emitted) {
  Expected<const Target *> target = lookupTarget(Triple(spec.triple));
  if (!target)
    return target.takeError();
  registerTranslations(module.getContext());
  Diagnostics diagnostics(module.getContext());
  mlir::SymbolTable symbols(module);
  SmallVector<LLVMFuncOp> roots;
  for (auto function : module.getOps<LLVMFuncOp>())
    if (!function.isExternal() && !function.isPrivate() && function.getLinkage() == mlir::LLVM::Linkage::External)
      roots.push_back(function);

  ObjectBuffers objects(roots.size());
  std::vector<std::string> errors(roots.size());
  std::atomic<size_t> next = 0, done = 0;
  std::atomic<bool> failed = false;
  auto compile = [&](LLVMFuncOp root, TargetMachine &machine) -> Expected<std::unique_ptr<MemoryBuffer>> {
    mlir::OwningOpRef<mlir::ModuleOp> part = extract(module, symbols, root);
    Context context;
    Expected<std::unique_ptr<Module>> ir = translate(*part, context, root.getName(), diagnostics);
    if (!ir)
      return ir.takeError();
    prepare(**ir, machine, spec);
    optimize(**ir, machine);
    if (Error error = checkCalls(**ir))
      return std::move(error);
    Expected<std::unique_ptr<MemoryBuffer>> object = emit(**ir, machine);
    if (Error error = context.takeError())
      return joinErrors(std::move(error), object.takeError());
    return object;
  };
  auto work = [&] {
    std::unique_ptr<TargetMachine> machine = createTargetMachine(**target, spec);
    for (size_t i; !failed && (i = next++) < roots.size();) {
      Expected<std::unique_ptr<MemoryBuffer>> object = compile(roots[i], *machine);
      if (!object) {
        errors[i] = toString(object.takeError());
        failed = true;
        return;
      }
      objects[i] = std::move(*object);
      if (emitted)
        emitted(++done, roots.size());
    }
  };
  if (!module.getContext()->isMultithreadingEnabled())
    workers = 1;
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::min<size_t>(workers, roots.size()); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &error : errors)
    if (!error.empty())
      return createStringError(error);
  return objects;
}

Error sinter::printLLVM(mlir::ModuleOp module, const TargetSpec &spec, bool optimized, raw_ostream &os) {
  Expected<const Target *> target = lookupTarget(Triple(spec.triple));
  if (!target)
    return target.takeError();
  registerTranslations(module.getContext());
  Diagnostics diagnostics(module.getContext());
  Context context;
  Expected<std::unique_ptr<Module>> ir = translate(module, context, "model", diagnostics);
  if (!ir)
    return ir.takeError();
  std::unique_ptr<TargetMachine> machine = createTargetMachine(**target, spec);
  prepare(**ir, *machine, spec);
  if (optimized)
    optimize(**ir, *machine);
  (*ir)->print(os, nullptr);
  return context.takeError();
}

Expected<std::unique_ptr<MemoryBuffer>> sinter::emitModule(Module &module, const TargetSpec &spec) {
  Expected<const Target *> target = lookupTarget(Triple(spec.triple));
  if (!target)
    return target.takeError();
  std::unique_ptr<TargetMachine> machine = createTargetMachine(**target, spec);
  prepare(module, *machine, spec);
  return emit(module, *machine);
}
