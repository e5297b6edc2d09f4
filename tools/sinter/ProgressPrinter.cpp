//===- ProgressPrinter.cpp - how far a compilation is, for people -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/ProgressPrinter.h"

#include "llvm/Support/FormatVariadic.h"

#include <sys/resource.h>

using namespace llvm;
using namespace sinter::tools;

static constexpr double kMega = 1e6;

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
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  errs() << formatv("{0}: {1:f1} MB, {2:f1} s, at most {3:f0} MB of memory\n", output, bytes / kMega, seconds(begin),
                    usage.ru_maxrss * 1024.0 / kMega);
}
