# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Other people's files as they are: magika's classifier on its examples, a GPT-2 of onnxruntime-genai with a stacked past."""
import base64
import gzip
import json
import tempfile
from pathlib import Path

import numpy as np

from harness import Checks, Reference, decoder_steps, models_folder, sinter, sinter_steps


def magika_bytes(content):
    """The features of magika's model: 1024 bytes of the stripped beginning, 1024 of the stripped end, 256 where there are fewer."""
    begin = content[:4096].lstrip()[:1024]
    end = content[-4096:].rstrip()[-1024:]
    return [*begin, *[256] * (1024 - len(begin)), *[256] * (1024 - len(end)), *end]


def magika(checks, folder):
    source = models_folder("models", "magika-standard_v3_3")
    labels = json.loads((source / "config.min.json").read_text())["target_labels_space"]
    examples = [e for e in json.load(gzip.open(source / "inference_examples_by_content.json.gz"))
                if e["status"] == "ok" and e["prediction"]["dl"] != "undefined"]
    contents = [base64.b64decode(e["content_base64"]) for e in examples]
    steps = [{"bytes": np.array([magika_bytes(c)], np.int32)} for c in contents]
    sinter("compile", source / "model.onnx", "-o", folder / "magika.so", "--dim", "unk__214=1..4")
    ours = sinter_steps(folder / "magika.so", steps)
    checks.close(ours, Reference(source / "model.onnx").run(steps), 1e-4, f"magika, {len(steps)} examples")
    right = sum(labels[int(o["target_label"][0].argmax())] == e["prediction"]["dl"] for o, e in zip(ours, examples))
    checks.that(right == len(examples), f"magika: {right} of {len(examples)} labels are the stored ones")


def gpt2(checks, folder):
    """onnxruntime's fused attention with keys and values in one past: a prompt, then tokens, on a cache in place; and the same cut otherwise."""
    model = models_folder("models", "genai-tiny", "tiny-random-gpt2-fp32") / "past.onnx"
    library = folder / "gpt2.so"
    sinter("compile", model, "-o", library, "--keep-past-outputs")
    ids = np.random.default_rng(0).integers(0, 1000, 15)
    steps = decoder_steps(ids, [7, 3, 1, 1, 1, 2], np.int32)
    ours = sinter_steps(library, steps)
    reference = Reference(model)
    checks.close(ours, reference.run(steps), 1e-4, "GPT-2 with fused operators, a prompt and steps on a growing past")
    # The session's caches as the file's presents, and a session that begins with them.
    names = [o.name for o in reference.session.get_outputs()]
    first = dict(zip(names, reference.session.run(None, {**steps[0], **reference.empty})))
    checks.close(ours[:1], [first], 1e-4, "GPT-2 with fused operators, presents")
    loaded = {past: first[present] for past, present in reference.state.items()}
    second = dict(zip(names, reference.session.run(None, {**steps[1], **loaded})))
    checks.close(sinter_steps(library, [{**steps[1], **loaded}]), [second], 1e-4, "GPT-2 with fused operators, on a past that is given")
    logits = [{"logits": step["logits"]} for step in ours]
    other = [{"logits": step["logits"]} for step in sinter_steps(library, decoder_steps(ids, [1, 9, 5], np.int32))]
    checks.same_bits([logits, other], "GPT-2 with fused operators, cut in two ways")


def main():
    models_folder("models")
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        for part in (magika, gpt2):
            try:
                part(checks, Path(folder))
            except SystemExit as error:
                checks.that(False, f"{part.__name__}: {error}")
    checks.finish()


if __name__ == "__main__":
    main()
