# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""A decoder in f32 against onnxruntime: python test_decoder.py kjv | stories260k [half|interleaved]

Steps of several lengths, the same bits whatever the chunks, the calls and the threads, 256 greedy tokens, quantized weights close.
"""
import sys
import tempfile
from pathlib import Path

import numpy as np

import make_stories260k
from harness import HERE, Checks, Reference, decoder_steps, models_folder, sinter, sinter_steps


def greedy(reference, ids, count):
    """The prompt and `count` greedy tokens, each from one step of one."""
    names = [o.name for o in reference.session.get_outputs()]
    past, new, ids = dict(reference.empty), list(ids), list(ids)
    for _ in range(count):
        feed = decoder_steps(ids, [len(ids) - len(new), len(new)])[-1]
        out = dict(zip(names, reference.session.run(None, {**feed, **past})))
        past = {i: out[o] for i, o in reference.state.items()}
        new = [int(out["logits"][0, -1].argmax())]
        ids += new
    return ids


def main():
    which = sys.argv[1]
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if which == "kjv":
            model = HERE.parent / "models" / "kjv" / "model.onnx"
            start = [0, 500, 600, 700]
        else:
            model = make_stories260k.write(models_folder("models", "stories260K"), folder, *sys.argv[2:])
            start = [1]
        library = folder / "model.so"
        sinter("compile", model, "-o", library)
        reference = Reference(model)

        ids = greedy(reference, start, 256)
        steps = decoder_steps(ids, [7, 3, 1, 1])
        checks.close(sinter_steps(library, steps), reference.run(steps), 1e-4, "steps of 7, 3, 1 and 1")
        steps = decoder_steps(ids, [len(start)] + [1] * 256)
        checks.greedy(sinter_steps(library, steps), reference.run(steps), "256 greedy tokens")

        rng = np.random.default_rng(0)
        ids = (ids + list(rng.integers(3, 500, 500)))[:500]
        whole = decoder_steps(ids, [500])
        expected = reference.run(whole)
        runs = [sinter_steps(library, whole)]
        checks.close(runs[0], expected, 1e-4, "500 tokens in one call")
        for n in (1, 7, 64):
            lengths = [n] * (500 // n) + ([500 % n] if 500 % n else [])
            runs.append(sinter_steps(library, decoder_steps(ids, lengths)))
        checks.same_bits(runs, "500 tokens in calls of 500, 1, 7 and 64")
        checks.same_bits([runs[0]] + [sinter_steps(library, whole, "--threads", n) for n in (1, 2, 3)], "1, 2 and 3 threads")
        chunks = []
        for n in (1, 7, 64):
            sinter("compile", model, "-o", folder / "chunk.so", f"--chunk={n}")
            chunks.append(sinter_steps(folder / "chunk.so", whole))
        checks.same_bits([runs[0], *chunks], "chunks of 512, 1, 7 and 64")

        for weights, limit in (("int8", 0.05), ("int4:group=32", 0.4)):
            sinter("compile", model, "-o", folder / "quantized.so", f"--weights={weights}")
            short = [sinter_steps(folder / "quantized.so", decoder_steps(ids, lengths), "--threads", threads)
                     for lengths, threads in (([100], 1), ([100], 3), ([1] * 100, 2), ([7] * 14 + [2], 2))]
            checks.same_bits(short, f"--weights={weights}: 100 tokens in calls of 100, 1 and 7, on 1, 2 and 3 threads")
            ours = sinter_steps(folder / "quantized.so", whole)[0]["logits"].astype(np.float64)
            theirs = expected[0]["logits"].astype(np.float64)
            log_p, log_q = (x - x.max(-1, keepdims=True) for x in (theirs, ours))
            log_p, log_q = (x - np.log(np.exp(x).sum(-1, keepdims=True)) for x in (log_p, log_q))
            divergence = float((np.exp(log_p) * (log_p - log_q)).sum(-1).mean())
            checks.that(divergence < limit, f"--weights={weights}: mean KL divergence {divergence:.4f} (limit {limit})")
    checks.finish()


if __name__ == "__main__":
    main()
