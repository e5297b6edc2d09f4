# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The ONNX files that make_*.py write, in onnxruntime: stories260K tells its known story, gpt-nano-sort gives its stored activations."""
import struct
import tempfile
from pathlib import Path

import numpy as np

import make_nanosort
import make_stories260k
from harness import Checks, Reference, decoder_steps, models_folder

STORY = ("Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red "
         "ball. She wanted to play with it, but it was too high")


def pieces(path):
    """The tokens of a llama2.c tokenizer file as bytes."""
    data, at, result = path.read_bytes(), 4, []
    while at < len(data):
        length, = struct.unpack_from("<i", data, at + 4)
        result.append(data[at + 8:at + 8 + length])
        at += 8 + length
    return result


def greedy(reference, first, count):
    ids = [first]
    kept = []
    for _ in range(count):
        kept = reference.run(decoder_steps(ids, [len(ids)]))
        ids.append(int(kept[-1]["logits"][0, -1].argmax()))
    return ids


def main():
    source = models_folder("models")
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        runs = []
        for rope in ("half", "interleaved"):
            model = make_stories260k.write(source / "stories260K", folder / rope, rope)
            runs.append(Reference(model))
        ids = greedy(runs[0], 1, 70)
        text = b"".join(pieces(folder / "half" / "tokenizer.bin")[i] for i in ids[1:]).decode()
        checks.that(text.strip().startswith(STORY), f"stories260K begins: {text[:60]}...")
        whole = decoder_steps(ids, [len(ids)])
        split = decoder_steps(ids, [7, 1, 30, 1, 1, len(ids) - 40])
        joined = {"logits": np.concatenate([s["logits"] for s in runs[0].run(split)], axis=1)}
        checks.close([joined], runs[0].run(whole), 1e-5, "stories260K in pieces")
        checks.close(runs[1].run(whole), runs[0].run(whole), 1e-5, "interleaved rotation")

        model = make_nanosort.write(source / "gpt-nano-sort", folder / "nanosort")
        stored, _ = make_nanosort.read_json(source / "gpt-nano-sort" / "t0-partials.json")
        out = Reference(model).run([{"idx": stored["idx"].astype(np.int64)}])[0]
        stored["logits"] = stored.pop("lm_head")
        checks.close([out], [{k: stored[k].reshape(out[k].shape) for k in out}], 1e-5, f"gpt-nano-sort, {len(out)} activations")
    checks.finish()


if __name__ == "__main__":
    main()
