# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""A few lines around onnx.helper: calls make nodes, arrays make initializers."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {"f32": TensorProto.FLOAT, "i32": TensorProto.INT32, "i64": TensorProto.INT64}


class GraphBuilder:
    def __init__(self):
        self.nodes, self.initializers, self.inputs, self.outputs, self.count = [], [], [], [], 0

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))
        return name

    def output(self, value, name, kind, shape):
        """Makes `value` an output called `name`."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=f"/{name}/Identity"))
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))

    def weight(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def constant(self, *values):
        """An int64 vector; floats make a scalar."""
        array = np.array(values[0], np.float32) if isinstance(values[0], float) else np.array(values, np.int64)
        self.count += 1
        return self.weight(f"constant_{self.count}", array)

    def __getattr__(self, op):
        """g.MatMul(a, b, scope="/layer.0/q") -> the name of the result; g.Split(..., results=2) -> a list."""
        def node(*inputs, scope="", results=1, **attributes):
            self.count += 1
            name = f"{scope}/{op}_{self.count}"
            names = [f"{name}_output_{i}" for i in range(results)]
            self.nodes.append(helper.make_node(op, list(inputs), names, name=name, **attributes))
            return names[0] if results == 1 else names
        return node

    def save(self, path, opset=18, check=True):
        """`check` is what onnx itself says of the graph, which knows its own operators only."""
        graph = helper.make_graph(self.nodes, "main_graph", self.inputs, self.outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)], ir_version=10)
        if check:
            onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
