//===- Target.cpp - which CPU ---------------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/TargetMachine.h"
#include "dialects/Kern/Kern.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <mutex>

using namespace llvm;
using namespace sinter;

static constexpr StringLiteral kTriple = "x86_64-unknown-linux-gnu";

Expected<const Target *> sinter::lookupTarget(const Triple &triple) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmParser();
    LLVMInitializeX86AsmPrinter();
  });
  std::string message;
  if (const Target *target = TargetRegistry::lookupTarget(triple, message))
    return target;
  return createStringError(message);
}

static Error unknownCpu(const MCSubtargetInfo &info, StringRef mcpu) {
  SmallVector<std::pair<unsigned, StringRef>> close;
  for (const SubtargetSubTypeKV &cpu : info.getAllProcessorDescriptions())
    close.push_back({mcpu.edit_distance(cpu.Key), cpu.Key});
  llvm::sort(close);
  close.truncate(5);
  std::string names = join(map_range(close, [](auto &c) { return c.second.str(); }), ", ");
  return createStringError("unknown CPU '" + mcpu + "' in --mcpu; names close to it are " + names +
                           ", and 'native' is this machine");
}

Expected<TargetSpec> sinter::resolveTarget(StringRef mcpu) {
  Triple triple(kTriple);
  Expected<const Target *> target = lookupTarget(triple);
  if (!target)
    return target.takeError();
  TargetSpec spec{kTriple.str(), mcpu.str(), ""};
  std::string asked;
  if (mcpu == "native") {
    if (!Triple(sys::getDefaultTargetTriple()).isX86())
      return createStringError("--mcpu=native needs an x86-64 machine, name the CPU that the library is for");
    spec.cpu = sys::getHostCPUName().str();
    StringMap<bool> host = sys::getHostCPUFeatures();
    SmallVector<std::string> flags;
    for (const auto &feature : host)
      flags.push_back((feature.second ? "+" : "-") + feature.first().str());
    llvm::sort(flags);
    asked = join(flags, ",");
  }
  std::unique_ptr<MCSubtargetInfo> plain((*target)->createMCSubtargetInfo(triple, "x86-64", ""));
  if (!plain->isCPUStringValid(spec.cpu)) {
    if (mcpu != "native")
      return unknownCpu(*plain, mcpu);
    spec.cpu = "x86-64-v3";
  }
  std::unique_ptr<MCSubtargetInfo> usual((*target)->createMCSubtargetInfo(triple, spec.cpu, ""));
  std::unique_ptr<MCSubtargetInfo> info((*target)->createMCSubtargetInfo(triple, spec.cpu, asked));
  if (!info->checkFeatures("+avx2,+fma,+f16c,+64bit"))
    return createStringError("CPU '" + mcpu + "' in --mcpu has no AVX2, FMA and F16C; the least is x86-64-v3");
  SmallVector<std::string> flags;
  for (const SubtargetFeatureKV &feature : info->getAllProcessorFeatures()) {
    StringRef name = feature.Key;
    // Whether wide vectors pay is for the kernels to say.
    if (name.starts_with("prefer-"))
      continue;
    if (info->getFeatureBits().test(feature.Value))
      flags.push_back("+" + name.str());
    else if (usual->getFeatureBits().test(feature.Value))
      flags.push_back("-" + name.str());
  }
  spec.features = join(flags, ",");
  return spec;
}

void sinter::setTarget(mlir::ModuleOp module, const TargetSpec &target) {
  module->setAttr("kern.target", kern::TargetAttr::get(module.getContext(), target.cpu, target.features));
}

std::unique_ptr<TargetMachine> sinter::createTargetMachine(const Target &target, const TargetSpec &spec) {
  TargetOptions options;
  // An fma is one where the IR says so, so that the bits do not depend on what the code around it looks like.
  options.AllowFPOpFusion = FPOpFusion::Strict;
  return std::unique_ptr<TargetMachine>(target.createTargetMachine(Triple(spec.triple), spec.cpu, spec.features,
                                                                   options, Reloc::PIC_, CodeModel::Small,
                                                                   CodeGenOptLevel::Aggressive));
}
