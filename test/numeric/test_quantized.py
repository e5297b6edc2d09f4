# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Linears that the file quantizes, with onnxruntime's own quantizer: static QDQ with a scale a channel, and dynamic.

They run on integers (one activation format a linear), the numbers are onnxruntime's, and no scale is compiled in: a file with more layers has the same
kernels.
"""
import json
import re
import tempfile
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

import make_stories260k
from harness import Checks, Reference, decoder_steps, sinter, sinter_steps

LINEARS = 7  # of a layer; the head is the transposed embedding, which the quantizer leaves alone


class Prompts(CalibrationDataReader):
    def __init__(self, rng, layers):
        past = {f"past_key_values.{i}.{half}": np.zeros((1, 4, 0, 8), np.float32) for i in range(layers) for half in ("key", "value")}
        self.feeds = iter([{**decoder_steps(rng.integers(0, 64, 16), [16])[0], **past} for _ in range(4)])

    def get_next(self):
        return next(self.feeds, None)


def write_decoder(path, layers, rng):
    dim, kv, hidden = 64, 32, 128
    shapes = dict(embedding=(64, dim), attention_norm=(layers, dim), q=(layers, dim, dim), k=(layers, kv, dim), v=(layers, kv, dim),
                  o=(layers, dim, dim), ffn_norm=(layers, dim), gate=(layers, hidden, dim), down=(layers, dim, hidden),
                  up=(layers, hidden, dim), final_norm=(dim,))
    weights = {k: (rng.standard_normal(s) * 0.2).astype(np.float32) for k, s in shapes.items()}
    sizes = dict(layers=layers, heads=8, kv_heads=4, size=8, context=64, vocab=64)
    make_stories260k.build(weights, sizes, "half").save(path)


def main():
    checks, rng = Checks(), np.random.default_rng(0)
    only_linears = {"MatMulConstBOnly": True}
    with tempfile.TemporaryDirectory() as folder:
        folder, kernels = Path(folder), {}
        for layers in (2, 5):
            plain = folder / f"{layers}.onnx"
            write_decoder(plain, layers, rng)
            for kind in ("static-ui8", "static-i8", "dynamic"):
                model, library = folder / f"{kind}-{layers}.onnx", folder / f"{kind}-{layers}.so"
                if kind == "dynamic":
                    quantize_dynamic(plain, model, op_types_to_quantize=["MatMul"], extra_options=only_linears)
                else:
                    quantize_static(plain, model, Prompts(rng, layers), quant_format=QuantFormat.QDQ, op_types_to_quantize=["MatMul"],
                                    per_channel=True, weight_type=QuantType.QInt8, extra_options=only_linears,
                                    activation_type=QuantType.QUInt8 if kind == "static-ui8" else QuantType.QInt8)
                sinter("compile", model, "-o", library, "--max-seq=64")
                kernels.setdefault(kind, []).append(json.loads(sinter("inspect", library, "--json"))["kernels"])
                text = sinter("compile", model, "--max-seq=64", "--stop-after=raise")
                integers = len(re.findall(r"graph\.linear .*activation = #qt\.act<type = u?i8, granularity = tensor", text))
                checks.that(integers == LINEARS * layers, f"{kind}, {layers} layers: {integers} linears on integers")
                steps = decoder_steps(rng.integers(0, 64, 12), [7, 3, 1, 1])
                checks.close(sinter_steps(library, steps), Reference(model).run(steps), 1e-5, f"{kind}, {layers} layers: steps of 7, 3, 1 and 1")
        for kind, (few, many) in kernels.items():
            checks.that(few == many, f"{kind}: kernels for 2 and for 5 layers: {few}, {many}")
    checks.finish()


if __name__ == "__main__":
    main()
