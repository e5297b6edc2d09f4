# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""State that is no cache, and values inside the graph: against onnxruntime, which is fed its own outputs.

A GRU cell made of single operators (declared with --state), the window of a causal convolution and a decaying sum (recognised), two states that change places;
probes in the model that ships, for one call and for one cut into chunks.
"""
import json
import tempfile
from pathlib import Path

import numpy as np
import onnx

from graph_builder import GraphBuilder
from harness import HERE, Checks, Reference, decoder_steps, sinter, sinter_steps

KJV = HERE.parent / "models" / "kjv" / "model.onnx"
SIZE = 24


class Fed(Reference):
    """State by the pairs that are given."""

    def __init__(self, path, pairs):
        super().__init__(path)
        self.state = pairs
        self.empty = {i.name: np.zeros([d if isinstance(d, int) else 1 for d in i.shape], np.float32) for i in self.session.get_inputs() if i.name in pairs}


def gru(rng):
    g = GraphBuilder()
    x, h = g.input("x", "f32", ["batch", SIZE]), g.input("h", "f32", ["batch", SIZE])
    weight = lambda name: g.weight(name, rng.standard_normal((SIZE, SIZE)).astype(np.float32) * 0.3)
    gate = lambda name: g.Sigmoid(g.Add(g.MatMul(x, weight(f"W{name}")), g.MatMul(h, weight(f"U{name}"))))
    z, r = gate("z"), gate("r")
    new = g.Tanh(g.Add(g.MatMul(x, weight("Wn")), g.MatMul(g.Mul(r, h), weight("Un"))))
    next_h = g.Add(g.Mul(g.Sub(g.constant(1.0), z), new), g.Mul(z, h))
    g.output(g.MatMul(next_h, weight("out")), "y", "f32", ["batch", SIZE])
    g.output(next_h, "next_h", "f32", ["batch", SIZE])
    return g


def window(rng):
    """A depthwise convolution over four columns, one new one a step, and a sum that decays by what the step says."""
    g = GraphBuilder()
    x = g.input("x", "f32", [1, SIZE, 1])
    past, total = g.input("columns", "f32", [1, SIZE, 4]), g.input("total", "f32", [1, SIZE, 1])
    joined = g.Concat(past, x, axis=-1)
    kept = g.Slice(joined, g.constant(-4), g.constant(5), g.constant(2))
    y = g.Conv(kept, g.weight("w", rng.standard_normal((SIZE, 1, 4)).astype(np.float32)), group=SIZE)
    next_total = g.Add(g.Mul(total, g.Sigmoid(y)), g.Tanh(x))
    g.output(g.Add(y, next_total), "y", "f32", [1, SIZE, 1])
    g.output(kept, "next_columns", "f32", [1, SIZE, 4])
    g.output(next_total, "next_total", "f32", [1, SIZE, 1])
    return g


def exchange(rng):
    g = GraphBuilder()
    x, a, b = (g.input(n, "f32", [1, SIZE]) for n in ("x", "a", "b"))
    g.output(g.Add(g.Mul(x, a), b), "y", "f32", [1, SIZE])
    g.output(g.Add(b, x), "next_a", "f32", [1, SIZE])
    g.output(a, "next_b", "f32", [1, SIZE])
    return g


def cross(rng):
    """A decoder's layer: its own cache grows, that of an encoder is an input, handed on as an output."""
    g = GraphBuilder()
    heads, size, width = 2, 8, 16
    x = g.input("x", "f32", ["batch", "sequence", width])
    own = [g.input(f"past.{n}", "f32", ["batch", heads, "past", size]) for n in ("key", "value")]
    encoder = [g.input(f"encoder.{n}", "f32", ["batch", heads, "encoded", size]) for n in ("key", "value")]
    weight = lambda name: g.weight(name, (rng.standard_normal((width, width)) * 0.4).astype(np.float32))
    split = lambda v, perm: g.Transpose(g.Reshape(v, g.constant(0, 0, heads, size)), perm=perm)
    join = lambda v: g.Reshape(g.Transpose(v, perm=[0, 2, 1, 3]), g.constant(0, 0, width))
    scaled = lambda q, k, v: g.MatMul(g.Softmax(g.Div(g.MatMul(q, g.Transpose(k, perm=[0, 1, 3, 2])), g.constant(2.5)), axis=-1), v)
    query = lambda v, name: split(g.MatMul(v, weight(name)), [0, 2, 1, 3])
    present = [g.Concat(past, query(x, n), axis=2) for past, n in zip(own, ("k", "v"))]
    y = g.Add(x, join(scaled(query(x, "q"), *present)))
    y = g.Add(y, join(scaled(query(y, "cross"), *encoder)))
    g.output(y, "y", "f32", ["batch", "sequence", width])
    for value, name in zip(present, ("key", "value")):
        g.output(value, f"present.{name}", "f32", ["batch", heads, "total", size])
    g.output(encoder[0], "encoder.key.out", "f32", ["batch", heads, "encoded", size])
    return g


def two_lengths(checks, folder, rng):
    model, library = folder / "cross.onnx", folder / "cross.so"
    cross(rng).save(model)
    numbers = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    bounds = ["--dim=sequence=1..8", "--dim=past=0..24", "--dim=encoded=1..12"]
    for batch in (1, 2):
        sinter("compile", model, "-o", library, *bounds, *(["--dim=batch=1..2"] if batch > 1 else []))
        about = json.loads(sinter("inspect", library, "--json"))
        checks.that(sorted(s["in"]["name"] for s in about["states"]) == ["past.key", "past.value"] and "encoder.key" in [i["name"] for i in about["inputs"]],
                    f"batch {batch}: the growing cache is state, what is handed on is an input")
        steps = [{"x": numbers(batch, n, 16)} for n in (5, 1, 3)]
        steps[0] |= {f"encoder.{n}": numbers(batch, 2, 9, 8) for n in ("key", "value")}
        theirs = Fed(model, {f"past.{n}": f"present.{n}" for n in ("key", "value")})
        theirs.empty = {f"past.{n}": np.zeros((batch, 2, 0, 8), np.float32) for n in ("key", "value")}
        checks.close(sinter_steps(library, steps), theirs.run(steps), 1e-5, f"batch {batch}: steps of 5, 1 and 3 tokens beside 9 of an encoder")
    try:
        one = {k: a[:1] for k, a in steps[0].items()}
        sinter_steps(library, [steps[0], one])
        checks.that(False, "a batch that changes: no error")
    except SystemExit as error:
        checks.that("cache 'past.key' has 2 sequences, the run has 1" in str(error), f"a batch that changes: {str(error).splitlines()[-1]}")


def windowed(length, **attributes):
    """One attention of rotated queries, whose past has `length` tokens."""
    heads, own, size, rng = 4, 2, 16, np.random.default_rng(5)
    g = GraphBuilder()
    x = g.input("x", "f32", [1, "sequence", 24])
    past = [g.input(f"past.{n}", "f32", [1, own, length, size]) for n in ("key", "value")]
    last, total = g.input("last", "i32", [1]), g.input("total", "i32", [])
    linear = lambda name, n: g.MatMul(x, g.weight(name, (rng.standard_normal((24, n)) * 0.4).astype(np.float32)))
    angles = np.arange(64)[:, None] / 100.0 ** (np.arange(size // 2) / (size // 2))
    tables = [g.weight(f.__name__, f(angles).astype(np.float32)) for f in (np.cos, np.sin)]
    y, *present = g.GroupQueryAttention(linear("q", heads * size), linear("k", own * size), linear("v", own * size), *past, last, total, *tables, results=3,
                                        domain="com.microsoft", num_heads=heads, kv_num_heads=own, do_rotary=1, local_window_size=8, **attributes)
    g.output(y, "y", "f32", [1, "sequence", heads * size])
    for value, name in zip(present, ("key", "value")):
        g.output(value, f"present.{name}", "f32", [1, own, length if attributes else "kept", size])
    return g


def sliding_cache(checks, folder, rng):
    """A cache that the file lets slide through a window of 8 tokens, against one that keeps all of them."""
    windowed(8, sliding_window_cache=1).save(folder / "sliding.onnx", check=False)
    windowed("past").save(folder / "growing.onnx", check=False)
    ends = np.cumsum([5, 6, 1, 1, 19, 1])
    steps = [{"x": rng.standard_normal((1, n, 24)).astype(np.float32), "last": np.array([end - 1], np.int32), "total": np.array(end, np.int32)}
             for n, end in zip(np.diff(ends, prepend=0), ends)]
    theirs = Fed(folder / "growing.onnx", {f"past.{n}": f"present.{n}" for n in ("key", "value")})
    theirs.empty = {name: np.zeros((1, 2, 0, 16), np.float32) for name in theirs.empty}
    expected = theirs.run(steps)
    for flags in ([], ["--chunk=4"]):
        sinter("compile", folder / "sliding.onnx", "-o", folder / "sliding.so", "--max-seq=64", *flags)
        checks.close(sinter_steps(folder / "sliding.so", steps), expected, 1e-5, f"a sliding cache {' '.join(flags)}: steps of {', '.join(str(len(s['x'][0])) for s in steps)} tokens")


def states(checks, folder, rng):
    column = lambda: rng.standard_normal((1, SIZE, 1)).astype(np.float32)
    row = lambda: rng.standard_normal((1, SIZE)).astype(np.float32)
    for build, pairs, declared, make in ((gru, {"h": "next_h"}, True, row), (window, {"columns": "next_columns", "total": "next_total"}, False, column),
                                         (exchange, {"a": "next_a", "b": "next_b"}, True, row)):
        name = build.__name__
        model, library = folder / f"{name}.onnx", folder / f"{name}.so"
        build(rng).save(model)
        flags = [f"--state={i}={o}" for i, o in pairs.items()] if declared else []
        sinter("compile", model, "-o", library, "--keep-past-outputs", *flags)
        about = json.loads(sinter("inspect", library, "--json"))
        checks.that({s["in"]["name"]: s["kind"] for s in about["states"]} == dict.fromkeys(pairs, "tensor") and [i["name"] for i in about["inputs"]] == ["x"],
                    f"{name}: the states are the session's own and gone from the interface")
        steps = [{"x": make()} for _ in range(6)]
        theirs = Fed(model, pairs).run(steps)
        ours = sinter_steps(library, steps)
        checks.close([{k: s[k] for k in t} for s, t in zip(ours, theirs)], theirs, 1e-5, f"{name}: six steps")
        # A state that is named is set, and what --keep-past-outputs shows is the next one.
        again = sinter_steps(library, [steps[0], {**steps[1], **{i: np.zeros_like(ours[0][o]) for i, o in pairs.items()}}])
        zero = sinter_steps(library, [steps[1]])
        checks.close(again[1:], zero, 0, f"{name}: states set to zero")
        resumed = sinter_steps(library, [{**steps[3], **{i: ours[2][o] for i, o in pairs.items()}}])
        checks.close(resumed, ours[3:4], 0, f"{name}: states set to what a step gave")


def probes(checks, folder):
    graph = onnx.load(KJV, load_external_data=False).graph
    producer = {o: n for n in graph.node for o in n.output}
    softmax = next(n for n in graph.node if n.op_type == "Softmax")
    norm = next(n for n in graph.node if n.op_type == "Mul" and len(n.output) == 1)
    down = [n for n in graph.node if n.op_type == "MatMul"][-2]
    names = [softmax.name, norm.output[0], down.output[0]]
    library = folder / "probed.so"
    sinter("compile", KJV, "-o", library, "--max-seq=64", "--chunk=8", *(f"--probe={n}" for n in names))
    # The reference: the same values as outputs of the file.
    model = onnx.load(KJV)
    values = [softmax.output[0], norm.output[0], down.output[0]]
    for value in values:
        model.graph.output.add().CopyFrom(onnx.helper.make_empty_tensor_value_info(value))
    onnx.save(model, folder / "probed.onnx")
    steps = decoder_steps(np.random.default_rng(1).integers(0, 500, 12), [7, 3, 1, 1])
    theirs = Reference(folder / "probed.onnx").run(steps)
    for step in theirs: # what is masked is a zero for both
        for value in values:
            assert value in step
    ours = sinter_steps(library, steps)
    checks.close(ours, theirs, 1e-4, f"probes of {', '.join(names)}")
    about = json.loads(sinter("inspect", library, "--json"))
    checks.that(not about["chunkable"] and any(softmax.output[0] in note for note in about["notes"]),
                "attention weights of chunks cannot be put together: a prompt is one piece, and a note says why")

    # Rows of tokens are put together from chunks.
    sinter("compile", KJV, "-o", library, "--max-seq=64", "--chunk=4", f"--probe={down.output[0]}")
    long = decoder_steps(np.random.default_rng(2).integers(0, 500, 23), [22, 1])
    theirs = [{k: v for k, v in step.items() if k in ("logits", down.output[0])} for step in Reference(folder / "probed.onnx").run(long)]
    checks.close(sinter_steps(library, long), theirs, 1e-4, "a probe through chunks of 4")


def errors(checks, folder, rng):
    gru(rng).save(folder / "gru.onnx")
    for arguments, sentence in ((["--probe=nowhere"], "--probe 'nowhere': no node or value has this name"), (["--probe=x"], "--probe 'x': it is an input"),
                                (["--state=x=nowhere"], "no output is named 'nowhere' for --state 'x=nowhere': there are 'y', 'next_h'"),
                                (["--state=nowhere=y"], "no input is named 'nowhere' for --state 'nowhere=y': there are 'x', 'h'")):
        try:
            sinter("compile", folder / "gru.onnx", "-o", folder / "no.so", *arguments)
            checks.that(False, f"{arguments}: no error")
        except SystemExit as error:
            checks.that(sentence in str(error) and "gru.onnx'" in str(error) and not (folder / "no.so").exists(), f"{arguments[0]}: {str(error).splitlines()[-1]}")


def main():
    checks, rng = Checks(), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        states(checks, Path(folder), rng)
        two_lengths(checks, Path(folder), rng)
        sliding_cache(checks, Path(folder), rng)
        probes(checks, Path(folder))
        errors(checks, Path(folder), rng)
    checks.finish()


if __name__ == "__main__":
    main()
