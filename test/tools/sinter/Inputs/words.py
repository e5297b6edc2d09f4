# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""words.py FILE.onnx: looks up sixteen words of a vocabulary of three."""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

save(helper.make_model(helper.make_graph(
    [helper.make_node("Gather", ["table", "input_ids"], ["y"])], "words",
    [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, 16])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 4])],
    [numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "table")]),
    opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[1])
