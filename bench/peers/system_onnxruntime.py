# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""onnxruntime: the same file, with past and present in one buffer as onnxruntime-genai has them."""
import numpy as np
import onnxruntime as ort

import system


def open_session(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Decoder(system.Decoder):
    def __init__(self, path, shape, threads, capacity):
        self.session = open_session(path, threads)
        self.binding = self.session.io_binding()
        self.kept = []
        random = np.random.default_rng(0)
        dims = (1, shape.kv_heads, capacity, shape.head)
        # What is in the cache does not matter for the time, only how much of it is attended to.
        for layer in range(shape.layers):
            for which in ("key", "value"):
                buffer = ort.OrtValue.ortvalue_from_numpy(random.standard_normal(dims, dtype=np.float32))
                self.kept.append(buffer)
                self.binding.bind_ortvalue_input(f"past_key_values.{layer}.{which}", buffer)
                self.binding.bind_ortvalue_output(f"present.{layer}.{which}", buffer)

    def start(self, depth):
        return depth

    def forward(self, tokens, before):
        self.binding.bind_cpu_input("input_ids", np.array([tokens], np.int64))
        self.binding.bind_cpu_input("attention_mask", np.ones((1, before + len(tokens)), np.int64))
        self.binding.bind_output("logits", "cpu")
        self.session.run_with_iobinding(self.binding)


class Encoder(system.Encoder):
    def __init__(self, path, threads):
        self.session = open_session(path, threads)

    def call(self, inputs):
        self.session.run(None, inputs)
