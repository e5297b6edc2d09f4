//===- ProgressPrinter.h - how far a compilation is, for people -*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_PROGRESSPRINTER_H
#define SINTER_TOOLS_SINTER_PROGRESSPRINTER_H

#include "compiler/Driver/Progress.h"

#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <mutex>
#include <string>

namespace sinter::tools {

/// Prints to standard error: a line that is rewritten where that is a terminal, one line a stage with `verbose`, else only
/// what it is told to note.
class ProgressPrinter : public Progress {
public:
  ProgressPrinter(bool verbose, bool terminal) : verbose(verbose), terminal(terminal) {}
  ~ProgressPrinter() override { clear(); }

  void stage(llvm::StringRef name) override;
  void weights(uint64_t done, uint64_t total) override;
  void note(const llvm::Twine &text) override;
  /// Prints what was made, how long it took and the most memory that it took.
  void finish(llvm::StringRef output, uint64_t bytes);

private:
  using Clock = std::chrono::steady_clock;
  void endStage();
  void show();
  void clear();
  static double seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

  const bool verbose, terminal;
  const Clock::time_point begin = Clock::now();
  std::mutex mutex;
  Clock::time_point stageBegin = begin, lastShown;
  std::string current;
  uint64_t done = 0, total = 0;
};

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_PROGRESSPRINTER_H
