"""Sinter: a compiled library through the functions of sinter.h."""
import ctypes as c
import time

import numpy as np

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


class Decoder:
    def __init__(self, path, shape, threads, capacity):
        self.library, self.threads, self.vocabulary = Library(path), threads, shape.vocabulary
        self.sessions = {}  # one a depth, so that filling is done once
        self.logits, self.count = P(), SIZE()

    def at(self, depth):
        """The session for this depth, filled up to there."""
        api = self.library.api
        session = self.sessions.get(depth)
        if not session:
            session = self.sessions[depth] = self.library.session(self.threads)
            if depth:
                self.forward(session, [(i * 7919 + 13) % self.vocabulary for i in range(depth)])
        self.library.check(session, api.truncate(session, depth))
        return session

    def forward(self, session, tokens):
        ids = (I64 * len(tokens))(*tokens)
        self.library.check(session, self.library.api.forward(session, ids, len(ids), None, 0, c.byref(self.logits), c.byref(self.count)))

    def prefill(self, tokens):
        session = self.at(0)
        begin = time.perf_counter()
        self.forward(session, tokens)
        return time.perf_counter() - begin

    def decode(self, depth, tokens):
        session = self.at(depth)
        begin = time.perf_counter()
        for token in tokens:
            self.forward(session, [token])
        return time.perf_counter() - begin


class Encoder:
    def __init__(self, path, threads):
        self.library = Library(path)
        self.session = self.library.session(threads)

    def run(self, inputs):
        tensors = (Tensor * len(inputs))()
        for tensor, (name, array) in zip(tensors, inputs.items()):
            tensor.name, tensor.dtype, tensor.rank = name.encode(), TYPES[array.dtype], array.ndim
            tensor.dims[:array.ndim] = array.shape
            tensor.data, tensor.bytes = array.ctypes.data, array.nbytes
        output = (Tensor * 1)()
        begin = time.perf_counter()
        self.library.check(self.session, self.library.api.run(self.session, tensors, len(inputs), output, 1, 0))
        return time.perf_counter() - begin
