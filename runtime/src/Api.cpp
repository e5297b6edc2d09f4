//===- Api.cpp - the table that sinter.h calls through --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {

static_assert(sizeof(sinter_table) == sizeof(program::Model) && SINTER_BOOL == static_cast<int>(DType::Bool));

static Session &own(sinter_session *session) { return *static_cast<Session *>(session); }
static const Session &own(const sinter_session *session) { return *static_cast<const Session *>(session); }

static int openTable(const void *table, const char *path, const sinter_open_options *options, sinter_model **model,
                     char *why) {
  Model *made;
  int status = openModel(*static_cast<const program::Model *>(table), path, options ? *options : sinter_open_options{},
                         made, why);
  *model = made;
  return status;
}
static void closeOpen(sinter_model *model) { closeModel(static_cast<Model *>(model)); }

static int create(const sinter_model *model, const sinter_session_options *options, sinter_session **session,
                  char *why) {
  if (!session)
    return fail(why, SINTER_ERROR_ARGUMENT, "a session needs a place to put it");
  Session *made;
  int status =
      createSession(*static_cast<const Model *>(model), options ? *options : sinter_session_options{}, made, why);
  *session = made;
  return status;
}
static void destroy(sinter_session *session) { destroySession(&own(session)); }
static const char *message(const sinter_session *session) { return own(session).message; }

static int runNamed(sinter_session *session, const sinter_tensor *inputs, size_t inputCount, sinter_tensor *outputs,
                    size_t outputCount, uint32_t flags) {
  return run(own(session), inputs, inputCount, outputs, outputCount, flags);
}
static int forwardTokens(sinter_session *session, const int64_t *tokens, size_t count, const sinter_tensor *extra,
                         size_t extraCount, const float **logits, size_t *vocabulary) {
  return forward(own(session), tokens, count, extra, extraCount, logits, vocabulary);
}
static int64_t lengthOf(const sinter_session *session) { return length(own(session)); }
static int truncateTo(sinter_session *session, int64_t length) { return truncate(own(session), length); }

static int noTensor(sinter_session *session) {
  return own(session).fail(SINTER_ERROR_ARGUMENT, "a state is set from a tensor and got in one, but there is none");
}
static int set(sinter_session *session, const sinter_tensor *tensor) {
  own(session).message[0] = 0;
  return !tensor ? noTensor(session) : setState(own(session), *tensor);
}
static int get(sinter_session *session, sinter_tensor *tensor) {
  own(session).message[0] = 0;
  return !tensor ? noTensor(session) : getState(own(session), *tensor);
}
static int save(sinter_session *session, void *buffer, size_t bytes, size_t *needed) {
  return saveStates(own(session), static_cast<char *>(buffer), bytes, needed);
}
static int load(sinter_session *session, const void *buffer, size_t bytes) {
  return loadStates(own(session), static_cast<const char *>(buffer), bytes);
}

static int64_t draw(sinter_sampling *sampling, const float *logits, size_t count) {
  return sample(*sampling, logits, count);
}
static int profile(sinter_session *session, sinter_profiler profiler, void *user) {
  own(session).message[0] = 0;
  own(session).profiler = profiler;
  own(session).profilerUser = user;
  return SINTER_OK;
}
static int trace(sinter_session *session, const char *path) { return setTrace(own(session), path); }

extern "C" const sinter_api sinter_runtime_api;
extern "C" const sinter_api sinter_runtime_api = {
    SINTER_ABI_VERSION, sizeof(sinter_api), openTable, closeOpen, create, destroy, message, runNamed, forwardTokens,
    lengthOf,           truncateTo,         set,       get,       save,   load,    draw,    profile,  trace};

} // namespace sinter::runtime
