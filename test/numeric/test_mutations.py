# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Damaged models: every one is compiled or refused with one sentence, in time and in bounded memory, and none crashes the compiler.

Small models of our own, and some of the zoo's where it is at hand, go through the program mutate (test/unit/Driver), which says what it
changes: attributes, inputs, ranks, types, sizes, axes, empty tensors, operators, operator sets, value_info. test_mutations.py MUTATE [COUNT [FIRST]]
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static

import make_stories260k
from graph_builder import GraphBuilder
from harness import Checks
from test_quantized import Prompts

ZOO = ("gpt2-legacy", "llama-genai-int4-b32", "bert-dynamo", "vit-legacy-qdq-int8", "llama-dynamo-qdq4-b32", "modernbert-dynamo", "gemma3-genai-int4-b32",
       "whisper-legacy", "t5-dynamo", "swin-legacy", "mamba-tf", "qwen3_moe-optimum", "wav2vec2-dynamo", "lstm-attn-legacy", "deberta-v2-dynamo")


def decoder(path, rng):
    dim, kv, hidden, layers = 64, 32, 128, 1
    shapes = dict(embedding=(64, dim), attention_norm=(layers, dim), q=(layers, dim, dim), k=(layers, kv, dim), v=(layers, kv, dim), o=(layers, dim, dim),
                  ffn_norm=(layers, dim), gate=(layers, hidden, dim), down=(layers, dim, hidden), up=(layers, hidden, dim), final_norm=(dim,))
    weights = {k: (rng.standard_normal(s) * 0.2).astype(np.float32) for k, s in shapes.items()}
    make_stories260k.build(weights, dict(layers=layers, heads=8, kv_heads=4, size=8, context=64, vocab=64), "half").save(path)


def encoder(path, rng):
    """A convolution stem, attention by its parts, a gather by position, pooling, a window of state."""
    g = GraphBuilder()
    weight = lambda name, *shape: g.weight(name, (rng.standard_normal(shape) * 0.2).astype(np.float32))
    x = g.input("pixels", "f32", [1, 3, 16, 16])
    y = g.Conv(x, weight("stem", 16, 3, 4, 4), weight("stem_bias", 16), strides=[4, 4], kernel_shape=[4, 4])
    y = g.Transpose(g.Reshape(y, g.constant(1, 16, 16)), perm=[0, 2, 1])
    y = g.Add(y, g.Gather(weight("positions", 32, 16), g.input("ids", "i64", [1, 16]), axis=0))
    heads = lambda name, perm: g.Transpose(g.Reshape(g.MatMul(y, weight(name, 16, 16)), g.constant(0, 0, 4, 4)), perm=perm)
    scores = g.Div(g.MatMul(heads("q", [0, 2, 1, 3]), heads("k", [0, 2, 3, 1])), g.constant(2.0))
    mixed = g.Transpose(g.MatMul(g.Softmax(scores, axis=-1), heads("v", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    y = g.Add(y, g.MatMul(g.Reshape(mixed, g.constant(0, 0, -1)), weight("o", 16, 16)))
    y = g.LayerNormalization(y, weight("scale", 16), weight("bias", 16), axis=-1, epsilon=1e-5)
    a, b = g.Split(g.MatMul(y, weight("up", 16, 32)), axis=-1, num_outputs=2, results=2)
    y = g.Mul(g.Sigmoid(a), b)
    past = g.input("past", "f32", [1, 16, 3])
    joined = g.Concat(past, g.Transpose(y, perm=[0, 2, 1]), axis=2)
    state = g.Slice(joined, g.constant(-3), g.constant(1 << 40), g.constant(2))
    mean = g.ReduceMean(y, g.constant(1), keepdims=0)
    g.output(g.Gemm(mean, weight("head", 10, 16), weight("head_bias", 10), transB=1), "y", "f32", [1, 10])
    g.output(state, "present", "f32", [1, 16, 3])
    g.save(path)


def main():
    program, count, first = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100, int(sys.argv[3]) if len(sys.argv) > 3 else 0
    checks, rng = Checks(), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        decoder(folder / "decoder.onnx", rng)
        encoder(folder / "encoder.onnx", rng)
        quantize_static(folder / "decoder.onnx", folder / "static.onnx", Prompts(rng, 1), quant_format=QuantFormat.QDQ, op_types_to_quantize=["MatMul"],
                        per_channel=True, weight_type=QuantType.QInt8)
        quantize_dynamic(folder / "decoder.onnx", folder / "dynamic.onnx", op_types_to_quantize=["MatMul"])
        models = [folder / f"{name}.onnx" for name in ("decoder", "encoder", "static", "dynamic")]
        zoo = Path(os.environ.get("SINTER_MODELS", "")) / "zoo"
        for name in ZOO:
            for source in sorted((zoo / name).glob("*.onnx*")) if zoo.is_dir() else []:
                (folder / name).mkdir(exist_ok=True)
                shutil.copy(source, folder / name)
            models += sorted((folder / name).glob("*.onnx"))
        for model in models:
            done = subprocess.run([program, model, str(first), str(count if model.parent == folder else count // 5)], capture_output=True, text=True)
            lines = done.stdout.strip().splitlines() or [done.stderr]
            checks.that(done.returncode == 0, "\n      ".join([lines[-1].removeprefix(str(folder) + "/"), *lines[:-1]]))
    checks.finish()


if __name__ == "__main__":
    main()
