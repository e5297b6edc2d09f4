//===- Progress.h - how far a compilation is -------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_PROGRESS_H
#define SINTER_COMPILER_DRIVER_PROGRESS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <cstdint>

namespace sinter {

/// Told by the driver what it is doing. This one tells nobody. `weights` may be called from any thread, the others from
/// the thread that called compileModel.
class Progress {
public:
  virtual ~Progress() = default;
  /// A stage begins, and the one before it has ended.
  virtual void stage(llvm::StringRef name) {}
  /// So many bytes of so many of the file's weights are encoded and written. May be called often.
  virtual void weights(uint64_t done, uint64_t total) {}
  /// Something that a person may want to know and that is no error: a whole sentence, without a full stop.
  virtual void note(const llvm::Twine &text) {}
};

} // namespace sinter

#endif // SINTER_COMPILER_DRIVER_PROGRESS_H
