#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""stories260K (llama2.c's checkpoint) as ONNX: python make_stories260k.py STORIES260K_FOLDER OUTPUT_FOLDER [--rope interleaved]

The graph has the interface of optimum's exports: input_ids, attention_mask, position_ids, past_key_values.N.key/value in, logits and
present.N.key/value out. --rope half permutes the query and key weights so that a head's halves rotate, which is how exports of
Llama do it; --rope interleaved keeps the checkpoint's pairs. Both compute the same. Writes model.onnx and tokenizer.bin.
"""
import argparse
import shutil
from pathlib import Path

import numpy as np

from graph_builder import GraphBuilder


def read_checkpoint(path):
    """The weights by name, each with the layers in front, and the sizes (README of the models' folder)."""
    data = path.read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, context = np.frombuffer(data, np.int32, 7)
    floats = np.frombuffer(data, np.float32, offset=28)
    size = dim // heads
    shapes = dict(embedding=(vocab, dim), attention_norm=(layers, dim), q=(layers, dim, dim), k=(layers, kv_heads * size, dim),
                  v=(layers, kv_heads * size, dim), o=(layers, dim, dim), ffn_norm=(layers, dim), gate=(layers, hidden, dim),
                  down=(layers, dim, hidden), up=(layers, hidden, dim), final_norm=(dim,))
    weights, at = {}, 0
    for name, shape in shapes.items():
        count = int(np.prod(shape))
        weights[name] = floats[at:at + count].reshape(shape)
        at += count
    return weights, dict(layers=int(layers), heads=int(heads), kv_heads=int(kv_heads), size=int(size), context=int(context),
                         vocab=int(vocab))


def halves_first(weight, size):
    """Rows of every head from pairs (2i, 2i+1) to halves (i, i + size/2)."""
    return weight.reshape(-1, size // 2, 2, weight.shape[-1]).swapaxes(1, 2).reshape(weight.shape)


def build(weights, sizes, rope):
    g = GraphBuilder()
    heads, kv_heads, size = sizes["heads"], sizes["kv_heads"], sizes["size"]
    ids = g.input("input_ids", "i64", ["batch_size", "sequence_length"])
    keep = g.input("attention_mask", "i64", ["batch_size", "total_sequence_length"])
    positions = g.input("position_ids", "i64", ["batch_size", "sequence_length"])
    past = [[g.input(f"past_key_values.{i}.{kind}", "f32", ["batch_size", kv_heads, "past_sequence_length", size])
             for kind in ("key", "value")] for i in range(sizes["layers"])]

    def dim(value, axis):
        return g.Gather(g.Shape(value), g.constant(axis), axis=0)

    def norm(x, name, gain, scope):
        mean = g.ReduceMean(g.Pow(x, g.constant(2.0), scope=scope), g.constant(-1), keepdims=1, scope=scope)
        inverse = g.Reciprocal(g.Sqrt(g.Add(mean, g.constant(1e-5), scope=scope), scope=scope), scope=scope)
        return g.Mul(g.Mul(x, inverse, scope=scope), g.weight(name, gain), scope=scope)

    def linear(x, name, weight):
        return g.MatMul(x, g.weight(name, weight.T), scope="/" + name.replace(".weight", ""))

    batch, sequence = dim(ids, 0), dim(ids, 1)
    length = dim(past[0][0], 2)
    total = g.Add(length, sequence)

    # Angles: position times frequency; both halves, or both members of a pair, turn by the same angle.
    frequencies = (10000.0 ** (-np.arange(0, size, 2) / size)).astype(np.float32)
    both = np.concatenate([frequencies, frequencies]) if rope == "half" else np.repeat(frequencies, 2)
    place = g.Unsqueeze(g.Cast(positions, to=1), g.constant(-1), scope="/rotary")
    angles = g.Mul(place, g.weight("rotary.frequencies", both[None, None]), scope="/rotary")
    cos = g.Unsqueeze(g.Cos(angles, scope="/rotary"), g.constant(1), scope="/rotary")
    sin = g.Unsqueeze(g.Sin(angles, scope="/rotary"), g.constant(1), scope="/rotary")

    def rotate(x, scope):
        if rope == "half":
            first, second = g.Split(x, g.constant(size // 2, size // 2), axis=-1, results=2, scope=scope)
            turned = g.Concat(g.Neg(second, scope=scope), first, axis=-1, scope=scope)
        else:
            pairs = g.Reshape(x, g.constant(0, 0, 0, size // 2, 2), scope=scope)
            even, odd = g.Split(pairs, g.constant(1, 1), axis=-1, results=2, scope=scope)
            turned = g.Reshape(g.Concat(g.Neg(odd, scope=scope), even, axis=-1, scope=scope), g.constant(0, 0, 0, size),
                               scope=scope)
        return g.Add(g.Mul(x, cos, scope=scope), g.Mul(turned, sin, scope=scope), scope=scope)

    # A query sees the keys up to its own place in the cache that the mask keeps.
    scalar = lambda v: g.Squeeze(v, g.constant(0))
    zero, one = g.weight("zero", np.array(0, np.int64)), g.weight("one", np.array(1, np.int64))
    keys = g.Range(zero, scalar(total), one, scope="/mask")
    queries = g.Range(scalar(length), scalar(total), one, scope="/mask")
    causal = g.LessOrEqual(g.Unsqueeze(keys, g.constant(0)), g.Unsqueeze(queries, g.constant(1)), scope="/mask")
    visible = g.And(g.Unsqueeze(g.Cast(keep, to=9), g.constant(1, 2)), g.Unsqueeze(causal, g.constant(0, 1)), scope="/mask")
    mask = g.Where(visible, g.constant(0.0), g.weight("lowest", np.array(np.finfo(np.float32).min)), scope="/mask")

    def split_heads(x, count, scope):
        shape = g.Concat(batch, sequence, g.constant(count, size), axis=0, scope=scope)
        return g.Transpose(g.Reshape(x, shape, scope=scope), perm=[0, 2, 1, 3], scope=scope)

    def repeat(x, scope):
        shape = g.Concat(batch, g.constant(kv_heads, heads // kv_heads), total, g.constant(size), axis=0, scope=scope)
        wide = g.Expand(g.Unsqueeze(x, g.constant(2), scope=scope), shape, scope=scope)
        return g.Reshape(wide, g.Concat(batch, g.constant(heads), total, g.constant(size), axis=0, scope=scope), scope=scope)

    table = g.weight("model.embed_tokens.weight", weights["embedding"])
    x = g.Gather(table, ids, axis=0, scope="/embed_tokens")
    present = []
    for i in range(sizes["layers"]):
        scope, prefix = f"/layers.{i}", f"model.layers.{i}"
        h = norm(x, f"{prefix}.input_layernorm.weight", weights["attention_norm"][i], f"{scope}/input_layernorm")
        order = (lambda w: halves_first(w, size)) if rope == "half" else (lambda w: w)
        q = split_heads(linear(h, f"{prefix}.q_proj.weight", order(weights["q"][i])), heads, scope)
        k = split_heads(linear(h, f"{prefix}.k_proj.weight", order(weights["k"][i])), kv_heads, scope)
        v = split_heads(linear(h, f"{prefix}.v_proj.weight", weights["v"][i]), kv_heads, scope)
        k = g.Concat(past[i][0], rotate(k, scope), axis=2, scope=scope)
        v = g.Concat(past[i][1], v, axis=2, scope=scope)
        present.append((k, v))
        scores = g.MatMul(rotate(q, scope), g.Transpose(repeat(k, scope), perm=[0, 1, 3, 2], scope=scope), scope=scope)
        scores = g.Add(g.Mul(scores, g.constant(float(size ** -0.5)), scope=scope), mask, scope=scope)
        mixed = g.MatMul(g.Softmax(scores, axis=-1, scope=scope), repeat(v, scope), scope=scope)
        mixed = g.Transpose(mixed, perm=[0, 2, 1, 3], scope=scope)
        mixed = g.Reshape(mixed, g.constant(0, 0, heads * size), scope=scope)
        x = g.Add(x, linear(mixed, f"{prefix}.o_proj.weight", weights["o"][i]), scope=scope)
        h = norm(x, f"{prefix}.post_attention_layernorm.weight", weights["ffn_norm"][i], f"{scope}/post_attention_layernorm")
        gate = linear(h, f"{prefix}.gate_proj.weight", weights["gate"][i])
        up = linear(h, f"{prefix}.up_proj.weight", weights["up"][i])
        h = g.Mul(g.Mul(gate, g.Sigmoid(gate, scope=scope), scope=scope), up, scope=scope)
        x = g.Add(x, linear(h, f"{prefix}.down_proj.weight", weights["down"][i]), scope=scope)
    x = norm(x, "model.norm.weight", weights["final_norm"], "/norm")
    logits = g.MatMul(x, g.Transpose(table, perm=[1, 0], scope="/lm_head"), scope="/lm_head")
    g.output(logits, "logits", "f32", ["batch_size", "sequence_length", sizes["vocab"]])
    for i, pair in enumerate(present):
        for kind, value in zip(("key", "value"), pair):
            g.output(value, f"present.{i}.{kind}", "f32", ["batch_size", kv_heads, "total_sequence_length", size])
    return g


def write(source, folder, rope="half"):
    folder.mkdir(parents=True, exist_ok=True)
    weights, sizes = read_checkpoint(source / "stories260K.bin")
    build(weights, sizes, rope).save(folder / "model.onnx")
    shutil.copyfile(source / "tok512.bin", folder / "tokenizer.bin")
    return folder / "model.onnx"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rope", choices=["half", "interleaved"], default="half")
    arguments = parser.parse_args()
    write(arguments.source, arguments.folder, arguments.rope)
