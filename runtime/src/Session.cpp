//===- Session.cpp - the memory and threads of one caller -----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

#include <stdlib.h>

namespace sinter::runtime {
namespace {

/// Hands out pieces of a block; with a null base it only adds up their sizes.
struct Bump {
  char *base;
  uint64_t used;
  template <typename T> void take(T *&to, uint64_t count) {
    used = alignUp(used, alignof(T));
    if (base)
      to = reinterpret_cast<T *>(base + used);
    used += count * sizeof(T);
  }
};

} // namespace

/// The session's small arrays.
static uint64_t layOut(Session &session, char *base) {
  const Header &header = *session.program().header;
  const Extents &extents = session.parent->extents;
  Bump bump = {base, 0};
  uint32_t inputs = header.inputs.count, outputs = header.outputs.count, states = header.states.count;
  bump.take(session.states, states);
  bump.take(session.lengths, states);
  bump.take(session.statePlain, states);
  bump.take(session.inputStage, inputs);
  bump.take(session.outputStage, outputs);
  bump.take(session.outputMemory, outputs);
  bump.take(session.outputDims, outputs);
  bump.take(session.symbols, header.symbols.count);
  bump.take(session.inputBases, inputs + 1); // loading a state has one input, storing it one output
  bump.take(session.outputBases, outputs + 1);
  bump.take(session.stateBases, states);
  bump.take(session.given, inputs);
  bump.take(session.made, inputs);
  bump.take(session.wanted, outputs);
  bump.take(session.walkers, session.threads);
  for (uint32_t i = 0; i < session.threads; ++i) {
    bump.used = alignUp(bump.used, 2 * kAlign); // no two threads write to one cache line, nor to a pair of them
    Walker unused, &walker = base ? session.walkers[i] : unused;
    bump.take(walker.claim, 1);
    bump.used = alignUp(bump.used, 2 * kAlign);
    bump.take(walker.scalars, header.scalars.count);
    bump.take(walker.known, header.scalars.count);
    bump.take(walker.arguments, extents.scalars);
    bump.take(walker.operands, extents.operands);
  }
  return bump.used;
}

static int allocateSession(Session &session, char *why) {
  const Header &header = *session.program().header;
  void *table = nullptr;
  uint64_t bytes = layOut(session, nullptr);
  if (posix_memalign(&table, 2 * kAlign, bytes + 1) != 0)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the session");
  memset(table, 0, bytes);
  session.table = static_cast<char *>(table);
  layOut(session, session.table);

  uint64_t scratch = alignUp(header.scratchBytes, 4096);
  session.arena = allocate(session.allocator, header.arenaBytes);
  session.scratch = allocate(session.allocator, scratch * session.threads);
  if (!session.arena.data || !session.scratch.data)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the session: it needs %llu MB besides its states",
                static_cast<unsigned long long>((header.arenaBytes + scratch * session.threads) >> 20));
  for (uint32_t i = 0; i < session.threads; ++i)
    session.walkers[i].scratch = session.scratch.data + i * scratch;
  List<State> states = session.program().states();
  for (uint32_t i = 0; i < states.count; ++i) {
    session.states[i] = allocate(session.allocator, states[i].bytes);
    if (!session.states[i].data)
      return fail(why, SINTER_ERROR_MEMORY, "no memory for the session: state '%s' needs %llu MB",
                  session.program().string(states[i].in.name), static_cast<unsigned long long>(states[i].bytes >> 20));
    session.stateBases[i] = session.states[i].data;
  }
  for (uint32_t i = 0; i < header.symbols.count; ++i)
    session.symbols[i] = session.program().symbols()[i].lo;
  return SINTER_OK;
}

int createSession(const Model &model, const sinter_session_options &options, Session *&session, char *why) {
  constexpr uint32_t maxThreads = 1024;
  session = nullptr;
  if (options.threads > maxThreads)
    return fail(why, SINTER_ERROR_ARGUMENT, "%u threads were asked for, at most %u are possible", options.threads,
                maxThreads);
  if (!options.allocator.allocate != !options.allocator.release || !options.hooks.spawn != !options.hooks.join)
    return fail(why, SINTER_ERROR_ARGUMENT, "hooks come in pairs: allocate and release, spawn and join");
  Session *made = static_cast<Session *>(calloc(1, sizeof(Session)));
  if (!made)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the session");
  made->api = model.api;
  made->model = &model;
  made->parent = &model;
  made->allocator = options.allocator;
  made->threads = options.threads ? options.threads : smaller(processorCount(), maxThreads);
  made->chunk = options.chunk ? smaller(options.chunk, model.program.header->chunk) : model.program.header->chunk;
  int status = allocateSession(*made, why);
  if (!status && made->threads > 1) {
    made->pool = createPool(made->threads, options.hooks, why);
    status = made->pool ? SINTER_OK : SINTER_ERROR_THREAD;
  }
  if (status)
    destroySession(made);
  else
    session = made;
  return status;
}

void destroySession(Session *session) {
  destroyPool(session->pool);
  setTrace(*session, nullptr);
  const sinter_allocator &allocator = session->allocator;
  if (session->table) {
    const Header &header = *session->program().header;
    for (uint32_t i = 0; i < header.states.count; ++i) {
      release(allocator, session->states[i]);
      release(allocator, session->statePlain[i]);
    }
    for (uint32_t i = 0; i < header.inputs.count; ++i)
      release(allocator, session->inputStage[i]);
    for (uint32_t i = 0; i < header.outputs.count; ++i) {
      release(allocator, session->outputStage[i]);
      release(allocator, session->outputMemory[i]);
    }
    for (uint32_t i = 0; i < session->threads; ++i)
      free(session->walkers[i].events);
  }
  release(allocator, session->arena);
  release(allocator, session->scratch);
  release(allocator, session->tokens);
  release(allocator, session->logits);
  free(session->table);
  free(session);
}

} // namespace sinter::runtime
