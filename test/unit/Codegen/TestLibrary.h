//===- TestLibrary.h - MLIR text as a loaded library -----------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_CODEGEN_TESTLIBRARY_H
#define SINTER_TEST_UNIT_CODEGEN_TESTLIBRARY_H

#include "compiler/Codegen/Codegen.h"
#include "compiler/Link/Link.h"
#include "runtime/src/Program.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter::test {

/// Objects of a module's kernels, lowered by Codegen's pipeline for this machine (or `mcpu`), and the kernels' names.
struct Compiled {
  ObjectBuffers objects;
  std::vector<std::string> kernels;
};
llvm::Expected<Compiled> compile(llvm::StringRef text, unsigned workers = 2, llvm::StringRef mcpu = "native");

/// The module's LLVM IR, lowered and optimized.
llvm::Error print(llvm::StringRef text, llvm::StringRef mcpu, llvm::raw_ostream &os);

/// An object with `sinter_runtime_api`, that does nothing.
std::unique_ptr<llvm::MemoryBuffer> fakeRuntime();

/// A program without anything in it.
std::string emptyProgram(uint64_t weightBytes);

/// What linkLibrary needs for these; refers to `compiled`, `runtime` and `program`.
LinkInput makeInput(const Compiled &compiled, const llvm::MemoryBuffer &runtime, llvm::StringRef program);

/// A folder for one test, removed with it.
class Folder {
public:
  Folder();
  ~Folder();
  std::string file(llvm::StringRef name) const;

private:
  llvm::SmallString<128> path;
};

/// A library that is loaded as long as this lives.
class Loaded {
public:
  explicit Loaded(const std::string &path);
  ~Loaded();
  const program::Model *model = nullptr; ///< null where it could not be loaded; dlerror() says why

private:
  void *handle;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_CODEGEN_TESTLIBRARY_H
