#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Write a decoder with random weights as onnxruntime-genai's builder would: onnx_model.py SHAPE FOLDER [--float]

FOLDER/model.onnx has MatMulNBits weights of 4 bits in groups of 128 at accuracy level 4 (with --float: f32 MatMul), packed query-key-value
projections, GroupQueryAttention and all logits; weights are in model.onnx.data. FOLDER/last.onnx is the same with the logits of
the last token only, for runtimes that compute what the file says even where nobody reads it.
Every weight is drawn on its own: a runtime that shares equal ones would read less memory.
"""
import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from shapes import SHAPES

BLOCK = 128
SPREAD = 0.02  # standard deviation of the weights


class Writer:
    """A graph whose large tensors go to one file as they are made."""

    def __init__(self, data):
        self.data, self.nodes, self.initializers = data, [], []
        self.random = np.random.default_rng(0)

    def tensor(self, name, array):
        if array.nbytes < 1024:
            self.initializers.append(numpy_helper.from_array(array, name))
            return name
        self.data.write(b"\0" * (-self.data.tell() % 4096))
        tensor = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(array.dtype), dims=array.shape,
                             data_location=TensorProto.EXTERNAL)
        place = {"location": Path(self.data.name).name, "offset": self.data.tell(), "length": array.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.data.write(memoryview(np.ascontiguousarray(array)).cast("B"))
        self.initializers.append(tensor)
        return name

    def node(self, op, inputs, outputs, domain="", **attributes):
        outputs = [outputs] if isinstance(outputs, str) else outputs
        name = next(o for o in outputs if o)
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes))
        return name

    def normal(self, *dims):
        return self.random.standard_normal(dims, dtype=np.float32) * np.float32(SPREAD)

    def codes(self, name, rows, columns):
        """4-bit weights of a linear and their scales."""
        blocks = -(-columns // BLOCK)
        codes = np.frombuffer(self.random.bytes(rows * blocks * BLOCK // 2), np.uint8)
        # Codes are uniform over 16 values, which spread by 4.6.
        scales = (self.random.random((rows, blocks), dtype=np.float32) + 0.5) * np.float32(SPREAD / 4.6)
        return (self.tensor(name + ".weight_Q4", codes.reshape(rows, blocks, BLOCK // 2)),
                self.tensor(name + ".weight_scales", scales))

    def linear(self, name, x, rows, columns, quantized, result=None):
        result = result or name + "/output"
        if not quantized:
            return self.node("MatMul", [x, self.tensor(name + ".weight", self.normal(columns, rows))], result)
        return self.node("MatMulNBits", [x, *self.codes(name, rows, columns)], result, "com.microsoft",
                         N=rows, K=columns, bits=4, block_size=BLOCK, accuracy_level=4)


def build(w, shape, quantized):
    """Appends the decoder's nodes to `w`; returns the graph's inputs and outputs."""
    info = helper.make_tensor_value_info
    integers, floats = TensorProto.INT64, TensorProto.FLOAT
    inputs = [info("input_ids", integers, ["batch_size", "sequence_length"]),
              info("attention_mask", integers, ["batch_size", "total_sequence_length"])]
    outputs = [info("logits", floats, ["batch_size", "sequence_length", shape.vocabulary])]
    constant = lambda name, value: w.tensor(name, np.array(value, np.int64))

    w.node("ReduceSum", ["attention_mask", constant("axes", [1])], "valid", keepdims=0)
    w.node("Sub", ["valid", constant("one", [1])], "last")
    w.node("Cast", ["last"], "last_32", to=TensorProto.INT32)
    w.node("Shape", ["attention_mask"], "mask_shape")
    w.node("Gather", ["mask_shape", constant("index", 1)], "total", axis=0)
    w.node("Cast", ["total"], "total_32", to=TensorProto.INT32)
    angles = np.arange(shape.context)[:, None] * shape.theta ** (-np.arange(0, shape.head, 2) / shape.head)
    w.tensor("cos_cache", np.cos(angles).astype(np.float32))
    w.tensor("sin_cache", np.sin(angles).astype(np.float32))

    if shape.tied and quantized:
        head = w.codes("lm_head", shape.vocabulary, shape.hidden)
        blocks = -(-shape.hidden // BLOCK)
        w.node("Reshape", [head[0], constant("rows", [shape.vocabulary, blocks * BLOCK // 2])], "embed_rows")
        x = w.node("GatherBlockQuantized", ["embed_rows", "input_ids", head[1]], "embed", "com.microsoft",
                   bits=4, block_size=BLOCK, gather_axis=0, quantize_axis=1)
        if blocks * BLOCK != shape.hidden:
            x = w.node("Slice", [x, constant("from", [0]), constant("to", [shape.hidden]), constant("dim", [-1])], "embed_slice")
    else:
        x = w.node("Gather", [w.tensor("embed_tokens", w.normal(shape.vocabulary, shape.hidden)), "input_ids"], "embed")

    norm = lambda name: w.tensor(name + ".weight", np.ones(shape.hidden, np.float32))
    normed = w.node("SimplifiedLayerNormalization", [x, norm("layers.0.input_norm")], "layers.0.input_norm/output", axis=-1, epsilon=1e-5)
    keys, values = [], []
    sizes = {name: (rows, columns) for name, rows, columns in shape.linears()}
    for layer in range(shape.layers):
        p = f"layers.{layer}."
        linear = lambda name, value: w.linear(p + name, value, *sizes[name], quantized)
        rows = sum(sizes[name][0] for name in "qkv")
        qkv = w.linear(p + "qkv", normed, rows, shape.hidden, quantized)
        if shape.bias:
            qkv = w.node("Add", [qkv, w.tensor(p + "qkv.bias", w.normal(rows))], p + "qkv/biased")
        past = [f"past_key_values.{layer}.{which}" for which in ("key", "value")]
        present = [f"present.{layer}.{which}" for which in ("key", "value")]
        for names, result, axis in ((past, inputs, "past_sequence_length"), (present, outputs, "total_sequence_length")):
            result += [info(name, floats, ["batch_size", shape.kv_heads, axis, shape.head]) for name in names]
        attended = w.node("GroupQueryAttention", [qkv, "", "", *past, "last_32", "total_32", "cos_cache", "sin_cache"],
                          [p + "attention", *present], "com.microsoft", num_heads=shape.heads, kv_num_heads=shape.kv_heads,
                          scale=shape.head ** -0.5, do_rotary=1)
        normed = w.node("SkipSimplifiedLayerNormalization", [x, linear("o", attended), norm(p + "post_norm")],
                        [p + "post_norm/output", "", "", p + "middle"], "com.microsoft", epsilon=1e-5)
        gate, up = linear("gate", normed), linear("up", normed)
        w.node("Sigmoid", [gate], p + "sigmoid")
        w.node("Mul", [gate, p + "sigmoid"], p + "silu")
        w.node("Mul", [p + "silu", up], p + "product")
        following = f"layers.{layer + 1}.input_norm"
        results = [following + "/output"] + (["", "", p + "end"] if layer + 1 < shape.layers else [])
        normed = w.node("SkipSimplifiedLayerNormalization", [p + "middle", linear("down", p + "product"), norm(following)], results,
                        "com.microsoft", epsilon=1e-5)
        x = p + "end"

    if shape.tied and quantized:
        w.node("MatMulNBits", [normed, *head], "logits", "com.microsoft", N=shape.vocabulary, K=shape.hidden, bits=4,
               block_size=BLOCK, accuracy_level=4)
    elif shape.tied:
        w.node("Transpose", ["embed_tokens"], "head", perm=[1, 0])
        w.node("MatMul", [normed, "head"], "logits")
    else:
        w.linear("lm_head", normed, shape.vocabulary, shape.hidden, quantized, "logits")
    return inputs, outputs


def write_last(model, path):
    """Saves `model` so that its head sees the last token only."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    head = next(node for node in model.graph.node if "logits" in node.output)
    names = [f"last_token/{part}" for part in ("from", "to", "axis")]
    for name, value in zip(names, (-1, np.iinfo(np.int64).max, 1)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
    cut = helper.make_node("Slice", [head.input[0], *names], ["last_token/output"], name="last_token")
    model.graph.node.insert(list(model.graph.node).index(head), cut)
    head.input[0] = cut.output[0]
    logits = next(output for output in model.graph.output if output.name == "logits")
    logits.type.tensor_type.shape.dim[1].dim_value = 1
    onnx.save(model, path)


def write(shape, folder, quantized=True):
    """Makes folder/model.onnx and its companions as the head of this file says."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with open(part / "model.onnx.data", "wb") as data:
        w = Writer(data)
        inputs, outputs = build(w, shape, quantized)
    graph = helper.make_graph(w.nodes, "decoder", inputs, outputs, w.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10,
                              producer_name="sinter-bench")
    onnx.save(model, part / "model.onnx")
    write_last(model, part / "last.onnx")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def copy_last(source, folder):
    """FOLDER/last.onnx of a file that is there already, beside a copy of its weights: onnxruntime follows no links to other folders."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in source.parent.glob(source.name + ".data"):
        shutil.copyfile(data, folder / data.name)
    write_last(onnx.load(source, load_external_data=False), folder / "last.onnx")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--float", action="store_true", help="f32 weights")
    parser.add_argument("--last-of", type=Path, metavar="MODEL.onnx", help="make FOLDER/last.onnx of this file instead")
    args = parser.parse_args()
    if args.last_of:
        copy_last(args.last_of, args.folder)
    else:
        write(SHAPES[args.shape], args.folder, not args.float)


if __name__ == "__main__":
    sys.exit(main())
