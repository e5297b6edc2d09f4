//===- Trace.cpp - what ran when ------------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

#include <errno.h>
#include <time.h>

namespace sinter::runtime {

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

static void writeString(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; ++text) {
    unsigned char c = static_cast<unsigned char>(*text);
    if (c == '"' || c == '\\')
      fputc('\\', file);
    if (c < 32)
      fprintf(file, "\\u%04x", c);
    else
      fputc(c, file);
  }
  fputc('"', file);
}

/// One complete event ("X") of Chrome's trace format; times are in microseconds.
static void writeEvent(Session &session, const sinter_event &event) {
  FILE *file = session.trace;
  uint64_t start = event.begin_ns - session.traceStart, duration = event.end_ns - event.begin_ns;
  fputs(session.traceBegun ? ",\n" : "\n", file);
  session.traceBegun = true;
  fputs("{\"ph\": \"X\", \"pid\": 1, \"name\": ", file);
  writeString(file, event.name);
  fputs(", \"cat\": ", file);
  writeString(file, event.kernel);
  fprintf(file, ", \"tid\": %u, \"ts\": %llu.%03llu, \"dur\": %llu.%03llu, \"args\": {\"row\": %u, \"items\": %lld}}",
          event.thread, static_cast<unsigned long long>(start / 1000), static_cast<unsigned long long>(start % 1000),
          static_cast<unsigned long long>(duration / 1000), static_cast<unsigned long long>(duration % 1000), event.row,
          static_cast<long long>(event.items));
}

void reportEvents(Session &session, Span span) {
  const Program &program = session.program();
  List<Row> rows = program.list<Row>(span);
  List<uint32_t> functions = program.list<uint32_t>(program.header->functions);
  constexpr size_t most = 64;
  sinter_event events[most];
  for (uint32_t t = 0; t < session.threads; ++t) {
    Walker &walker = session.walkers[t];
    size_t count = 0;
    for (uint32_t i = 0; i < walker.eventCount; ++i) {
      const Walker::Timed &timed = walker.events[i];
      const Row &row = rows[timed.row];
      events[count++] = {program.string(row.name),
                         program.string(functions[row.function]),
                         timed.row,
                         t,
                         timed.items,
                         timed.begin,
                         timed.end};
      if (session.trace)
        writeEvent(session, events[count - 1]);
      if (count < most && i + 1 < walker.eventCount)
        continue;
      if (session.profiler)
        session.profiler(session.profilerUser, events, count);
      count = 0;
    }
    walker.eventCount = 0;
  }
}

int setTrace(Session &session, const char *path) {
  session.message[0] = 0;
  if (session.trace) {
    fputs("\n]}\n", session.trace);
    bool failed = ferror(session.trace);
    failed |= fclose(session.trace) != 0;
    session.trace = nullptr;
    if (failed)
      return session.fail(SINTER_ERROR_IO, "the trace could not be written: %s", strerror(errno));
  }
  if (!path)
    return SINTER_OK;
  session.trace = fopen(path, "we");
  if (!session.trace)
    return session.fail(SINTER_ERROR_IO, "cannot write a trace to '%s': %s", path, strerror(errno));
  fputs("{\"traceEvents\": [", session.trace);
  session.traceStart = now();
  session.traceBegun = false;
  return SINTER_OK;
}

} // namespace sinter::runtime
