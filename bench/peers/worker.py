#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""One runtime with one model, in a process of its own: worker.py SYSTEM KIND MODEL --threads N [--shape NAME]

Reads a JSON object a line and answers with one: {"do": "prefill", "tokens": 512} and {"do": "decode", "depth": 2048, "tokens": 32} for
decoders, {"do": "run", "tokens": 128, "repeats": 15} for encoders. An answer has the seconds it took (of repeats, the median), or an
error. Work of a few milliseconds is begun untimed, so that threads that slept are awake. The first line is written when the model
is loaded. Standard output is for answers alone; what runtimes print goes to standard error.
"""
import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from shapes import SHAPES
from system import token_ids

WARM = 4  # tokens or runs that are not timed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system")
    parser.add_argument("kind", choices=["decoder", "encoder"])
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--capacity", type=int, default=4096)
    args = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    begin = time.perf_counter()
    try:
        module = importlib.import_module("system_" + args.system.replace(".", ""))
        if args.kind == "decoder":
            shape = SHAPES[args.shape]
            model = module.Decoder(args.model, shape, args.threads, args.capacity)
        else:
            model = module.Encoder(args.model, args.threads)
    except Exception as error:
        return answer(error=str(error))
    answer(seconds=time.perf_counter() - begin)
    for line in sys.stdin:
        order = json.loads(line)
        count = order["tokens"]
        try:
            if order["do"] == "prefill":
                seconds = model.prefill(token_ids(count, shape.vocabulary))
            elif order["do"] == "decode":
                model.decode(order["depth"], token_ids(WARM, shape.vocabulary))
                seconds = model.decode(order["depth"], token_ids(count, shape.vocabulary, 29))
            else:
                ids = np.array([token_ids(count, 20000, 1000)], np.int64)
                inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
                seconds = median([model.run(inputs) for _ in range(WARM + order["repeats"])][WARM:])
        except Exception as error:
            return answer(error=str(error))
        answer(seconds=seconds)


if __name__ == "__main__":
    main()
