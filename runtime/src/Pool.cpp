//===- Pool.cpp - threads of a session ------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Between two dispatches lie microseconds, so threads wait spinning; between two calls may lie hours, so after a while
// they sleep. Waiting is on 32-bit words that count up, which is what a futex needs.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sinter::runtime {
namespace {

/// A counter that threads wait for to change, on a cache line of its own.
struct alignas(64) Gate {
  uint32_t count, sleepers;
};

struct Worker {
  Pool *pool;
  uint32_t number;
  bool started;
  pthread_t thread;
  void *handle; ///< of the spawn hook
};

} // namespace

struct Pool {
  Gate job;   ///< counts jobs
  Gate phase; ///< counts barriers passed
  alignas(64) uint32_t arrived;
  alignas(64) uint32_t threads;
  uint32_t spins;
  bool stop;
  void (*body)(void *, uint32_t);
  void *argument;
  sinter_thread_hooks hooks;
  Worker *workers; ///< [0] is unused: it is the caller
};

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

static long futex(uint32_t *word, int operation, uint32_t value) {
  return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

/// How long a thread that found nothing by spinning lets others run and looks again, before it sleeps.
constexpr uint64_t kYieldNanoseconds = 2000000;

/// Returns once the gate's count is not `seen` any more.
static void await(Gate &gate, uint32_t seen, uint32_t spins) {
  for (uint32_t i = 0; i < spins; ++i) {
    if (__atomic_load_n(&gate.count, __ATOMIC_ACQUIRE) != seen)
      return;
    relax();
  }
  // Whoever is awaited may be behind this thread on the same core: yielding lets it run. Threads that sleep in turns
  // instead would stay together there, as the system sees one of them at a time and finds nothing to move to a free core.
  for (uint64_t end = now() + kYieldNanoseconds; now() < end;) {
    if (__atomic_load_n(&gate.count, __ATOMIC_ACQUIRE) != seen)
      return;
    sched_yield();
  }
  __atomic_fetch_add(&gate.sleepers, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&gate.count, __ATOMIC_SEQ_CST) == seen)
    futex(&gate.count, FUTEX_WAIT, seen);
  __atomic_fetch_sub(&gate.sleepers, 1, __ATOMIC_SEQ_CST);
}

static void advance(Gate &gate) {
  // Sequentially consistent against await: either the sleeper is seen here, or it sees the new count.
  __atomic_fetch_add(&gate.count, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&gate.sleepers, __ATOMIC_SEQ_CST))
    futex(&gate.count, FUTEX_WAKE, INT32_MAX);
}

void meet(Pool *pool) {
  if (!pool)
    return;
  uint32_t seen = __atomic_load_n(&pool->phase.count, __ATOMIC_RELAXED);
  if (__atomic_add_fetch(&pool->arrived, 1, __ATOMIC_ACQ_REL) == pool->threads) {
    __atomic_store_n(&pool->arrived, 0, __ATOMIC_RELAXED);
    advance(pool->phase);
  } else {
    await(pool->phase, seen, pool->spins);
  }
}

static void work(void *argument) {
  Worker &self = *static_cast<Worker *>(argument);
  Pool *pool = self.pool;
  if (pool->hooks.started)
    pool->hooks.started(pool->hooks.user, self.number);
  for (uint32_t seen = 0;; ++seen) {
    await(pool->job, seen, pool->spins);
    if (pool->stop)
      return;
    pool->body(pool->argument, self.number);
    meet(pool);
  }
}

static void *workThread(void *argument) {
  work(argument);
  return nullptr;
}

static bool spawn(Worker &worker) {
  const sinter_thread_hooks &hooks = worker.pool->hooks;
  if (hooks.spawn)
    return hooks.spawn(hooks.user, work, &worker, &worker.handle) == 0;
  // Signals are the program's business, not that of threads it does not know of.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool made = pthread_create(&worker.thread, nullptr, workThread, &worker) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return made;
}

uint32_t processorCount() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < CPU_SETSIZE; ++i)
      count += CPU_ISSET(i, &set) ? 1 : 0;
    return larger(count, 1u);
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : static_cast<uint32_t>(online);
}

Pool *createPool(uint32_t threads, const sinter_thread_hooks &hooks, char *why) {
  void *memory = nullptr;
  if (posix_memalign(&memory, 64, alignUp(sizeof(Pool), 64)) != 0) {
    fail(why, 0, "no memory for the threads");
    return nullptr;
  }
  memset(memory, 0, sizeof(Pool));
  Pool *pool = static_cast<Pool *>(memory);
  pool->threads = threads;
  // About 30 us, more than most waits of a well split step. With more threads than processors whoever is awaited may not
  // be running, and spinning would keep it from running.
  pool->spins = threads > processorCount() ? 20 : 1000;
  pool->hooks = hooks;
  pool->workers = static_cast<Worker *>(calloc(threads, sizeof(Worker)));
  for (uint32_t i = 1; pool->workers && i < threads; ++i) {
    Worker &worker = pool->workers[i];
    worker.pool = pool;
    worker.number = i;
    worker.started = spawn(worker);
    if (!worker.started) {
      fail(why, 0, "thread %u of %u cannot be started", i + 1, threads);
      destroyPool(pool);
      return nullptr;
    }
  }
  if (!pool->workers) {
    fail(why, 0, "no memory for the threads");
    destroyPool(pool);
    return nullptr;
  }
  return pool;
}

void destroyPool(Pool *pool) {
  if (!pool)
    return;
  pool->stop = true;
  advance(pool->job);
  for (uint32_t i = 1; pool->workers && i < pool->threads; ++i) {
    Worker &worker = pool->workers[i];
    if (!worker.started)
      continue;
    if (pool->hooks.spawn)
      pool->hooks.join(pool->hooks.user, worker.handle);
    else
      pthread_join(worker.thread, nullptr);
  }
  free(pool->workers);
  free(pool);
}

void runOnAll(Pool *pool, void (*body)(void *argument, uint32_t thread), void *argument) {
  if (!pool)
    return body(argument, 0);
  pool->body = body;
  pool->argument = argument;
  advance(pool->job);
  body(argument, 0);
  meet(pool);
}

} // namespace sinter::runtime
