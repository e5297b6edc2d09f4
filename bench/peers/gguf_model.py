#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Write a decoder with random Q4_0 weights for llama.cpp: gguf_model.py SHAPE FILE.gguf"""
import sys
from pathlib import Path

import gguf
import numpy as np

from shapes import SHAPES

# llama.cpp's name of each linear.
NAMES = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}
BLOCK = 32
BLOCK_BYTES = 18  # an f16 scale and 32 codes


def write(shape, path):
    random = np.random.default_rng(0)
    part = path.with_name(path.name + ".part")
    # Biases of queries, keys and values are what the two architectures differ in.
    w = gguf.GGUFWriter(part, "qwen2" if shape.bias else "llama")
    w.add_block_count(shape.layers)
    w.add_context_length(shape.context)
    w.add_embedding_length(shape.hidden)
    w.add_feed_forward_length(shape.ffn)
    w.add_head_count(shape.heads)
    w.add_head_count_kv(shape.kv_heads)
    w.add_rope_dimension_count(shape.head)
    w.add_rope_freq_base(shape.theta)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_vocab_size(shape.vocabulary)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    w.add_tokenizer_model("no_vocab")

    def matrix(name, rows, columns):
        blocks = np.frombuffer(random.bytes(rows * columns // BLOCK * BLOCK_BYTES), np.uint8).reshape(rows, -1, BLOCK_BYTES).copy()
        scales = (random.random((rows, columns // BLOCK)) + 0.5) * (0.02 / 4.6)
        blocks[..., :2] = scales.astype(np.float16).view(np.uint8).reshape(rows, -1, 2)
        w.add_tensor(name, blocks.reshape(rows, -1), raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    matrix("token_embd.weight", shape.vocabulary, shape.hidden)
    w.add_tensor("output_norm.weight", np.ones(shape.hidden, np.float32))
    if not shape.tied:
        matrix("output.weight", shape.vocabulary, shape.hidden)
    for layer in range(shape.layers):
        for norm in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"blk.{layer}.{norm}.weight", np.ones(shape.hidden, np.float32))
        for name, rows, columns in shape.linears():
            matrix(f"blk.{layer}.{NAMES[name]}.weight", rows, columns)
            if shape.bias and name in "qkv":
                w.add_tensor(f"blk.{layer}.{NAMES[name]}.bias", random.standard_normal(rows, dtype=np.float32) * np.float32(0.02))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    part.rename(path)


if __name__ == "__main__":
    write(SHAPES[sys.argv[1]], Path(sys.argv[2]))
