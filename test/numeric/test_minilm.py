# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""all-MiniLM-L6-v2 with its weights: the embeddings of 40 sentences, in one padded batch, are those that PyTorch and onnxruntime give."""
import tempfile
from pathlib import Path

import numpy as np

from harness import Checks, sinter
from real_models import load, real_folder, reference

# model, weights, what it is compared with, largest difference, smallest cosine. Integer activations round differently where sums
# of floats do, and a code more or less in a tensor of 5000 tokens shows.
CASES = [("legacy_hidden", "auto", "torch_fp32", 2e-6, 0.999999),
         ("legacy_pooled", "auto", "torch_fp32", 2e-6, 0.999999),
         ("dynamo_hidden", "auto", "torch_fp32", 2e-6, 0.999999),
         ("dynamo_pooled_op23", "auto", "torch_fp32", 2e-6, 0.999999),
         ("legacy_hidden", "int8", "torch_fp32", 0.05, 0.97),
         ("legacy_hidden_int8mm", "auto", "legacy_hidden_int8mm", 0.03, 0.99)]


def embed(library, inputs, folder):
    np.savez(folder / "in.npz", **inputs)
    sinter("run", library, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    result = next(iter(load(folder / "out.npz").values()))
    if result.ndim == 3:
        mask = inputs["attention_mask"][..., None].astype(np.float64)
        result = (result * mask).sum(1) / mask.sum(1)
    return result / np.linalg.norm(result, axis=-1, keepdims=True)


def main():
    models, data = real_folder("minilm"), reference("minilm")
    inputs = {k: v.astype(np.int64) for k, v in load(data / "inputs.npz").items()}
    expected = load(data / "embeddings.npz")
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, weights, against, largest, cosine in CASES:
            model = models / name / "model.onnx"
            if not model.exists():
                print(f"skipped: no {model}")
                continue
            sinter("compile", model, "-o", folder / "model.so", f"--weights={weights}",
                   "--dim", "batch_size=1..64", "--dim", "sequence_length=2..128")
            ours, want = embed(folder / "model.so", inputs, folder), expected[against].astype(np.float32)
            error, angle = np.abs(ours - want).max(), (ours * want).sum(-1).min()
            checks.that(error <= largest and angle >= cosine, f"{name} --weights={weights} against {against}: largest "
                        f"difference {error:.2e} (limit {largest:g}), least cosine {angle:.6f} (limit {cosine:g})")
            # Alone a sentence gets what it gets in a batch, where no scale is of the whole tensor.
            if weights == "auto" and against == "torch_fp32":
                n = int(inputs["attention_mask"][0].sum())
                alone = embed(folder / "model.so", {k: v[:1, :n] for k, v in inputs.items()}, folder)
                error = np.abs(alone - ours[:1]).max()
                checks.that(error <= 1e-6, f"{name}: a sentence alone and padded in a batch: difference {error:.2e}")
    checks.finish()


if __name__ == "__main__":
    main()
