//===- KernelJit.h - kernels compiled and called in a test -----*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_LOWER_KERNELJIT_H
#define SINTER_TEST_UNIT_LOWER_KERNELJIT_H

#include "dialects/Kern/Panel.h"
#include "runtime/src/Program.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"

#include <memory>
#include <string>
#include <vector>

namespace sinter::test {

/// A context with every dialect that kernels are written in.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// A module of `kern.kernel` functions, compiled as the compiler does it and loaded into this process.
class KernelJit {
public:
  /// `mcpu` as in `sinter compile`. Null, with the reason on stderr, where something fails.
  static std::unique_ptr<KernelJit> compile(mlir::MLIRContext &context, llvm::StringRef text, llvm::StringRef mcpu);

  program::Kernel get(llvm::StringRef name);

  /// Runs a kernel on [begin, end) with scratch of 16 MiB.
  void run(llvm::StringRef name, std::vector<void *> operands, std::vector<int64_t> scalars, int64_t begin,
           int64_t end);

private:
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<char> scratch;
};

/// Memory aligned as weights and the arena are.
class Buffer {
public:
  explicit Buffer(size_t bytes);
  ~Buffer();
  Buffer(const Buffer &) = delete;
  char *bytes() const { return begin; }
  float *floats() const { return reinterpret_cast<float *>(begin); }
  size_t size() const { return length; }

private:
  char *begin;
  size_t length;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_LOWER_KERNELJIT_H
