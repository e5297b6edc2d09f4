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
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace sinter::tools {

/// Prints to standard error: a line that is rewritten where that is a terminal, one line a stage with `verbose`, else
/// only what it is told to note.
class ProgressPrinter : public Progress {
public:
  ProgressPrinter(bool verbose, bool terminal);
  ~ProgressPrinter() override;

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
  void watchMemory();
  static double seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

  const bool verbose, terminal;
  const Clock::time_point begin = Clock::now();
  std::mutex mutex;
  Clock::time_point stageBegin = begin, lastShown;
  std::string current;
  uint64_t done = 0, total = 0;

  // The system only keeps the peak of memory with mapped files in it, which can be given back at any time and are no
  // cost. So a thread looks at the rest.
  uint64_t peakMemory = 0;
  bool ended = false;
  std::condition_variable end;
  std::thread watcher;
};

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_PROGRESSPRINTER_H
