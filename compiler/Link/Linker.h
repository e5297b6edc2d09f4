//===- Linker.h - LLD in this process --------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_LINK_LINKER_H
#define SINTER_COMPILER_LINK_LINKER_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace sinter {

/// Anonymous files in memory with paths that LLD can open. They go away with this object or with the process, however
/// it ends.
class MemoryFiles {
public:
  MemoryFiles() = default;
  MemoryFiles(const MemoryFiles &) = delete;
  MemoryFiles &operator=(const MemoryFiles &) = delete;
  ~MemoryFiles();
  /// A file with these contents; returns its path. `name` stands for it in messages.
  llvm::Expected<std::string> add(llvm::StringRef name, llvm::StringRef bytes);
  /// `text` with the names in place of the paths.
  std::string rename(llvm::StringRef text) const;

private:
  struct File {
    int descriptor;
    std::string path, name;
  };
  llvm::SmallVector<File> files;
};

/// Runs `ld.lld arguments`. One at a time in a process. The error has LLD's messages.
llvm::Error runLinker(llvm::ArrayRef<std::string> arguments, const MemoryFiles &files);

/// The same, returning the output; `arguments` name none.
llvm::Expected<std::string> runLinkerInMemory(llvm::ArrayRef<std::string> arguments, const MemoryFiles &files);

/// A shared library that stands for libc at link time: it defines, with their versions, the functions that a compiled
/// model may use.
llvm::Expected<std::string> addLibcStub(MemoryFiles &files);

/// Whether that library has a function of this name, which a kernel then must not have.
bool isLibcName(llvm::StringRef name);

} // namespace sinter

#endif // SINTER_COMPILER_LINK_LINKER_H
