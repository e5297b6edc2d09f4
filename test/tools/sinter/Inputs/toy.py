# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Files for the tests of `sinter`: toy.py FOLDER.

toy.onnx: what test/unit/Runtime/ToyDecoder.h computes. case.npz: three steps of it, the last from an empty cache. tokenizer.json: its five tokens, of
which `<e>` (2) is special.
"""
import json
import sys
from pathlib import Path

import numpy as np

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)

step = lambda ids, past: dict(input_ids=np.array([ids]), attention_mask=np.ones((1, past + len(ids)), np.int64),
                              position_ids=np.arange(past, past + len(ids))[None])
steps = [step([1, 2, 3, 0, 4, 4, 1], 0), step([2], 7), {**step([3, 3], 0), "past.tokens": np.zeros((1, 0, 2), np.float32)}]
np.savez_compressed(out / "case.npz", **{f"{i}/in/{n}": a for i, s in enumerate(steps) for n, a in s.items()})
np.savez(out / "in.npz", **steps[0])

json.dump({"added_tokens": [{"id": 2, "content": "<e>", "special": True}], "decoder": {"type": "Fuse"},
           "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "<e>": 2, "c": 3, "d": 4}, "merges": []}}, open(out / "tokenizer.json", "w"))

try:
    from onnx import TensorProto, helper, numpy_helper, save
except ImportError:
    sys.exit()
node = helper.make_node
constant = lambda name, value: numpy_helper.from_array(np.asarray(value), name)
value = lambda name, kind, *shape: helper.make_tensor_value_info(name, kind, shape)
nodes = [
    node("Cast", ["input_ids"], ["ids"], to=TensorProto.FLOAT), node("Cast", ["position_ids"], ["positions"], to=TensorProto.FLOAT),
    node("Unsqueeze", ["ids", "two"], ["ids3"]), node("Unsqueeze", ["positions", "two"], ["positions3"]),
    node("Concat", ["ids3", "positions3"], ["pairs"], axis=2), node("Concat", ["past.tokens", "pairs"], ["present.tokens"], axis=1),
    node("Gather", ["present.tokens", "zero"], ["tokens"], axis=2), node("Gather", ["present.tokens", "one"], ["places"], axis=2),
    node("Unsqueeze", ["places", "row"], ["places3"]), node("Sub", ["positions3", "places3"], ["distance"]),
    node("GreaterOrEqual", ["distance", "0"], ["seen"]), node("Cast", ["seen"], ["causal"], to=TensorProto.FLOAT),
    node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT), node("Unsqueeze", ["mask", "row"], ["mask3"]),
    node("Mul", ["causal", "mask3"], ["weight"]), node("Relu", ["distance"], ["positive"]), node("Add", ["positive", "1"], ["divisor"]),
    node("Div", ["weight", "divisor"], ["share"]), node("Unsqueeze", ["tokens", "two"], ["tokens3"]), node("MatMul", ["share", "tokens3"], ["sum"]),
    node("ReduceSum", ["share", "two"], ["all"]), node("Mul", ["all", "steps"], ["slope"]), node("Add", ["sum", "slope"], ["logits"])]
i64, f32 = TensorProto.INT64, TensorProto.FLOAT
save(helper.make_model(helper.make_graph(
    nodes, "toy",
    [value("input_ids", i64, 1, "sequence"), value("attention_mask", i64, 1, "total"), value("position_ids", i64, 1, "sequence"),
     value("past.tokens", f32, 1, "past", 2)],
    [value("logits", f32, 1, "sequence", 5), value("present.tokens", f32, 1, "total", 2)],
    [constant("zero", np.int64(0)), constant("one", np.int64(1)), constant("row", np.int64([1])), constant("two", np.int64([2])),
     constant("0", np.float32(0)), constant("1", np.float32(1)), constant("steps", np.arange(5, dtype=np.float32))]),
    opset_imports=[helper.make_opsetid("", 17)], ir_version=8), out / "toy.onnx")
