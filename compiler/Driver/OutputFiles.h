//===- OutputFiles.h - files that exist only when whole --------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_OUTPUTFILES_H
#define SINTER_COMPILER_DRIVER_OUTPUTFILES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace sinter {

/// The outputs of one command. Each is written under a temporary name beside its own, and takes its own name when
/// `commit` is called; without that, or after a signal, nothing is left behind. A library that a running program has
/// loaded can so be replaced without harm to it.
class OutputFiles {
public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;
  ~OutputFiles();

  /// Creates an empty file and returns its temporary path, for a writer that opens it by name. An error if `path`
  /// cannot be written.
  llvm::Expected<std::string> create(llvm::StringRef path);
  /// Gives every file its name.
  llvm::Error commit();

private:
  struct File {
    std::string path, temporary;
  };
  std::vector<File> files;
};

} // namespace sinter

#endif // SINTER_COMPILER_DRIVER_OUTPUTFILES_H
