/*===- sinter.h - run a compiled model ---------------------------------------------------------------------*- C -*-===*\
|*
|* Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
|*
|* Everything a program needs to run a model that `sinter compile` made: this header and libc. C99 and C++.
|*
|*   sinter_model *model;
|*   char why[SINTER_MESSAGE_BYTES];
|*   if (sinter_open("model.so", NULL, &model, why)) { fprintf(stderr, "%s\n", why); ... }
|*   sinter_session *session;
|*   sinter_session_create(model, NULL, &session, why);
|*   sinter_run(session, inputs, 2, outputs, 1, 0);
|*   sinter_session_destroy(session);
|*   sinter_close(model);
|*
|* Threads: a model may be used by any number of threads at a time, a session by one at a time. Sessions of one model
|* share its weights. There is no process-global state.
|* Errors: every function that can fail returns a sinter_status. The reason, a whole sentence, is in the buffer given to
|* sinter_open and sinter_session_create, and in sinter_message(session) for everything done with a session. A call that
|* fails with a status under 300 has not changed the session's state, unless its description says so.
|* Units: sizes are bytes, lengths are tokens, times are nanoseconds.
|* Versions: a library with an interface of another SINTER_ABI_VERSION is refused by sinter_open. Within a version
|* structs only grow at their end.
|*
\*===------------------------------------------------------------------------------------------------------------------===*/

#ifndef SINTER_H
#define SINTER_H

#include <dlfcn.h>
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SINTER_ABI_VERSION 1
#define SINTER_MAX_RANK 8
#define SINTER_MESSAGE_BYTES 512

typedef enum sinter_status {
  SINTER_OK = 0,
  /* 1xx: the arguments of the call */
  SINTER_ERROR_ARGUMENT = 100, /* a null pointer (never a model or a session: those are not checked), an option out of
                                  range */
  SINTER_ERROR_NAME = 101,     /* no input, output or state of this name, or one named twice */
  SINTER_ERROR_MISSING = 102,  /* an input was not given */
  SINTER_ERROR_TYPE = 103,     /* wrong element type */
  SINTER_ERROR_SHAPE = 104,    /* wrong number of axes, or an axis of the wrong size */
  SINTER_ERROR_BUFFER = 105,   /* the caller's buffer is too small */
  /* 2xx: the state of the session */
  SINTER_ERROR_CAPACITY = 200, /* the tokens do not fit in the cache */
  SINTER_ERROR_STATE = 201,    /* caches of different lengths, a state that cannot be cut */
  /* 3xx: while running; what the step left in the states is undefined: sinter_truncate(session, 0) or load a state */
  SINTER_ERROR_VALUE = 300, /* a value in the data makes a size impossible */
  /* 4xx: the library */
  SINTER_ERROR_FILE = 400,    /* not a compiled model, or it cannot be read */
  SINTER_ERROR_VERSION = 401, /* made for another version of this interface */
  SINTER_ERROR_CORRUPT = 402, /* damaged, or weights that belong to another model */
  SINTER_ERROR_MACHINE = 403, /* compiled for instructions that this processor lacks */
  /* 5xx: resources */
  SINTER_ERROR_MEMORY = 500,
  SINTER_ERROR_THREAD = 501,
  SINTER_ERROR_IO = 502
} sinter_status;

typedef enum sinter_dtype {
  SINTER_F32,
  SINTER_F16,
  SINTER_BF16,
  SINTER_F64,
  SINTER_I8,
  SINTER_U8,
  SINTER_I16,
  SINTER_U16,
  SINTER_I32,
  SINTER_U32,
  SINTER_I64,
  SINTER_U64,
  SINTER_BOOL /* one byte, 0 or 1 */
} sinter_dtype;

/* What an axis counts: tokens of this call, tokens in all (cached and new), cached tokens. */
typedef enum sinter_axis_role {
  SINTER_AXIS_OTHER,
  SINTER_AXIS_BATCH,
  SINTER_AXIS_SEQUENCE,
  SINTER_AXIS_TOTAL,
  SINTER_AXIS_PAST
} sinter_axis_role;

/*--- What a model is. All of it belongs to the model and lives as long. ---*/

typedef struct sinter_axis {
  const char *label; /* the name the ONNX file gives the dimension, or "" */
  int64_t lo, hi;    /* inclusive bounds of its size */
  sinter_axis_role role;
} sinter_axis;

typedef struct sinter_tensor_info {
  const char *name;
  sinter_dtype dtype;
  uint32_t rank;
  const sinter_axis *axes; /* rank of them */
  uint64_t bytes;          /* the largest size */
} sinter_tensor_info;

typedef enum sinter_state_kind { SINTER_STATE_CACHE, SINTER_STATE_TENSOR } sinter_state_kind;

/* A value that the session carries from one call to the next. It is no input or output any more, but may be named as
   one (see sinter_run). A cache has a length, and its plain form has an axis of that many tokens. */
typedef struct sinter_state_info {
  sinter_state_kind kind;
  sinter_tensor_info in, out;
  uint64_t bytes;           /* memory of one session */
  uint64_t bytes_per_token; /* caches: what one more token takes of it */
  const char *layout;       /* how it is kept, for people to read */
} sinter_state_info;

typedef struct sinter_meta {
  const char *key;
  const char *value; /* `bytes` bytes, followed by a 0 that is not counted */
  size_t bytes;
} sinter_meta;

typedef struct sinter_model_info {
  uint32_t input_count, output_count, state_count, meta_count;
  const sinter_tensor_info *inputs, *outputs;
  const sinter_state_info *states;
  const sinter_meta *metas;
  int64_t capacity;       /* most tokens a session can hold; 0 where nothing is cached */
  uint32_t chunk;         /* most new tokens in one step */
  uint32_t chunkable;     /* 1: a longer sequence is run as several steps by itself */
  uint32_t rows;          /* dispatches and control rows of a step */
  uint64_t weight_bytes;  /* memory of the model */
  uint64_t arena_bytes;   /* memory of a session, besides its states */
  uint64_t scratch_bytes; /* memory of each thread of a session */
  const char *placement;  /* where the weights are: "huge pages", "mapped file" or "none" */
} sinter_model_info;

struct sinter_api;

typedef struct sinter_model {
  const struct sinter_api *api;
  const sinter_model_info *info;
  void *library; /* of sinter_open */
} sinter_model;

typedef struct sinter_session {
  const struct sinter_api *api;
  const sinter_model *model;
} sinter_session;

/*--- Options. A null pointer, or zeroed fields, mean the defaults. ---*/

/* Where memory comes from. `allocate` returns memory aligned to `alignment` (a power of two), or null.
   Both are called by the thread that calls into Sinter. Default: anonymous mappings with huge pages. */
typedef struct sinter_allocator {
  void *(*allocate)(void *user, size_t bytes, size_t alignment);
  void (*release)(void *user, void *memory, size_t bytes);
  void *user;
} sinter_allocator;

/* Who makes threads. `spawn` starts a thread that calls body(argument), and gives in *handle what `join` needs to wait
   for its end; it returns 0, or anything else on failure. `started`, which may stand alone, is called first on every
   worker (numbers 1 to threads - 1; the caller's thread is number 0), for example to pin it. */
typedef struct sinter_thread_hooks {
  int (*spawn)(void *user, void (*body)(void *argument), void *argument, void **handle);
  void (*join)(void *user, void *handle);
  void (*started)(void *user, uint32_t number);
  void *user;
} sinter_thread_hooks;

typedef struct sinter_open_options {
  const char *weights;        /* file of the weights: a sidecar elsewhere than beside the library */
  uint32_t threads;           /* that read weights; 0: one a processor, up to 8 */
  sinter_allocator allocator; /* of the weights */
} sinter_open_options;

typedef struct sinter_session_options {
  uint32_t threads; /* that compute, the caller's included; 0: one a processor. Results do not depend on it */
  uint32_t chunk;   /* most new tokens in one step, where less than the model's; 0: the model's. Nor on this */
  sinter_allocator allocator;
  sinter_thread_hooks hooks;
} sinter_session_options;

/*--- Tensors of a call. ---*/

/* A tensor in row-major order. As an input: `name` (or null: the n-th input), `dtype`, `rank`, `dims` and `data` are
   given, and `bytes` is the size of the data, or 0 to have it not compared. As an output: `name` (or null: the n-th
   output) is given, and either `data` is null, and becomes a pointer to the session's memory that is valid until the
   session's next call, or `data` and `bytes` are a buffer of the caller's; the call fills in the rest. Data is aligned
   to its element size. */
typedef struct sinter_tensor {
  const char *name;
  sinter_dtype dtype;
  uint32_t rank;
  int64_t dims[SINTER_MAX_RANK];
  void *data;
  size_t bytes;
} sinter_tensor;

/* Flags of sinter_run. */
#define SINTER_LAST_ROW 1u /* outputs with a sequence axis hold only its last row, and less is computed */

/*--- Sampling and profiling. ---*/

typedef struct sinter_sampling {
  float temperature; /* 0: the largest logit, the first of equals */
  uint32_t top_k;    /* keep the k largest; 0: all */
  float top_p;       /* then keep the largest that together have this probability; 0 or 1: all */
  uint64_t seed;     /* state of the random numbers: set it once, every draw moves it on */
} sinter_sampling;

/* One row of a step on one thread. Strings live as long as the model. */
typedef struct sinter_event {
  const char *name;   /* the ONNX node it came from */
  const char *kernel; /* "" for control rows */
  uint32_t row, thread;
  int64_t items;             /* work items this thread ran */
  uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
} sinter_event;
typedef void (*sinter_profiler)(void *user, const sinter_event *events, size_t count);

/*--- The table behind the wrappers. ---*/

typedef struct sinter_api {
  uint32_t version; /* SINTER_ABI_VERSION */
  uint32_t bytes;   /* of this struct */
  int (*open)(const void *table, const char *path, const sinter_open_options *, sinter_model **, char *why);
  void (*close)(sinter_model *);
  int (*session_create)(const sinter_model *, const sinter_session_options *, sinter_session **, char *why);
  void (*session_destroy)(sinter_session *);
  const char *(*message)(const sinter_session *);
  int (*run)(sinter_session *, const sinter_tensor *, size_t, sinter_tensor *, size_t, uint32_t);
  int (*forward)(sinter_session *, const int64_t *, size_t, const sinter_tensor *, size_t, const float **, size_t *);
  int64_t (*length)(const sinter_session *);
  int (*truncate)(sinter_session *, int64_t);
  int (*state_set)(sinter_session *, const sinter_tensor *);
  int (*state_get)(sinter_session *, sinter_tensor *);
  int (*state_save)(sinter_session *, void *, size_t, size_t *);
  int (*state_load)(sinter_session *, const void *, size_t);
  int64_t (*sample)(sinter_sampling *, const float *, size_t);
  int (*profile)(sinter_session *, sinter_profiler, void *);
  int (*trace)(sinter_session *, const char *);
} sinter_api;

/* What a library exports, as symbol sinter_model_v1. */
typedef struct sinter_table {
  uint32_t magic, version;
  const void *program, *kernels;
  const sinter_api *api;
} sinter_table;

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
#define SINTER_INLINE static inline __attribute__((unused))
#else
#define SINTER_INLINE static inline
#endif

/*--- Models. ---*/

/* Whether the file ends before what its headers say is to be mapped: dlopen of such a file ends the process. */
SINTER_INLINE int sinter_is_cut_off(const char *path) {
  Elf64_Ehdr header;
  Elf64_Phdr segment;
  unsigned i;
  long size = 0;
  int cut = 0;
  FILE *file = fopen(path, "rb");
  if (!file)
    return 0;
  if (fread(&header, sizeof header, 1, file) == 1 && !memcmp(header.e_ident, ELFMAG, SELFMAG) && !fseek(file, 0, SEEK_END)) {
    size = ftell(file);
    for (i = 0; i < header.e_phnum && !cut; ++i)
      cut = fseek(file, (long)(header.e_phoff + i * sizeof segment), SEEK_SET) || fread(&segment, sizeof segment, 1, file) != 1 ||
            (segment.p_type == PT_LOAD && segment.p_offset + segment.p_filesz > (Elf64_Off)size);
  }
  fclose(file);
  return cut;
}

/* Loads the library at `path` and reads its weights. `why` is null or has SINTER_MESSAGE_BYTES bytes. */
SINTER_INLINE int sinter_open(const char *path, const sinter_open_options *options, sinter_model **model, char *why) {
  char unused[SINTER_MESSAGE_BYTES], beside[4096];
  const sinter_table *table;
  void *library;
  int status;
  if (!why)
    why = unused;
  why[0] = 0;
  if (!path || !model) {
    snprintf(why, SINTER_MESSAGE_BYTES, "a model needs a path, and a place to put it");
    return SINTER_ERROR_ARGUMENT;
  }
  *model = NULL;
  /* Without a slash dlopen would search the system's folders. */
  if (snprintf(beside, sizeof beside, "%s%s", strchr(path, '/') ? "" : "./", path) >= (int)sizeof beside) {
    snprintf(why, SINTER_MESSAGE_BYTES, "the path is too long");
    return SINTER_ERROR_FILE;
  }
  if (sinter_is_cut_off(beside)) {
    snprintf(why, SINTER_MESSAGE_BYTES, "'%s' is damaged: it is cut off", path);
    return SINTER_ERROR_CORRUPT;
  }
  library = dlopen(beside, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(why, SINTER_MESSAGE_BYTES, "cannot load the model: %s", dlerror());
    return SINTER_ERROR_FILE;
  }
  table = (const sinter_table *)dlsym(library, "sinter_model_v1");
  if (!table || table->magic != 0x52544e53u) {
    snprintf(why, SINTER_MESSAGE_BYTES, "'%s' is not a compiled model: it has no symbol sinter_model_v1", path);
    status = SINTER_ERROR_FILE;
  } else if (table->api->version != SINTER_ABI_VERSION || table->api->bytes < sizeof(sinter_api)) {
    snprintf(why, SINTER_MESSAGE_BYTES,
             "'%s' was compiled for version %u of the interface, this program needs version %u", path,
             (unsigned)table->api->version, (unsigned)SINTER_ABI_VERSION);
    status = SINTER_ERROR_VERSION;
  } else {
    status = table->api->open(table, beside, options, model, why);
  }
  if (status)
    dlclose(library);
  else
    (*model)->library = library;
  return status;
}

/* The model's sessions must be gone, and nothing of it (names, metadata) is valid any more. Null is allowed. */
SINTER_INLINE void sinter_close(sinter_model *model) {
  void *library;
  if (!model)
    return;
  library = model->library;
  model->api->close(model);
  if (library)
    dlclose(library);
}

/* The value of a key in the model's metadata, or null. */
SINTER_INLINE const sinter_meta *sinter_find_meta(const sinter_model *model, const char *key) {
  uint32_t i;
  for (i = 0; i < model->info->meta_count; ++i)
    if (!strcmp(model->info->metas[i].key, key))
      return &model->info->metas[i];
  return NULL;
}

/*--- Sessions: the memory and the threads of one caller. ---*/

SINTER_INLINE int sinter_session_create(const sinter_model *model, const sinter_session_options *options,
                                        sinter_session **session, char *why) {
  return model->api->session_create(model, options, session, why);
}
/* Null is allowed. */
SINTER_INLINE void sinter_session_destroy(sinter_session *session) {
  if (session)
    session->api->session_destroy(session);
}
/* Why the last call failed; "" after a success. Valid until the session's next call. */
SINTER_INLINE const char *sinter_message(const sinter_session *session) { return session->api->message(session); }

/* Runs the model once on all its inputs, in any order, and gives those outputs that are asked for. New tokens are added
   to the caches. A sequence longer than the model's chunk is run in several steps where the model allows that.
   An input that names a state sets it first, as sinter_state_set does, even where the call then fails; an output
   that names one gets it afterwards. */
SINTER_INLINE int sinter_run(sinter_session *session, const sinter_tensor *inputs, size_t input_count,
                             sinter_tensor *outputs, size_t output_count, uint32_t flags) {
  return session->api->run(session, inputs, input_count, outputs, output_count, flags);
}

/* For decoders of one sequence: adds `count` tokens and gives the logits that follow the last of them, `*vocabulary`
   floats that are valid until the session's next call. A mask input is all ones, positions count from the session's
   length, token types are 0; any other input has to be among the `extra_count` tensors at `extra`. */
SINTER_INLINE int sinter_forward(sinter_session *session, const int64_t *tokens, size_t count,
                                 const sinter_tensor *extra, size_t extra_count, const float **logits,
                                 size_t *vocabulary) {
  return session->api->forward(session, tokens, count, extra, extra_count, logits, vocabulary);
}

/*--- State. ---*/

/* Tokens in the caches; 0 where nothing is cached. */
SINTER_INLINE int64_t sinter_length(const sinter_session *session) { return session->api->length(session); }
/* Forgets the tokens from `length` on. 0 resets every state, and is always possible; other lengths are not where the
   model has a state that is no cache (SINTER_ERROR_STATE). */
SINTER_INLINE int sinter_truncate(sinter_session *session, int64_t length) {
  return session->api->truncate(session, length);
}
/* Sets or gets a state, by its input's or output's name, in its plain form. The tokens of a cache are those of the
   tensor's axis; all caches that grow together must have the same length by the next run. */
SINTER_INLINE int sinter_state_set(sinter_session *session, const sinter_tensor *tensor) {
  return session->api->state_set(session, tensor);
}
SINTER_INLINE int sinter_state_get(sinter_session *session, sinter_tensor *tensor) {
  return session->api->state_get(session, tensor);
}
/* Copies all states to `buffer`, in a form for sinter_state_load of a session of the same model. `*needed` (may be
   null) gets the size of the copy, and a null buffer only asks for that. */
SINTER_INLINE int sinter_state_save(sinter_session *session, void *buffer, size_t bytes, size_t *needed) {
  return session->api->state_save(session, buffer, bytes, needed);
}
SINTER_INLINE int sinter_state_load(sinter_session *session, const void *buffer, size_t bytes) {
  return session->api->state_load(session, buffer, bytes);
}

/*--- Sampling and profiling. ---*/

/* Draws a token from `count` logits; the same seed gives the same tokens everywhere. -1: no logit is a number. `sampling`
   is changed: its seed moves on. */
SINTER_INLINE int64_t sinter_sample(const sinter_model *model, sinter_sampling *sampling, const float *logits,
                                    size_t count) {
  return model->api->sample(sampling, logits, count);
}
/* Has `profiler` called at the end of every step, on the caller's thread, with what ran when. Null ends it. */
SINTER_INLINE int sinter_profile(sinter_session *session, sinter_profiler profiler, void *user) {
  return session->api->profile(session, profiler, user);
}
/* Writes what runs when to a file in Chrome's trace format, until called again with another path or null, or until the
   session is destroyed. SINTER_ERROR_IO: the file that ends could not be written whole, or the new one not be made;
   then nothing is written any more. */
SINTER_INLINE int sinter_trace(sinter_session *session, const char *path) { return session->api->trace(session, path); }

#endif /* SINTER_H */
