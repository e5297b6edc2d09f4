"""Operators that few exporters write, each in a form or several, against onnxruntime: one model a family of them."""
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness import Checks, Reference, sinter, sinter_steps

MS = "com.microsoft"
RANDOM = np.random.default_rng(7)


class Model:
    """Nodes over shared inputs; every result of `node` becomes an output."""

    def __init__(self):
        self.nodes, self.inputs, self.values, self.outputs, self.initializers = [], [], {}, [], []

    def input(self, array):
        name = f"in{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
        self.values[name] = array
        return name

    def weight(self, array):
        name = f"w{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def floats(self, *shape):
        return self.input(RANDOM.standard_normal(shape).astype(np.float32))

    def node(self, op, inputs, results=1, domain="", hidden=False, theirs=None, **attributes):
        """`theirs` are the inputs that onnxruntime gets instead, where it has no kernel for the form."""
        names = [f"{op}_{len(self.nodes)}_{i}" for i in range(results)]
        self.nodes.append([helper.make_node(op, i, names, name=f"/{op}_{len(self.nodes)}", domain=domain, **attributes) for i in (inputs, theirs or inputs)])
        if not hidden:
            self.outputs += names
        return names[0] if results == 1 else names

    def save(self, path, opset, theirs=False):
        outputs = [helper.make_empty_tensor_value_info(n) for n in self.outputs]
        graph = helper.make_graph([pair[theirs] for pair in self.nodes], "g", self.inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(MS, 1)], ir_version=10)
        onnx.save(model, path)


def fused_attention(m):
    """com.microsoft Attention and MultiHeadAttention, with every kind of mask."""
    x, w, b = m.floats(2, 5, 16), m.weight(RANDOM.standard_normal((16, 48)).astype(np.float32) / 4), m.weight(RANDOM.standard_normal(48).astype(np.float32))
    past = m.floats(2, 2, 4, 3, 4)
    ends, both = m.input(np.array([5, 3], np.int32)), m.input(np.array([5, 4, 0, 1], np.int32))
    flat, square = m.input(np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], np.int32)), m.input((RANDOM.random((2, 5, 5)) < 0.7).astype(np.int32))
    bias = m.floats(1, 4, 5, 5)
    for mask in ("", ends, both, flat, square):
        for causal in (0, 1):
            m.node("Attention", [x, w, b, mask], domain=MS, num_heads=4, unidirectional=causal)
    m.node("Attention", [x, w, b, "", "", bias], domain=MS, num_heads=4, scale=0.3)
    m.node("Attention", [x, w, b, "", past], results=2, domain=MS, num_heads=4, unidirectional=1)
    m.node("Attention", [x, m.weight(RANDOM.standard_normal((16, 40)).astype(np.float32)), m.weight(RANDOM.standard_normal(40).astype(np.float32))], domain=MS, num_heads=4, qkv_hidden_sizes=[16, 16, 8])
    q, k, v = m.floats(2, 5, 16), m.floats(2, 7, 16), m.floats(2, 7, 24)
    qkv_bias = m.weight(RANDOM.standard_normal(56).astype(np.float32))
    m.node("MultiHeadAttention", [q, k, v], domain=MS, num_heads=4)
    m.node("MultiHeadAttention", [q, k, v, qkv_bias, m.input(np.array([[1] * 7, [1] * 4 + [0] * 3], np.int32))], domain=MS, num_heads=4)
    m.node("MultiHeadAttention", [q, k, v, "", "", m.floats(1, 4, 5, 7)], domain=MS, num_heads=4, scale=0.2)
    m.node("MultiHeadAttention", [q, m.floats(2, 4, 6, 4), m.floats(2, 4, 6, 4)], domain=MS, num_heads=4)
    new, old, older = m.floats(2, 5, 16), m.floats(2, 4, 3, 4), m.floats(2, 4, 3, 4)
    m.node("MultiHeadAttention", [q, new, new, "", "", "", old, older], results=3, domain=MS, num_heads=4, unidirectional=1)
    packed, pair = RANDOM.standard_normal((2, 5, 4, 3, 4)).astype(np.float32), RANDOM.standard_normal((2, 6, 4, 2, 4)).astype(np.float32)
    apart = [m.input(packed[:, :, :, i].reshape(2, 5, 16)) for i in range(3)] + [m.input(pair[:, :, :, i].reshape(2, 6, 16)) for i in range(2)]
    m.node("MultiHeadAttention", [m.input(packed), "", ""], theirs=apart[:3], domain=MS, num_heads=4)
    m.node("MultiHeadAttention", [q, m.input(pair), ""], theirs=[q, *apart[3:]], domain=MS, num_heads=4)


def grouped_attention(m):
    """GroupQueryAttention without a past; where it normalises heads, onnxruntime gets normalised ones."""
    cos, sin = m.weight(np.cos(RANDOM.random((16, 8))).astype(np.float32)), m.weight(np.sin(RANDOM.random((16, 8))).astype(np.float32))
    lengths, total = m.input(np.array([4], np.int32)), m.weight(np.array(5, np.int32))
    q, k, v = m.floats(1, 5, 64), m.floats(1, 5, 32), m.floats(1, 5, 32)
    rest = ["", "", lengths, total, cos, sin]
    norms = [RANDOM.standard_normal(16).astype(np.float32) for _ in range(2)]
    heads = [m.values[x].reshape(1, 5, -1, 16) for x in (q, k)]
    normal = [m.input((x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w).reshape(1, 5, -1)) for x, w in zip(heads, norms)]
    options = dict(domain=MS, num_heads=4, kv_num_heads=2, do_rotary=1)
    m.node("GroupQueryAttention", [q, k, v, *rest], **options)
    m.node("GroupQueryAttention", [q, k, v, *rest, *[""] * 5, *map(m.weight, norms)], theirs=[*normal, v, *rest], qk_norm_epsilon=1e-5, **options)


def onnx_attention(m):
    q, k, v = m.floats(2, 4, 5, 8), m.floats(2, 2, 5, 8), m.floats(2, 2, 5, 6)
    m.node("Attention", [q, k, v])
    m.node("Attention", [q, k, v], is_causal=1, scale=0.4)
    m.node("Attention", [q, k, v, m.floats(5, 5)], softcap=3.0)
    m.node("Attention", [q, k, v, m.input(np.tri(5, dtype=bool))])
    pasts = [m.floats(2, 2, 3, 8), m.floats(2, 2, 3, 6)]
    m.node("Attention", [q, k, v, "", *pasts], results=3, is_causal=1)
    m.node("Attention", [q, k, v, m.floats(2, 1, 5, 8), *pasts], results=3)
    m.node("Attention", [m.floats(2, 5, 32), m.floats(2, 7, 16), m.floats(2, 7, 16)], q_num_heads=4, kv_num_heads=2)


def rotary(m):
    cos, sin = m.weight(np.cos(RANDOM.random((16, 4))).astype(np.float32)), m.weight(np.sin(RANDOM.random((16, 4))).astype(np.float32))
    heads, rows = m.floats(2, 3, 5, 8), m.floats(2, 5, 24)
    positions = m.input(np.array([[3, 4, 5, 6, 7], [0, 1, 2, 3, 9]], np.int64))
    for interleaved in (0, 1):
        m.node("RotaryEmbedding", [heads, cos, sin, positions], interleaved=interleaved)
        m.node("RotaryEmbedding", [rows, cos, sin, positions], interleaved=interleaved, num_heads=3)
        m.node("RotaryEmbedding", [rows, positions, cos, sin], domain=MS, interleaved=interleaved)
        m.node("RotaryEmbedding", [heads, positions, cos, sin], domain=MS, interleaved=interleaved)
    m.node("RotaryEmbedding", [heads, m.input(np.array([4], np.int64)), cos, sin], domain=MS)
    narrow_cos, narrow_sin = m.weight(np.cos(RANDOM.random((16, 2))).astype(np.float32)), m.weight(np.sin(RANDOM.random((16, 2))).astype(np.float32))
    m.node("RotaryEmbedding", [heads, narrow_cos, narrow_sin, positions], rotary_embedding_dim=4)
    m.node("RotaryEmbedding", [rows, positions, narrow_cos, narrow_sin], domain=MS, rotary_embedding_dim=4, num_heads=3)
    m.node("RotaryEmbedding", [heads, m.floats(2, 5, 4), m.floats(2, 5, 4)])


def fused(m):
    a, b = m.floats(2, 3, 4, 5), m.floats(2, 3, 6, 5)
    m.node("FusedMatMul", [a, b], domain=MS, transB=1, alpha=0.25)
    m.node("FusedMatMul", [m.floats(2, 3, 5, 4), m.floats(2, 3, 5, 6)], domain=MS, transA=1)
    m.node("FusedMatMul", [m.floats(4, 2, 3, 5), b], domain=MS, transBatchA=1, transB=1)
    m.node("FusedMatMul", [m.floats(4, 5), m.weight(RANDOM.standard_normal((6, 5)).astype(np.float32))], domain=MS, transB=1, alpha=2.0)
    for activation in ({"activation": "Relu"}, {"activation": "Tanh"}, {"activation": "LeakyRelu", "activation_alpha": 0.3}):
        m.node("FusedGemm", [m.floats(3, 4), m.floats(4, 5), m.floats(5)], domain=MS, alpha=0.5, **activation)
    m.node("FusedConv", [m.floats(1, 3, 6, 6), m.weight(RANDOM.standard_normal((4, 3, 3, 3)).astype(np.float32)), m.floats(4)], domain=MS, activation="Relu",
           kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    ids, segments = m.input(RANDOM.integers(0, 9, (2, 5)).astype(np.int32)), m.input(RANDOM.integers(0, 2, (2, 5)).astype(np.int32))
    tables = [m.weight(RANDOM.standard_normal((n, 8)).astype(np.float32)) for n in (9, 12, 2)]
    norm = [m.weight(RANDOM.standard_normal(8).astype(np.float32)) for _ in range(2)]
    mask = m.input(np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32))
    m.node("EmbedLayerNormalization", [ids, segments, *tables, *norm, mask], results=3, domain=MS, epsilon=1e-6)
    m.node("EmbedLayerNormalization", [ids, "", tables[0], tables[1], "", *norm, "", m.input(RANDOM.integers(0, 12, (1, 5)).astype(np.int32))], results=2, domain=MS)
    weight = m.weight(RANDOM.integers(-128, 128, (8, 6)).astype(np.int8))
    scale = m.weight(RANDOM.random(6).astype(np.float32) / 99)
    m.node("DynamicQuantizeMatMul", [m.floats(2, 3, 8), weight, scale, "", m.floats(6)], domain=MS)
    codes = m.input(RANDOM.integers(0, 256, (3, 8)).astype(np.uint8))
    m.node("MatMulIntegerToFloat", [codes, weight, m.weight(np.float32(0.02)), scale, m.weight(np.uint8(120))], domain=MS)


def einsum(m):
    a, b, c = m.floats(2, 3, 4, 5), m.floats(2, 3, 6, 5), m.floats(6, 2)
    for equation in ("bhqd,bhkd->bhqk", "bhqd,bhkd", "bhqd,bhkd->qbk", "bhqd,bhkd->kqh", "bhqd,bhkd->bqhkd", "bhqd,bhkd->", "...qd,...kd->...qk", "bh...,bh...->...bh"):
        same = "..." in equation and "q" not in equation
        m.node("Einsum", [a, m.floats(2, 3, 4, 5) if same else b], equation=equation)
    m.node("Einsum", [a, m.floats(4, 7, 5)], equation="bhld,lrd->bhlr")
    m.node("Einsum", [m.floats(2, 6, 4, 5), m.floats(6, 4, 5)], equation=" b h r d, l r d -> b h l r")
    m.node("Einsum", [m.floats(2, 4, 9), m.weight(RANDOM.standard_normal((9, 3, 5)).astype(np.float32))], equation="btd,dhk->bthk")
    m.node("Einsum", [a, b, c], equation="bhqd,bhkd,ke->bqe")
    m.node("Einsum", [a], equation="bhqd->qhb")
    m.node("Einsum", [a], equation="...d->d...")
    m.node("Einsum", [m.floats(4), m.floats(5)], equation="i,j->ji")
    m.node("Einsum", [m.floats(4), m.floats(4)], equation="i,i")
    m.node("Einsum", [m.floats(1, 3, 5), m.floats(4, 5, 2)], equation="...ij,...jk")


def quantized(m):
    def code(*shape):
        return [m.input(RANDOM.integers(0, 256, shape).astype(np.uint8)), m.weight(np.float32(0.03)), m.weight(np.uint8(110))]
    out = [m.weight(np.float32(0.05)), m.weight(np.uint8(128))]
    a, b = code(2, 3, 8, 8), code(2, 3, 8, 8)
    m.node("QLinearAdd", [*a, *b, *out], domain=MS)
    m.node("QLinearMul", [*a, *b, *out], domain=MS)
    m.node("QLinearWhere", [m.input(RANDOM.random((2, 3, 8, 8)) < 0.5), *a, *b, *out], domain=MS)
    m.node("QLinearAveragePool", [*a, *out], domain=MS, kernel_shape=[2, 2], strides=[2, 2])
    m.node("MaxPool", [a[0]], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    m.node("QLinearSigmoid", [*a, *out], domain=MS)
    m.node("QLinearLeakyRelu", [*a, *out], domain=MS, alpha=0.2)
    m.node("QLinearGlobalAveragePool", [*a, *out], domain=MS)
    m.node("QLinearSoftmax", [*a, m.weight(np.float32(1 / 256)), m.weight(np.uint8(0))], domain=MS, axis=-1, opset=13)
    m.node("QLinearConcat", [*out, *a, *b], domain=MS, axis=1)
    kernel = [m.weight(RANDOM.integers(-128, 128, (4, 3, 3, 3)).astype(np.int8)), m.weight(RANDOM.random(4).astype(np.float32) / 40), m.weight(np.zeros(4, np.int8))]
    m.node("QLinearConv", [*a, *kernel, *out, m.weight(RANDOM.integers(-900, 900, 4).astype(np.int32))], kernel_shape=[3, 3], strides=[2, 2])
    weight = [m.weight(RANDOM.integers(-128, 128, (8, 6)).astype(np.int8)), m.weight(np.float32(0.01)), m.weight(np.int8(0))]
    rows, bias = code(5, 8), m.weight(RANDOM.integers(-900, 900, 6).astype(np.int32))
    m.node("QGemm", [*rows, *weight, bias, *out], domain=MS)
    m.node("QGemm", [*rows, *weight, bias], domain=MS, alpha=0.5)
    tokens = code(2, 4, 8)
    wide = [m.weight(RANDOM.integers(-128, 128, (8, 24)).astype(np.int8)), m.floats(24)]
    m.node("QAttention", [tokens[0], *wide, tokens[1], m.weight(np.float32(0.01)), "", tokens[2], m.weight(np.int8(0))], domain=MS, num_heads=2)
    codes, scale, zero = m.node("DynamicQuantizeLinear", [m.floats(2, 4, 8)], results=3, hidden=True)
    m.node("QAttention", [codes, *wide, scale, m.weight(np.float32(0.01)), m.input(np.array([4, 2], np.int32)), zero, m.weight(np.int8(0))], domain=MS, num_heads=2)


def placed(m):
    x, i64 = m.floats(4, 5), lambda *a: m.weight(np.array(a, np.int64))
    m.node("ScatterND", [x, m.input(np.array([[1], [3]], np.int64)), m.floats(2, 5)])
    m.node("ScatterND", [x, m.input(np.array([[1, 2], [-1, 0], [1, 2]], np.int64)), m.floats(3)], reduction="add")
    m.node("ScatterElements", [x, m.input(RANDOM.integers(-4, 4, (2, 5)).astype(np.int64)), m.floats(2, 5)], axis=0, reduction="max")
    m.node("ScatterElements", [x, m.input(np.array([[0, 2], [1, 4]], np.int32)), m.floats(2, 2)], axis=1)
    m.node("TopK", [x, i64(3)], results=2)
    m.node("TopK", [x, i64(2)], results=2, axis=0, largest=0)
    m.node("OneHot", [m.input(np.array([1, -1, 3], np.int64)), i64(4), m.weight(np.array([0.5, 2], np.float32))])
    m.node("OneHot", [m.input(np.array([[1, 0]], np.int64)), i64(3), m.weight(np.array([0, 1], np.float32))], axis=1)


def unsigned(m):
    """Comparisons of what has no sign, above half the range."""
    x, axis = m.input(np.array([[1, 200, 3], [250, 4, 130], [128, 127, 0]], np.uint8)), m.weight(np.array([1], np.int64))
    for op in ("ReduceMax", "ReduceMin"):
        m.node(op, [x, axis])
        m.node(op, [m.input(np.array([[True, False], [False, False], [True, True]])), axis], keepdims=0)
    m.node("ArgMax", [x], axis=0)
    m.node("ArgMin", [x], axis=1)
    m.node("TopK", [x, m.weight(np.array([2], np.int64))], results=2)
    m.node("TopK", [x, m.weight(np.array([2], np.int64))], results=2, axis=0, largest=0)


def resampled(m):
    x, i64 = m.floats(2, 3, 7, 6), lambda *a: m.weight(np.array(a, np.int64))
    for mode in ("nearest", "linear", "cubic"):
        for place in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
            m.node("Resize", [x, "", "", i64(2, 3, 10, 4)], mode=mode, coordinate_transformation_mode=place)
    for rounding in ("floor", "ceil", "round_prefer_ceil"):
        m.node("Resize", [x, "", m.weight(np.array([1, 1, 2, 1.5], np.float32))], mode="nearest", nearest_mode=rounding)
    for mode in ("constant", "edge", "reflect", "wrap"):
        m.node("Pad", [x, i64(0, 1, 2, 0, 1, 0, 3, 2), m.weight(np.float32(0.25))], mode=mode)
    m.node("Pad", [x, i64(1, -2, 0, 3), "", i64(-1, 2)])
    grid = m.input((RANDOM.random((2, 4, 5, 2)) * 2.6 - 1.3).astype(np.float32))
    for options in ({}, {"align_corners": 1}, {"padding_mode": "border"}, {"mode": "nearest"}):
        m.node("GridSample", [x, grid], **options)
    m.node("MaxPool", [x], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])
    m.node("MaxPool", [x], kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1, dilations=[2, 1])
    m.node("AveragePool", [x], kernel_shape=[3, 3], strides=[2, 1], pads=[1, 1, 1, 1])
    m.node("AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    m.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    m.node("InstanceNormalization", [x, m.floats(3), m.floats(3)], epsilon=1e-4)


# What each is built by, the opset, and what is near enough. Quantized results are a step apart where a sum lies between two codes.
FAMILIES = ((fused_attention, 17, 1e-5), (grouped_attention, 17, 1e-5), (onnx_attention, 23, 1e-5), (rotary, 23, 1e-5), (fused, 17, 1e-5), (einsum, 17, 1e-5),
            (quantized, 17, 1e-2), (placed, 18, 1e-6), (resampled, 19, 1e-5), (unsigned, 20, 0))


def main():
    checks = Checks()
    for build, opset, tolerance in FAMILIES:
        m = Model()
        build(m)
        with tempfile.TemporaryDirectory() as folder:
            path, their_path, library = (Path(folder) / n for n in ("m.onnx", "theirs.onnx", "m.so"))
            m.save(path, opset)
            m.save(their_path, opset, theirs=True)
            theirs = Reference(their_path).run([m.values])
            try:
                sinter("compile", path, "-o", library)
                ours = sinter_steps(library, [m.values])
            except SystemExit as error:
                checks.that(False, f"{build.__name__}: {error}")
                continue
        for name, want in theirs[0].items():
            got = ours[0].get(name)
            if got is None or got.shape != want.shape:
                checks.that(False, f"{name}: {None if got is None else got.shape} instead of {want.shape}")
            elif want.dtype.kind in "iu" and build is not quantized:
                checks.that(np.array_equal(got, want), f"{name}: integers")
            elif want.dtype.kind in "iu":
                checks.that(np.abs(got.astype(int) - want.astype(int)).max() <= 1, f"{name}: codes")
            else:
                checks.close([{name: got}], [{name: want}], tolerance, name)
    checks.finish()


if __name__ == "__main__":
    main()
