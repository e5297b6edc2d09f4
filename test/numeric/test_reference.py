# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Kernels against the definitions of the graph's operations: the same model at graph level, run as convert-graph-to-linalg says it, and compiled.

    python test_reference.py LLVM_TOOLS [REGEX]

Models: the one that ships in several formats, the families of test_operators.py, and of the zoo what is listed below.
"""
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

import test_operators
from definition import Definition, find_tools
from harness import HERE, Checks, decoder_steps, sinter, sinter_steps

# Where activations are quantized, a value on the edge between two codes may get either.
FLOAT, HALF, CODES = 2e-5, 2e-3, 2e-3

# (name, tolerance): encoders and decoders of several exporters, weights that files quantize, states, half precision.
ZOO = [("bert-legacy-nbits4-asym", FLOAT), ("bert-legacy-dyn-int8", CODES), ("bert-legacy-qdq-int8", CODES), ("bert-legacy-fp16", HALF), ("convnext-legacy", FLOAT),
       ("deberta-v2-legacy", FLOAT), ("gemma2-dynamo", FLOAT), ("gemma2-genai-int4-b32", FLOAT), ("gpt2-legacy-fp16", HALF),
       ("llama-genai-int4-b128-asym", FLOAT), ("llama-legacy-qdq8-pc", CODES), ("mamba-legacy-fixed", FLOAT), ("mistral-genai-int4-b32", FLOAT), ("mixtral-tf-ort", FLOAT),
       ("vit-dynamo", FLOAT)]


def compare(checks, what, model, folder, tools, steps, tolerance, flags=(), codes=False, **options):
    """`codes`: integers may be a step apart, where a sum lies between two."""
    library = Path(folder) / "model.so"
    try:
        theirs = Definition(model, folder, tools, flags, **options).run(steps)
    except RuntimeError as error:
        checks.that(False, f"{what}: {error}")
        return
    sinter("compile", model, "-o", library, "--keep-past-outputs", *flags)
    ours = sinter_steps(library, steps)
    for a, b in zip(ours, theirs):
        for name in b:
            if name in a and b[name].dtype.kind == "f":
                # What is not finite must be so on both sides.
                odd = ~np.isfinite(b[name])
                same = np.array_equal(a[name][odd], b[name][odd], equal_nan=True) if a[name].shape == b[name].shape else True
                if not same:
                    checks.that(False, f"{what}: {name} is not finite where it should be, or the other way")
                    return
                a[name], b[name] = np.where(odd, 0, a[name]), np.where(odd, 0, b[name])
            elif name in a and codes and a[name].shape == b[name].shape and np.abs(a[name].astype(int) - b[name].astype(int)).max(initial=0) <= 1:
                a[name] = b[name]
    checks.close(ours, theirs, tolerance, what)


def main():
    tools = find_tools(sys.argv[1])
    wanted = re.compile(sys.argv[2] if len(sys.argv) > 2 else "")
    checks = Checks()

    def case(what, *arguments, **options):
        if wanted.search(what):
            with tempfile.TemporaryDirectory() as folder:
                compare(checks, what, *arguments[:1], folder, tools, *arguments[1:], **options)

    kjv = HERE.parent / "models" / "kjv" / "model.onnx"
    steps = decoder_steps(np.random.default_rng(3).integers(0, 1024, 11).tolist(), [7, 1, 3])
    for flags, tolerance in ((("--weights=int4", "--activations=f32"), FLOAT), (("--weights=int8:group=32",), CODES), (("--weights=int8",), CODES)):
        case(" ".join(("kjv", *flags)), kjv, steps, tolerance, flags=flags)
    # As the file has it; and what bounds prove of its mask is another way to say the same.
    case("kjv, bounded", kjv, steps, FLOAT, stage="kv", passes=["--bound-attention"])

    for build, opset, tolerance in test_operators.FAMILIES:
        model = test_operators.Model()
        build(model)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            model.save(path, opset)
            case(build.__name__, path, [model.values], tolerance, codes=build is test_operators.quantized)

    models = Path(os.environ.get("SINTER_MODELS", HERE.parent.parent.parent / "shared"))
    if not (models / "zoo").exists():
        print(f"no zoo at {models}: its models are left out")
    else:
        zoo_cases(models, case)
    checks.finish()


def zoo_cases(models, case):
    import json
    sys.path.insert(0, str(models / "tools"))
    import zoo_check
    for name, tolerance in ZOO:
        entry = models / "zoo" / name
        meta = json.loads((entry / "meta.json").read_text())
        stateful = bool(meta.get("feeds"))
        graphs = zoo_check.cases(entry)["case.npz"]
        flags = [f"--dim={k}={zoo_check.bound(v, stateful)}" for k, v in meta.get("dims", {}).items()]
        zoo_check.fill(graphs[None], meta.get("feeds") or {})
        case(name, entry / "model.onnx", [step["in"] for step in graphs[None].values()], tolerance, flags=("--activations=f32", *flags))


if __name__ == "__main__":
    main()
