"""Other people's files as they are: magika's classifier on its examples, a GPT-2 of onnxruntime-genai that is refused."""
import base64
import gzip
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from harness import Checks, Reference, models_folder, sinter, sinter_steps


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
    """Its fused attention has no rule yet: the file is refused whole, with all that is missing in one sentence."""
    model = models_folder("models", "genai-tiny", "tiny-random-gpt2-fp32") / "past.onnx"
    library = folder / "gpt2.so"
    result = subprocess.run([Path(os.environ["SINTER_BIN"], "sinter"), "compile", model, "-o", library], capture_output=True, text=True)
    named = all(op in result.stderr for op in ("com.microsoft.Attention", "com.microsoft.EmbedLayerNormalization"))
    checks.that(result.returncode == 1 and named and not library.exists(), f"GPT-2 with fused operators is refused: {result.stderr.strip()}")


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
