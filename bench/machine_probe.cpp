//===- machine_probe.cpp - what this machine can do right now ------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// machine_probe THREADS...: prints, as JSON, the bandwidth of reading and the int8 peak with so many threads, and the
// time a cache line takes from one processor to another and back. The last two tell apart the states that a virtual
// machine's memory link may be in.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Machine.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <sched.h>

using namespace llvm;
using namespace sinter::tools;

static void pin(unsigned processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

/// Nanoseconds for a line to be written by the second processor after the first, and seen again by the first.
static double roundTrip() {
  constexpr int rounds = 20000;
  alignas(128) std::atomic<int> turn{0};
  double nanoseconds = 0;
  auto play = [&](int side) {
    pin(side);
    auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) {
      while (turn.load(std::memory_order_acquire) != 2 * i + side)
        ;
      if (i == rounds / 10)
        begin = std::chrono::steady_clock::now(); // both run by now
      turn.store(2 * i + side + 1, std::memory_order_release);
    }
    if (side == 0)
      nanoseconds = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
  };
  std::thread first(play, 0), second(play, 1);
  first.join();
  second.join();
  return nanoseconds / (rounds - rounds / 10);
}

int main(int argc, char **argv) {
  ExitOnError check("machine_probe: ");
  ReadBuffer buffer = check(ReadBuffer::create());
  json::Object result;
  for (int i = 1; i < argc; ++i) {
    unsigned threads;
    if (!to_integer(argv[i], threads) || threads < 1) {
      errs() << "machine_probe: '" << argv[i] << "' is no number of threads\n";
      return 2;
    }
    result[argv[i]] = json::Object{{"read_gb_per_s", buffer.bandwidth(threads) / 1e9}, {"int8_gop_per_s", int8Peak(threads) / 1e9}};
  }
  if (std::thread::hardware_concurrency() > 1)
    result["round_trip_ns"] = roundTrip();
  outs() << formatv("{0}", json::Value(std::move(result))) << '\n';
}
