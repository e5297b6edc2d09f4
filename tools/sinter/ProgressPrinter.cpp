//===- ProgressPrinter.cpp - how far a compilation is, for people -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/ProgressPrinter.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

using namespace llvm;
using namespace sinter::tools;

static constexpr double kMega = 1e6;

/// Bytes of memory that no file stands behind.
static uint64_t ownMemory() {
  unsigned long long size, resident = 0, shared = 0;
  if (std::FILE *file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%llu %llu %llu", &size, &resident, &shared) != 3)
      resident = shared = 0;
    std::fclose(file);
  }
  return (resident - std::min(resident, shared)) * sysconf(_SC_PAGESIZE);
}

ProgressPrinter::ProgressPrinter(bool verbose, bool terminal) : verbose(verbose), terminal(terminal) {
  if (verbose || terminal)
    watcher = std::thread([this] { watchMemory(); });
}

ProgressPrinter::~ProgressPrinter() {
  {
    std::lock_guard lock(mutex);
    ended = true;
  }
  end.notify_all();
  if (watcher.joinable())
    watcher.join();
  clear();
}

void ProgressPrinter::watchMemory() {
  std::unique_lock lock(mutex);
  while (!ended) {
    peakMemory = std::max(peakMemory, ownMemory());
    end.wait_for(lock, std::chrono::milliseconds(10));
  }
}

void ProgressPrinter::clear() {
  if (terminal)
    errs() << "\r\x1b[K";
}

void ProgressPrinter::show() {
  if (!terminal || current.empty())
    return;
  clear();
  errs() << formatv("{0,6:f1} s  {1}", seconds(begin), current);
  if (total)
    errs() << formatv("  weights {0:f0} / {1:f0} MB", done / kMega, total / kMega);
  errs().flush();
  lastShown = Clock::now();
}

void ProgressPrinter::endStage() {
  if (!verbose || current.empty())
    return;
  clear();
  errs() << formatv("{0,-10} {1,8:f2} s", current, seconds(stageBegin));
  if (total)
    errs() << formatv("  {0:f0} MB of weights", total / kMega);
  errs() << '\n';
}

void ProgressPrinter::stage(StringRef name) {
  std::lock_guard lock(mutex);
  endStage();
  current = name.str();
  stageBegin = Clock::now();
  done = total = 0;
  show();
}

void ProgressPrinter::weights(uint64_t newDone, uint64_t newTotal) {
  std::lock_guard lock(mutex);
  done = newDone, total = newTotal;
  if (done == total || seconds(lastShown) > 0.1)
    show();
}

void ProgressPrinter::note(const Twine &text) {
  std::lock_guard lock(mutex);
  if (!terminal && !verbose)
    return;
  clear();
  errs() << "note: " << text << '\n';
  show();
}

void ProgressPrinter::finish(StringRef output, uint64_t bytes) {
  std::lock_guard lock(mutex);
  endStage();
  current.clear();
  clear();
  if (!verbose && !terminal)
    return;
  peakMemory = std::max(peakMemory, ownMemory());
  errs() << formatv("{0}: {1:f1} MB, {2:f1} s, at most {3:f0} MB of memory beside mapped files\n", output,
                    bytes / kMega, seconds(begin), peakMemory / kMega);
}
