# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The lit suite: test/ mirrors the folders of sources. Tools of the build and of LLVM are called by name.

%python is the Python of build/venv, %models the folder of test models (feature 'models'), %kjv the model that ships,
%toy a decoder made by hand (test/unit/Runtime/ToyDecoder.h). %run-main runs the function @main of LLVM dialect (feature 'runner').
"""
import os

import lit.formats

config.name = "sinter"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "numeric", "models", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.environment["PATH"] = os.pathsep.join([config.sinter_bin, config.llvm_tools, os.environ.get("PATH", "")])
for kept in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "HOME"):
    if kept in os.environ:
        config.environment[kept] = os.environ[kept]

root = os.path.dirname(config.test_source_root)
config.substitutions += [
    ("%python", config.python),
    ("%models", config.sinter_models),
    ("%kjv", os.path.join(root, "test", "models", "kjv")),
    ("%root", root),
    ("%toy", config.toy_model),
]
# What mlir-runner prints tensors with; LLVM's packages do not all have it.
libraries = [os.path.join(config.llvm_tools, "..", "lib", f"libmlir{part}_runner_utils.so") for part in ("", "_c")]
config.substitutions.append(("%run-main", f"mlir-runner -e main -entry-point-result=void -shared-libs={','.join(libraries)}"))
if os.path.exists(os.path.join(config.llvm_tools, "mlir-runner")) and all(map(os.path.exists, libraries)):
    config.available_features.add("runner")
else:
    lit_config.note("no mlir-runner or no libmlir_runner_utils.so: tests that run a graph by its definition are skipped")
if os.path.isdir(config.sinter_models):
    config.available_features.add("models")
if os.path.exists(config.python):
    config.available_features.add("python")
