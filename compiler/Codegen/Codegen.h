//===- Codegen.h - from kernels in MLIR to machine code --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Everything here may be called from several threads for different modules; nothing is configured through LLVM's global
// options.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_CODEGEN_H
#define SINTER_COMPILER_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class Module;
class raw_ostream;
} // namespace llvm

namespace sinter {

/// The CPU that code is generated for, in LLVM's words.
struct TargetSpec {
  std::string triple;   ///< x86_64-unknown-linux-gnu
  std::string cpu;      ///< what instructions are scheduled for
  std::string features; ///< complete: every feature that is on as +name, and as -name what `cpu` has but is off
};

/// `native` is the machine this runs on, with what its hypervisor hides left out; else a name that LLVM knows. The
/// error lists names that are close. AVX2 and FMA are the least we generate code for.
llvm::Expected<TargetSpec> resolveTarget(llvm::StringRef mcpu);

/// `kern.target` of a module, and back. The kernels' lowering reads the attribute.
void setTarget(mlir::ModuleOp module, const TargetSpec &target);

/// From memref, scf, vector, arith, math, affine and index in functions to the LLVM dialect. Runs on a module after
/// `kern-lower`; does the kernels' ABI and the math functions, too.
void addLoweringPasses(mlir::OpPassManager &passes);

using ObjectBuffers = std::vector<std::unique_ptr<llvm::MemoryBuffer>>;

/// One position-independent ELF object for every public function with external linkage and a body, in the module's
/// order; what it refers to comes along as a private copy. `module` holds LLVM dialect only. Up to `workers` threads;
/// the bytes do not depend on how many. `emitted` is called from any thread after each object with the number done and
/// the total.
llvm::Expected<ObjectBuffers> emitObjects(mlir::ModuleOp module, const TargetSpec &target, unsigned workers,
                                          llvm::function_ref<void(size_t, size_t)> emitted = nullptr);

/// Prints the module as LLVM IR, after optimization where that is asked for.
llvm::Error printLLVM(mlir::ModuleOp module, const TargetSpec &target, bool optimize, llvm::raw_ostream &os);

/// An object of a module in LLVM's own IR; sets its triple, data layout and the functions' target.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> emitModule(llvm::Module &module, const TargetSpec &target);

} // namespace sinter

#endif // SINTER_COMPILER_CODEGEN_H
