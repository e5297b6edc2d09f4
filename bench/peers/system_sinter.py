# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Sinter: a compiled library through the functions of sinter.h."""
import ctypes as c

import numpy as np

import system

MAGIC, VERSION, MAX_RANK = 0x52544E53, 1, 8
TYPES = {np.dtype(np.float32): 0, np.dtype(np.int64): 10}


class SessionOptions(c.Structure):
    _fields_ = [("threads", c.c_uint32), ("chunk", c.c_uint32), ("allocator", c.c_void_p * 3), ("hooks", c.c_void_p * 4)]


class Tensor(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int), ("rank", c.c_uint32), ("dims", c.c_int64 * MAX_RANK), ("data", c.c_void_p),
                ("bytes", c.c_size_t)]


P, I64, SIZE = c.c_void_p, c.c_int64, c.c_size_t


class Api(c.Structure):
    _fields_ = [("version", c.c_uint32), ("bytes", c.c_uint32),
                ("open", c.CFUNCTYPE(c.c_int, P, c.c_char_p, P, P, P)),
                ("close", P),
                ("session_create", c.CFUNCTYPE(c.c_int, P, P, P, P)),
                ("session_destroy", P),
                ("message", c.CFUNCTYPE(c.c_char_p, P)),
                ("run", c.CFUNCTYPE(c.c_int, P, P, SIZE, P, SIZE, c.c_uint32)),
                ("forward", c.CFUNCTYPE(c.c_int, P, P, SIZE, P, SIZE, P, P)),
                ("length", c.CFUNCTYPE(I64, P)),
                ("truncate", c.CFUNCTYPE(c.c_int, P, I64))]


class Table(c.Structure):
    _fields_ = [("magic", c.c_uint32), ("version", c.c_uint32), ("program", P), ("kernels", P), ("api", c.POINTER(Api))]


class Library:
    def __init__(self, path):
        self.code = c.CDLL(str(path))
        table = Table.in_dll(self.code, "sinter_model_v1")
        self.api = table.api.contents
        if table.magic != MAGIC or self.api.version != VERSION:
            raise RuntimeError(f"{path} has another version of the interface")
        self.model, why = P(), c.create_string_buffer(512)
        if self.api.open(c.addressof(table), str(path).encode(), None, c.byref(self.model), why):
            raise RuntimeError(why.value.decode())

    def session(self, threads):
        handle, why, options = P(), c.create_string_buffer(512), SessionOptions(threads=threads)
        if self.api.session_create(self.model, c.byref(options), c.byref(handle), why):
            raise RuntimeError(why.value.decode())
        return handle

    def check(self, session, status):
        if status:
            raise RuntimeError(self.api.message(session).decode())


class Decoder(system.Decoder):
    def __init__(self, path, shape, threads, capacity):
        self.library, self.threads, self.vocabulary = Library(path), threads, shape.vocabulary
        self.sessions = {}  # one a depth, so that filling is done once
        self.logits, self.count = P(), SIZE()

    def start(self, depth):
        """Turns to the session for this depth, filled up to there."""
        fresh = depth not in self.sessions
        if fresh:
            self.sessions[depth] = self.library.session(self.threads)
        self.current = self.sessions[depth]
        if fresh and depth:
            self.forward(system.token_ids(depth, self.vocabulary), 0)
        self.library.check(self.current, self.library.api.truncate(self.current, depth))
        return depth

    def forward(self, tokens, before):
        ids = (I64 * len(tokens))(*tokens)
        self.library.check(self.current, self.library.api.forward(self.current, ids, len(ids), None, 0, c.byref(self.logits), c.byref(self.count)))


class Encoder(system.Encoder):
    def __init__(self, path, threads):
        self.library = Library(path)
        self.session = self.library.session(threads)

    def prepare(self, inputs):
        tensors = (Tensor * len(inputs))()
        for tensor, (name, array) in zip(tensors, inputs.items()):
            tensor.name, tensor.dtype, tensor.rank = name.encode(), TYPES[array.dtype], array.ndim
            tensor.dims[:array.ndim] = array.shape
            tensor.data, tensor.bytes = array.ctypes.data, array.nbytes
        return tensors, (Tensor * 1)(), inputs  # which the tensors point into

    def call(self, prepared):
        tensors, output, _ = prepared
        self.library.check(self.session, self.library.api.run(self.session, tensors, len(tensors), output, 1, 0))
