# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""OpenVINO's CPU plugin, tuned for latency, with its cache in f16 and activations quantized in the weights' groups (which is faster)."""
import numpy as np
import openvino as ov

import system


def open_model(model, threads, **settings):
    core = ov.Core()
    # In bf16, which the plugin would choose, linears are not computed on integers.
    settings |= {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(model) if isinstance(model, str) else model, "CPU", settings).create_infer_request()


class Decoder(system.Decoder):
    def __init__(self, path, shape, threads, capacity):
        self.request = open_model(str(path), threads, KV_CACHE_PRECISION="f16", DYNAMIC_QUANTIZATION_GROUP_SIZE=str(shape.group))
        self.beams = np.zeros(1, np.int32)
        self.past = [1, shape.kv_heads, 0, shape.head]

    def start(self, depth):
        self.request.reset_state()
        if not depth:
            return 0
        self.past[2] = depth
        # What is in the cache does not matter for the time, only how much of it is attended to.
        for state in self.request.query_state():
            state.state = ov.Tensor(np.random.default_rng(0).standard_normal(self.past, dtype=np.float32))
        self.forward([0], depth)  # takes the new state over
        return depth + 1

    def forward(self, tokens, before):
        count = len(tokens)
        self.request.infer({"input_ids": np.array([tokens], np.int64), "attention_mask": np.ones((1, before + count), np.int64),
                            "position_ids": np.arange(before, before + count, dtype=np.int64)[None], "beam_idx": self.beams},
                           share_inputs=True)


class Encoder(system.Encoder):
    def __init__(self, path, threads):
        self.request = open_model(str(path), threads)

    def call(self, inputs):
        self.request.infer(inputs, share_inputs=True)
