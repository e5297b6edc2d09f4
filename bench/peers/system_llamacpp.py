# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""llama.cpp through the C functions of llama-cpp-python."""
import ctypes
import os

import llama_cpp as ll

import system

CHUNK = 512


@ll.llama_log_callback
def silent(level, text, user):
    pass


class Context:
    """A cache with the tokens that are in it."""

    def __init__(self, model, threads, capacity):
        options = ll.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = capacity, CHUNK, CHUNK
        options.n_threads = options.n_threads_batch = threads
        self.handle = ll.llama_init_from_model(model, options)
        if not self.handle:
            raise RuntimeError("llama.cpp has no memory for a context")
        self.memory, self.batch, self.length = ll.llama_get_memory(self.handle), ll.llama_batch_init(CHUNK, 0, 1), 0

    def forward(self, tokens):
        """Adds up to CHUNK tokens; the logits of the last one."""
        batch = self.batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, self.length + i, 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i + 1 == len(tokens)
        if ll.llama_decode(self.handle, batch):
            raise RuntimeError("llama_decode failed")
        ll.llama_get_logits_ith(self.handle, -1)
        self.length += len(tokens)

    def truncate(self, length):
        ll.llama_memory_seq_rm(self.memory, 0, length, -1)
        self.length = min(self.length, length)


class Decoder(system.Decoder):
    def __init__(self, path, shape, threads, capacity):
        ll.llama_log_set(silent, ctypes.c_void_p(0))
        ll.llama_backend_init()
        self.threads, self.capacity, self.vocabulary = threads, capacity, shape.vocabulary
        self.model = ll.llama_model_load_from_file(str(path).encode(), ll.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        self.contexts = {}  # one a depth, so that filling is done once

    def start(self, depth):
        """Turns to the context for this depth, filled up to there by all processors."""
        context = self.contexts.get(depth)
        if not context:
            context = self.contexts[depth] = Context(self.model, self.threads, self.capacity)
            ll.llama_set_n_threads(context.handle, os.cpu_count(), os.cpu_count())
            while context.length < depth:
                context.forward(system.token_ids(min(CHUNK, depth - context.length), self.vocabulary))
            ll.llama_set_n_threads(context.handle, self.threads, self.threads)
        context.truncate(depth)
        self.context = context
        return depth

    def forward(self, tokens, before):
        self.context.forward(tokens)
