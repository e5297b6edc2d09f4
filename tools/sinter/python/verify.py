# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""onnxruntime and a compiled library side by side; run by `sinter verify`.

Arguments: the program sinter, model.onnx, model.so, a .npz of steps or "", "json" or "". State goes from onnxruntime's outputs to its
inputs as the library says its own does.
"""
import json
import os
import subprocess
import sys
import tempfile


def fail(text):
    print(f"sinter: {text}", file=sys.stderr)
    sys.exit(1)


try:
    import numpy as np
    import onnxruntime as ort
except ImportError as error:
    fail(f"the Python {sys.executable} lacks a package ({error}): {sys.executable} -m pip install numpy onnxruntime")

ort.set_default_logger_severity(4)

TYPES = {"f32": np.float32, "f16": np.float16, "f64": np.float64, "i8": np.int8, "u8": np.uint8, "i16": np.int16, "u16": np.uint16,
         "i32": np.int32, "u32": np.uint32, "i64": np.int64, "u64": np.uint64, "bool": np.bool_}


def sinter(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        fail(done.stderr.strip().removeprefix("sinter: ") or f"sinter {arguments[0]} ended with {done.returncode}")
    return done.stdout


def read_steps(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except Exception as error:  # numpy's and zipfile's own
        fail(f"'{path}': not a .npz file of numbers ({' '.join(str(error).split())})")
    steps = {}
    for key, array in arrays.items():
        step, way, name = (key.split("/", 2) + ["", ""])[:3]
        if not step.isdigit() or not name:
            fail(f"'{path}': array '{key}' is not named STEP/in/NAME")
        if way == "in":
            steps.setdefault(int(step), {})[name] = array
    if not steps:
        fail(f"'{path}' has no arrays named STEP/in/NAME")
    return [steps[s] for s in sorted(steps)]


def make_steps(about, ids):
    """A prompt of 16 tokens and 8 more where there is state, one run where there is none; fewer where the library holds
    fewer. Ids are less than `ids`."""
    rng = np.random.default_rng(0)
    room = about["capacity"] or 24
    prompt = max(1, min(16, room - 8))
    lengths = [prompt] + [1] * min(8, room - prompt) if about["states"] else [16]
    steps, past = [], 0
    for n in lengths:
        step = {}
        for tensor in about["inputs"]:
            shape = []
            for axis in tensor["axes"]:
                want = {"batch": 1, "sequence": n, "total": past + n, "past": past}.get(axis["role"], axis["hi"] if axis["lo"] == axis["hi"] else 16)
                shape.append(int(min(max(want, axis["lo"]), axis["hi"])))
            roles, kind = {a["role"] for a in tensor["axes"]}, np.dtype(TYPES.get(tensor["type"], np.float32))
            if kind.kind == "f":
                array = rng.standard_normal(shape) * 0.5
            elif kind.kind == "b" or "total" in roles or "mask" in tensor["name"]:
                array = np.ones(shape)
            elif "position" in tensor["name"]:
                array = np.broadcast_to(past + np.arange(shape[-1] if shape else 1), shape)
            elif "type" in tensor["name"]:
                array = np.zeros(shape)
            else:
                array = rng.integers(0, ids, shape)
            step[tensor["name"]] = np.asarray(array).astype(kind)
        steps.append(step)
        past += n
    return steps


def load(model, library, about):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        fail(f"onnxruntime cannot load '{model}': {str(error).splitlines()[0]}")
    theirs = {i.name for i in session.get_inputs()}
    ours = {i["name"] for i in about["inputs"]} | {s["in"]["name"] for s in about["states"]}
    for name in sorted(theirs ^ ours):
        have, lack = ("model", "library") if name in theirs else ("library", "model")
        fail(f"'{library}' was not made of '{model}': the {have} has an input '{name}', which the {lack} lacks")
    return session


def reference(session, steps, about):
    """onnxruntime's outputs of every step, or its sentence where it refuses one."""
    inputs = {i.name: i for i in session.get_inputs()}
    feeds = {s["in"]["name"]: s["out"]["name"] for s in about["states"]}
    empty = {}
    for state in about["states"]:
        tensor = state["in"]
        shape = [0 if a["role"] == "past" else 1 if a["role"] == "batch" else a["hi"] for a in tensor["axes"]]
        empty[tensor["name"]] = np.zeros(shape, TYPES.get(tensor["type"], np.float32))
    names = [o.name for o in session.get_outputs()]
    kept, past, results = {}, empty, []
    for number, step in enumerate(steps):
        kept.update(step)
        feed = {n: a for n, a in {**past, **kept}.items() if n in inputs}
        try:
            out = dict(zip(names, session.run(None, feed)))
        except Exception as error:
            return f"onnxruntime, step {number}: {str(error).splitlines()[0]}"
        past = {i: out[o] for i, o in feeds.items() if o in out}
        kept = {n: a for n, a in kept.items() if n not in feeds}
        results.append({n: a for n, a in out.items() if n not in feeds.values()})
    return results


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def compare(name, ours, theirs, decoder):
    """Over all steps of one output."""
    row = {"output": name, "elements": int(sum(a.size for a in theirs))}
    a = np.concatenate([x.astype(np.float64).ravel() for x in ours])
    b = np.concatenate([x.astype(np.float64).ravel() for x in theirs])
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        row["not_finite"] = int((np.isfinite(a) != np.isfinite(b)).sum())
    keep = np.isfinite(a) & np.isfinite(b)
    a, b = a[keep], b[keep]
    if a.size:
        scale, norms = np.abs(b).max(), np.linalg.norm(a) * np.linalg.norm(b)
        row.update(max_error=float(np.abs(a - b).max()), mean_error=float(np.abs(a - b).mean()), largest=float(scale),
                   relative=float(np.abs(a - b).max() / max(scale, 1e-30)), cosine=float(a @ b / norms) if norms else 1.0)
    if decoder and all(x.ndim >= 2 and x.shape[-1] > 1 for x in theirs):
        kl, same, count = 0.0, 0, 0
        for x, y in zip(ours, theirs):
            p, q = log_softmax(y.astype(np.float64)), log_softmax(x.astype(np.float64))
            kl += float((np.exp(p) * (p - q)).sum())
            same += int((x.argmax(-1) == y.argmax(-1)).sum())
            count += y[..., 0].size
        row.update(kl_divergence=kl / count, top1_agreement=same / count)
    return row


def main():
    program, model, library, path, how = sys.argv[1:6]
    about = json.loads(sinter(program, "inspect", library, "--json"))
    session = load(model, library, about)
    for ids in (100, 2):  # the second for a vocabulary of less than 100, which cannot be seen from here
        steps = read_steps(path) if path else make_steps(about, ids)
        theirs = reference(session, steps, about)
        if path or not isinstance(theirs, str):
            break
    if isinstance(theirs, str):
        fail(theirs)
    with tempfile.TemporaryDirectory() as folder:
        case, out = os.path.join(folder, "case.npz"), os.path.join(folder, "out.npz")
        np.savez(case, **{f"{i}/in/{n}": a for i, step in enumerate(steps) for n, a in step.items()})
        sinter(program, "run", library, "--steps", case, "--outputs", out)
        with np.load(out) as file:
            ours = [{n: file[f"{i}/out/{n}"] for n in step if f"{i}/out/{n}" in file.files} for i, step in enumerate(theirs)]
    rows = []
    for name in theirs[0]:
        if name not in ours[0]:
            fail(f"the library has no output '{name}'")
        for i, (a, b) in enumerate(zip(ours, theirs)):
            if a[name].shape != b[name].shape:
                fail(f"step {i}, output '{name}': shape {a[name].shape}, onnxruntime's is {b[name].shape}")
        decoder = bool(about["states"]) and theirs[0][name].dtype.kind == "f"
        rows.append(compare(name, [a[name] for a in ours], [b[name] for b in theirs], decoder))
    if how == "json":
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['output']}: {row['elements']} elements in {len(steps)} step{'s' if len(steps) > 1 else ''}")
        if "not_finite" in row:
            print(f"  {row['not_finite']} are finite on one side only")
        if "max_error" in row:
            print(f"  max error {row['max_error']:.3e} ({row['relative']:.2e} of the largest), mean error {row['mean_error']:.3e}, cosine {row['cosine']:.9f}")
        if "kl_divergence" in row:
            print(f"  KL divergence {row['kl_divergence']:.3e}, top-1 agreement {100 * row['top1_agreement']:.2f}%")


main()
