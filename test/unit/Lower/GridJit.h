//===- GridJit.h - kernels run over all their items --------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_LOWER_GRIDJIT_H
#define SINTER_TEST_UNIT_LOWER_GRIDJIT_H

#include "test/unit/Lower/KernelJit.h"

namespace sinter::test {

/// Kernels with one kern op each, run over the grid and with the scratch that the op asks for.
class GridJit {
public:
  /// Null and a failed expectation if the IR does not compile.
  static std::unique_ptr<GridJit> compile(llvm::StringRef source, llvm::StringRef mcpu);
  ~GridJit();

  /// Number of work items, from what `buildGrid` of the function's kern op emits.
  int64_t grid(llvm::StringRef kernel, const std::vector<void *> &operands, const std::vector<int64_t> &scalars);

  /// Runs all items, cut into `parts` calls as threads would do it.
  void run(llvm::StringRef kernel, const std::vector<void *> &operands, const std::vector<int64_t> &scalars,
           int parts = 1);

private:
  GridJit(std::unique_ptr<KernelJit> jit, int64_t scratchBytes);
  void call(const std::string &name, const std::vector<void *> &operands, const std::vector<int64_t> &scalars,
            int64_t begin, int64_t end);

  std::unique_ptr<KernelJit> jit;
  /// Followed by a guard: a kernel that writes past what it asked for is a failure.
  std::unique_ptr<char[]> storage;
  char *scratch;
  int64_t scratchBytes;
};

/// The targets every numeric test runs for: this machine, and plain AVX2.
std::vector<std::string> targets();

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_LOWER_GRIDJIT_H
