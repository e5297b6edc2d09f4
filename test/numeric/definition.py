# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""A model as the definitions of its graph's operations compute it (sinter-opt --sinter-reference): no kernel of Sinter's takes part."""
import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

TYPES = dict(f16=np.float16, f32=np.float32, f64=np.float64, i1=np.bool_, i8=np.int8, i16=np.int16, i32=np.int32, i64=np.int64,
             ui8=np.uint8, ui16=np.uint16, ui32=np.uint32, ui64=np.uint64)


def find_tools(folder):
    """The folder of LLVM's tools, if it has all that this needs; the test is skipped otherwise."""
    folder = Path(folder)
    for needed in (folder / "mlir-translate", folder / "clang", folder.parent / "lib" / "libmlir_c_runner_utils.so"):
        if not needed.exists():
            print(f"skipped: no {needed}")
            sys.exit(77)
    return folder


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: exit code {done.returncode}: {done.stderr.strip()[:500]}")
    return done.stdout


class Tensor:
    """An argument or result of @main: shape (None where it is open), type, the model's name for it."""

    def __init__(self, text, attributes):
        *sizes, _ = text.split("x")
        self.shape = [None if s == "?" else int(s) for s in sizes]
        get = lambda pattern: (re.search(pattern, attributes) or [None, None])[1]
        self.name, self.element, self.state = get(r'onnx\.name = "([^"]*)"'), get(r"graph\.element = (\w+)"), get(r"graph\.state = (\d+)")

    @property
    def dtype(self):
        return np.dtype(TYPES[self.element])

    def descriptor(self):
        """MLIR's memref: allocated, aligned, offset, sizes, strides."""
        rank = len(self.shape)
        sizes = [("sizes", ctypes.c_int64 * rank), ("strides", ctypes.c_int64 * rank)] if rank else []
        fields = [("allocated", ctypes.c_void_p), ("aligned", ctypes.c_void_p), ("offset", ctypes.c_int64)] + sizes
        return type("Descriptor", (ctypes.Structure,), {"_fields_": fields})


class Definition:
    """`stage` is what the graph is taken after; `passes` run on it before it is defined."""

    def __init__(self, model, folder, tools, flags=(), stage="quantize", passes=()):
        folder = Path(folder)
        graph, code, llvm, library = (folder / f"definition.{kind}" for kind in ("mlir", "code.mlir", "ll", "so"))
        programs = Path(os.environ["SINTER_BIN"])
        graph.write_text(run(programs / "sinter", "compile", model, "-o", folder / "none", f"--stop-after={stage}", *flags))
        run(programs / "sinter-opt", graph, *passes, "--sinter-reference", "-o", code)
        run(tools / "mlir-translate", "--mlir-to-llvmir", code, "-o", llvm)
        libraries = tools.parent / "lib"
        run(tools / "clang", "-O1", "-march=native", "-w", "-shared", llvm, "-o", library, f"-L{libraries}", "-lmlir_c_runner_utils", f"-Wl,-rpath,{libraries}", "-lm")
        signature = next(line for line in graph.read_text().splitlines() if "func.func @main(" in line)
        arguments, results = signature.split(") -> ", 1)
        part = r"tensor<([^>]*)> \{((?:[^{}\"]|\"[^\"]*\")*)\}"
        self.arguments = [Tensor(*m) for m in re.findall(part, arguments)]
        self.results = [Tensor(*m) for m in re.findall(part, results)]
        self.main = ctypes.CDLL(str(library))._mlir_ciface_main
        self.main.restype = None

    def call(self, inputs):
        """One run: name -> array, states among them."""
        kept, pointers = [], []
        for argument in self.arguments:
            array = np.ascontiguousarray(inputs[argument.name], argument.dtype)
            assert array.dtype == inputs[argument.name].dtype, argument.name
            array = array.reshape(inputs[argument.name].shape)
            descriptor = argument.descriptor()(array.ctypes.data, array.ctypes.data, 0)
            if array.ndim:
                descriptor.sizes[:] = array.shape
                descriptor.strides[:] = [int(np.prod(array.shape[d + 1:])) for d in range(array.ndim)]
            kept.append((array, descriptor))
            pointers.append(ctypes.byref(descriptor))
        fields = [(f"r{i}", result.descriptor()) for i, result in enumerate(self.results)]
        returned = type("Results", (ctypes.Structure,), {"_fields_": fields})()
        self.main(ctypes.byref(returned), *pointers)
        return {result.name: self.array(getattr(returned, f"r{i}"), result) for i, result in enumerate(self.results)}

    @staticmethod
    def array(descriptor, result):
        shape = tuple(descriptor.sizes) if result.shape else ()
        count = int(np.prod(shape))
        if not count:
            return np.zeros(shape, result.dtype)
        assert not shape or list(descriptor.strides)[-1] == 1
        at = descriptor.aligned + descriptor.offset * result.dtype.itemsize
        data = ctypes.string_at(at, count * result.dtype.itemsize)
        return np.frombuffer(data, result.dtype).reshape(shape)

    def run(self, steps):
        """The outputs of every step of one session, which starts empty. A step that names a state sets it."""
        states = {a.name: self.results[int(a.state)].name for a in self.arguments if a.state}
        kept = {a.name: np.zeros([s or 0 for s in a.shape], a.dtype) for a in self.arguments if a.state}
        outputs = []
        for step in steps:
            kept.update(step)
            out = self.call(kept)
            kept.update({name: out[result] for name, result in states.items()})
            outputs.append(out)
        return outputs
