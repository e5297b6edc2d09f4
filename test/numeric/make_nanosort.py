#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""gpt-nano-sort (minGPT's sorting example, from llm-viz) as ONNX: python make_nanosort.py GPT_NANO_SORT_FOLDER OUTPUT_FOLDER

In: idx [batch_size, sequence_length]. Out: logits, probs and, as the stored run of the model has them, the activations of every
stage (block0, ln_f, ...), so that a mistake is found where it is made.
"""
import base64
import json
import sys
from pathlib import Path

import numpy as np

from graph_builder import GraphBuilder


def read_json(path):
    """The arrays of a file {"name": {"shape", "data"}} and its config."""
    content = json.loads(path.read_text())
    config = content.pop("config", None)
    return {k: np.frombuffer(base64.b64decode(v["data"]), np.float32).reshape(v["shape"])
            for k, v in content.items() if isinstance(v, dict) and "data" in v}, config


def build(w, config):
    g = GraphBuilder()
    heads, width = config["n_head"], config["n_embd"]
    size = width // heads
    ids = g.input("idx", "i64", ["batch_size", "sequence_length"])
    shape = g.Shape(ids)
    length = g.Gather(shape, g.constant(1), axis=0)

    def dense(x, name, scope):
        y = g.MatMul(x, g.weight(name + ".weight", w[name + ".weight"].T), scope=scope)
        return g.Add(y, g.weight(name + ".bias", w[name + ".bias"]), scope=scope) if name + ".bias" in w else y

    def layer_norm(x, name, scope):
        return g.LayerNormalization(x, g.weight(name + ".weight", w[name + ".weight"]), g.weight(name + ".bias", w[name + ".bias"]),
                                    axis=-1, epsilon=1e-5, scope=scope)

    def gelu(x, scope):
        cube = g.Mul(g.Pow(x, g.constant(3.0), scope=scope), g.constant(0.044715), scope=scope)
        inner = g.Mul(g.Add(x, cube, scope=scope), g.constant(float(np.sqrt(2 / np.pi))), scope=scope)
        return g.Mul(g.Mul(x, g.constant(0.5), scope=scope), g.Add(g.Tanh(inner, scope=scope), g.constant(1.0), scope=scope),
                     scope=scope)

    shown = {}
    positions = g.Range(g.weight("zero", np.array(0, np.int64)), g.Squeeze(length, g.constant(0)),
                        g.weight("one", np.array(1, np.int64)))
    shown["tok_emb"] = g.Gather(g.weight("transformer.wte.weight", w["transformer.wte.weight"]), ids, axis=0)
    place = g.Gather(g.weight("transformer.wpe.weight", w["transformer.wpe.weight"]), positions, axis=0)
    x = shown["x"] = g.Add(shown["tok_emb"], g.Unsqueeze(place, g.constant(0)))
    for i in range(config["n_layer"]):
        scope, p = f"/h.{i}", f"transformer.h.{i}"
        h = layer_norm(x, p + ".ln_1", scope)
        shown.setdefault("ln1", h)
        qkv = dense(h, p + ".attn.c_attn", scope)
        parts = g.Split(qkv, g.constant(width, width, width), axis=-1, results=3, scope=scope)
        q, k, v = (g.Transpose(g.Reshape(t, g.constant(0, 0, heads, size), scope=scope), perm=[0, 2, 1, 3], scope=scope)
                   for t in parts)
        scores = g.Mul(g.MatMul(q, g.Transpose(k, perm=[0, 1, 3, 2], scope=scope), scope=scope), g.constant(float(size ** -0.5)),
                       scope=scope)
        # The causal buffer, cut to the length, as minGPT does.
        causal = g.weight(f"{p}.attn.bias", w[f"{p}.attn.bias"].reshape(1, 1, config["block_size"], config["block_size"]))
        causal = g.Slice(causal, g.constant(0, 0), g.Concat(length, length, axis=0, scope=scope), g.constant(2, 3), scope=scope)
        hidden = g.Equal(causal, g.constant(0.0), scope=scope)
        scores = g.Where(hidden, g.constant(float("-inf")), scores, scope=scope)
        mixed = g.MatMul(g.Softmax(scores, axis=-1, scope=scope), v, scope=scope)
        mixed = g.Reshape(g.Transpose(mixed, perm=[0, 2, 1, 3], scope=scope), g.constant(0, 0, width), scope=scope)
        attended = dense(mixed, p + ".attn.c_proj", scope)
        x = g.Add(x, attended, scope=scope)
        h = layer_norm(x, p + ".ln_2", scope)
        h = gelu(dense(h, p + ".mlp.c_fc", scope), scope)
        mlp = dense(h, p + ".mlp.c_proj", scope)
        if i == 0:
            shown.update(qkv=qkv, yProj=attended, attnResid=x, mlp=mlp)
        x = shown[f"block{i}"] = g.Add(x, mlp, scope=scope)
    shown["ln_f"] = layer_norm(x, "transformer.ln_f", "/ln_f")
    logits = g.MatMul(shown["ln_f"], g.weight("lm_head.weight", w["lm_head.weight"].T), scope="/lm_head")
    vocab = w["lm_head.weight"].shape[0]
    g.output(logits, "logits", "f32", ["batch_size", "sequence_length", vocab])
    g.output(g.Softmax(logits, axis=-1), "probs", "f32", ["batch_size", "sequence_length", vocab])
    for name, value in shown.items():
        g.output(value, name, "f32", ["batch_size", "sequence_length", 3 * width if name == "qkv" else width])
    return g


def write(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    build(*read_json(source / "model.json")).save(folder / "model.onnx")
    return folder / "model.onnx"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(Path(sys.argv[1]), Path(sys.argv[2]))
