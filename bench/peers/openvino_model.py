#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Write a decoder with random int4 weights for OpenVINO: openvino_model.py SHAPE FILE.xml
or an ONNX file with its weights in int8: openvino_model.py --int8 MODEL.onnx FILE.xml

The decoder is what optimum-intel exports, in the forms that OpenVINO's CPU plugin recognises: signed 4-bit constants with f16 scales a group, the
cache as variables that grow by concatenation and are read by scaled-dot-product attention, RMS norms and rotations spelt out, and
the logits of the last token only.
"""
import sys
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from openvino.op.util import Variable, VariableInfo

from shapes import SHAPES


class Builder:
    def __init__(self, shape):
        self.shape = shape
        self.random = np.random.default_rng(0)
        self.sinks, self.kept = [], []

    def ints(self, *values):
        return ops.constant(np.array(values, np.int64))

    def weight(self, rows, columns):
        """f32 [rows, columns] as the product of 4-bit values and scales."""
        group = self.shape.group
        dims = [rows, columns // group, group]
        packed = np.frombuffer(self.random.bytes(rows * columns // 2), np.uint8).copy()
        self.kept.append(packed)  # the tensor only points to it
        codes = ov.Tensor(packed, ov.Shape(dims), ov.Type.i4)
        scales = ((self.random.random((rows, columns // group, 1)) + 0.5) * (0.02 / 4.6)).astype(np.float16)
        product = ops.multiply(ops.convert(ops.constant(codes), "f16"), ops.constant(scales))
        return ops.convert(ops.reshape(product, self.ints(rows, columns), False), "f32")

    def linear(self, x, rows, columns, weight=None):
        return ops.matmul(x, weight or self.weight(rows, columns), False, True)

    def norm(self, x):
        square = ops.reduce_mean(ops.power(x, np.float32(2)), self.ints(-1), True)
        scaled = ops.multiply(x, ops.divide(np.float32(1), ops.sqrt(ops.add(square, np.float32(1e-5)))))
        return ops.multiply(ops.constant(np.ones((1, 1, self.shape.hidden), np.float32)), scaled)

    def heads(self, x, count):
        """[batch, tokens, count * head] -> [batch, count, tokens, head]"""
        return ops.transpose(ops.reshape(x, self.ints(0, 0, count, self.shape.head), True), self.ints(0, 2, 1, 3))

    def rotate(self, x, cos, sin):
        first, second = ops.variadic_split(x, ops.constant(np.int64(3)), self.ints(self.shape.head // 2, self.shape.head // 2)).outputs()
        turned = ops.concat([ops.multiply(second, np.float32(-1)), first], -1)
        return ops.add(ops.multiply(x, cos), ops.multiply(turned, sin))

    def cached(self, x, name, batch, beams):
        """What the variable `name` holds, with `x` behind it; and the same for each query head."""
        s = self.shape
        info = VariableInfo()
        info.data_shape, info.data_type, info.variable_id = ov.PartialShape([-1, s.kv_heads, -1, s.head]), ov.Type.f32, name
        variable = Variable(info)
        empty = ops.broadcast(np.float32(0), ops.concat([batch, self.ints(s.kv_heads), self.ints(0), self.ints(s.head)], 0))
        past = ops.gather(ops.read_value(empty, variable), beams, ops.constant(np.int64(0)))
        whole = ops.concat([past, x], 2)
        self.sinks.append(ops.assign(whole, variable))
        times = s.heads // s.kv_heads
        if times == 1:
            return whole
        total = ops.gather(ops.shape_of(whole), self.ints(2), ops.constant(np.int64(0)))
        wide = ops.concat([batch, self.ints(s.kv_heads), self.ints(times), total, self.ints(s.head)], 0)
        repeated = ops.broadcast(ops.unsqueeze(whole, self.ints(2)), wide, broadcast_spec="BIDIRECTIONAL")
        return ops.reshape(repeated, self.ints(0, s.heads, -1, s.head), True)

    def build(self):
        s = self.shape
        ids, mask, positions = (ops.parameter([-1, -1], np.int64) for _ in range(3))
        beams = ops.parameter([-1], np.int32)
        parameters = {"input_ids": ids, "attention_mask": mask, "position_ids": positions, "beam_idx": beams}
        for name, parameter in parameters.items():
            parameter.output(0).get_tensor().set_names({name})
        axis = ops.constant(np.int64(0))
        embedding = self.weight(s.vocabulary, s.hidden)
        x = ops.gather(embedding, ids, axis)
        head = embedding if s.tied else self.weight(s.vocabulary, s.hidden)

        batch = ops.gather(ops.shape_of(ids), self.ints(0), axis)
        count = ops.gather(ops.shape_of(ids), self.ints(1), axis)
        total = ops.gather(ops.shape_of(mask), self.ints(1), axis)
        scalar = lambda value: ops.squeeze(value, self.ints(0))
        one = ops.constant(np.int64(1))
        keys = ops.range(ops.constant(np.int64(0)), scalar(total), one, "i64")
        queries = ops.range(scalar(ops.subtract(total, count)), scalar(total), one, "i64")
        visible = ops.less_equal(ops.unsqueeze(keys, self.ints(0)), ops.unsqueeze(queries, self.ints(1)))
        bias = ops.select(visible, np.float32(0), np.float32(np.finfo(np.float32).min))
        bias = ops.unsqueeze(bias, self.ints(0, 1))

        angles = np.arange(s.context)[:, None] * s.theta ** (-np.arange(0, s.head, 2) / s.head)
        angles = np.concatenate([angles, angles], 1).astype(np.float32)
        cos, sin = (ops.unsqueeze(ops.gather(ops.constant(f(angles)), positions, axis), self.ints(1)) for f in (np.cos, np.sin))

        sizes = {name: (rows, columns) for name, rows, columns in s.linears()}
        for layer in range(s.layers):
            normed = self.norm(x)
            projected = {name: self.linear(normed, *sizes[name]) for name in "qkv"}
            if s.bias:
                projected = {name: ops.add(value, self.random.standard_normal((1, 1, sizes[name][0]), dtype=np.float32))
                             for name, value in projected.items()}
            q = self.rotate(self.heads(projected["q"], s.heads), cos, sin)
            k = self.rotate(self.heads(projected["k"], s.kv_heads), cos, sin)
            v = self.heads(projected["v"], s.kv_heads)
            k = self.cached(k, f"past_key_values.{layer}.key", batch, beams)
            v = self.cached(v, f"past_key_values.{layer}.value", batch, beams)
            attended = ops.scaled_dot_product_attention(q, k, v, bias, causal=False)
            attended = ops.reshape(ops.transpose(attended, self.ints(0, 2, 1, 3)), self.ints(0, 0, s.heads * s.head), True)
            x = ops.add(x, self.linear(attended, *sizes["o"]))
            normed = self.norm(x)
            gate, up = (self.linear(normed, *sizes[name]) for name in ("gate", "up"))
            x = ops.add(x, self.linear(ops.multiply(ops.swish(gate), up), *sizes["down"]))
        x = self.norm(ops.gather(x, self.ints(-1), ops.constant(np.int64(1))))
        logits = self.linear(x, s.vocabulary, s.hidden, head)
        logits.output(0).get_tensor().set_names({"logits"})
        return ov.Model([ops.result(logits)], self.sinks, list(parameters.values()), "decoder")


def write(shape, path):
    builder = Builder(shape)
    ov.save_model(builder.build(), path, compress_to_fp16=False)


def compress(source, path):
    """Any ONNX file, with its linears' f32 weights in 8 bits a column."""
    model = ov.Core().read_model(source)
    for node in model.get_ops():
        if node.get_type_name() != "MatMul":
            continue
        constant = node.input_value(1).get_node()
        if constant.get_type_name() != "Constant" or len(constant.shape) != 2 or node.get_attributes()["transpose_b"]:
            continue
        weight = constant.data.astype(np.float32)
        scale = np.abs(weight).max(0, keepdims=True) / 127
        codes = np.round(weight / scale).astype(np.int8)
        product = ops.multiply(ops.convert(ops.constant(codes), "f32"), ops.constant(scale))
        node.input(1).replace_source_output(product.output(0))
    ov.save_model(model, path, compress_to_fp16=False)


if __name__ == "__main__":
    if sys.argv[1] == "--int8":
        compress(sys.argv[2], sys.argv[3])
    else:
        write(SHAPES[sys.argv[1]], Path(sys.argv[2]))
