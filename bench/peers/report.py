# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Turns results.json into the tables of docs/performance.md and docs/performance.png."""
from statistics import median

BEGIN, END = "<!-- written by bench/run: begin -->", "<!-- written by bench/run: end -->"
MEASURES = {"prefill": "prompt of {prompt}", "decode": "generate, empty cache", "deep": "generate at {depth}"}
COLOURS = {"Sinter": "#1f5fa8", "onnxruntime": "#c9c9c9", "OpenVINO": "#9a9a9a", "llama.cpp": "#6b6b6b"}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def speed(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def by_threads(entry):
    return sorted(entry.items(), key=lambda item: int(item[0]))


def labels_of(entry):
    """Every label of any number of threads, in the order of the first."""
    return list(dict.fromkeys(label for _, measured in by_threads(entry) for label in measured["rows"]))


def decoder_table(entry):
    labels = labels_of(entry)
    rows = []
    for threads, measured in by_threads(entry):
        for key, title in MEASURES.items():
            values = {label: median(row[key]) for label, row in measured["rows"].items()}
            best = max(values.values())
            cells = [f"**{speed(values[label])}**" if values.get(label) == best else speed(values[label]) if label in values else "-"
                     for label in labels]
            rows.append([threads, title.format(**measured), *cells])
    memory = by_threads(entry)[-1]
    rows.append([memory[0], "peak memory, MB", *(f"{memory[1]['rows'][label]['peak_mb']:.0f}" if label in memory[1]["rows"] else "-"
                                                 for label in labels)])
    return table(["threads", "tokens/s", *labels], rows)


def shares(measured, library):
    """Sinter's shares of the machine, round by round: {measure: [share]}."""
    result = {key: [] for key in MEASURES}
    for i, machine in enumerate(measured["machine"]):
        row = {key: measured["rows"]["Sinter"][key][i] for key in MEASURES}
        tokens = measured["prompt"]
        operations = 2 * ((library["macs"] - library["head_macs"]) * tokens + library["head_macs"])
        result["prefill"].append(operations * row["prefill"] / tokens / (machine["int8_gop_per_s"] * 1e9))
        for key, depth in (("decode", 0), ("deep", measured["depth"])):
            read = library["weights_read"] + (depth + (measured["generated"] + 1) / 2) * library["cache_bytes"]
            result[key].append(read * row[key] / (machine["read_gb_per_s"] * 1e9))
    return result


def span(values, digits=0):
    low, high = min(values), max(values)
    text = f"{low:.{digits}f}"
    return text if text == f"{high:.{digits}f}" else f"{text} to {high:.{digits}f}"


def shares_table(results):
    rows = []
    for name, entry in results["decoders"].items():
        for threads, measured in by_threads(entry):
            if "Sinter" not in measured["rows"]:
                continue
            percent = {key: f"{median(values) * 100:.0f}%" for key, values in shares(measured, results["compile"][measured["library"]]).items()}
            machine = measured["machine"]
            values = lambda key: [state[key] for state in machine if key in state] or [0]
            rows.append([measured["title"], threads, *percent.values(), span(values("read_gb_per_s"), 1),
                         f"{median(values('int8_gop_per_s')):.0f}", span(values("round_trip_ns"))])
    return table(["Sinter", "threads", "prompt: of the int8 peak", "generate: of the bandwidth", "generate, deep: of the bandwidth",
                  "bandwidth, GB/s", "int8 peak, Gop/s", "round trip, ns"], rows)


def encoder_table(entry):
    numbers = [threads for threads, _ in by_threads(entry)]
    rows = []
    for label in labels_of(entry):
        cells = [f"{median(entry[t]['rows'][label]['ms']):.2f}" if label in entry[t]["rows"] else "-" for t in numbers]
        rows.append([label, *cells])
    return table(["ms a run", *(f"{t} thread{'s' * (t != '1')}" for t in numbers)], rows)


def compile_table(results):
    rows = [[name + ".so", f"`{c['flags']}`", f"{c['source_mb']:.0f}", f"{c['file_mb']:.0f}", f"{c['seconds']:.1f}", f"{c['peak_mb']:.0f}" if c["peak_mb"] else "-"]
            for name, c in results["compile"].items()]
    return table(["library", "flags", "ONNX file, MB", "library, MB", "seconds", "peak memory beside mapped files, MB"], rows)


def tables(results):
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    entries = [measured for kind in ("decoders", "encoders") for entry in results[kind].values() for _, measured in by_threads(entry)]
    when = max((measured["when"] for measured in entries), default="never")
    parts = [f"{results.get('processor', 'processor unknown')}; {versions or 'no peers'}; {when}. Medians over the rounds; tokens/s, more is better."]
    for entry in results["decoders"].values():
        measured = by_threads(entry)[0][1]
        parts += [f"### {measured['title']}, {measured['weights']}", decoder_table(entry)]
    if results["decoders"]:
        parts += ["### Shares of what the machine can do", shares_table(results)]
    for entry in results["encoders"].values():
        measured = by_threads(entry)[0][1]
        parts += [f"### {measured['title']}, batch 1, {measured['tokens']} tokens", encoder_table(entry)]
    if results["compile"]:
        parts += ["### Compiling", compile_table(results)]
    return "\n\n".join(parts)


def draw_decoder(axes, entry):
    labels = labels_of(entry)
    for axis, (key, title) in zip(axes, MEASURES.items()):
        for i, label in enumerate(labels):
            points = [(g, median(m["rows"][label][key])) for g, (_, m) in enumerate(by_threads(entry)) if label in m["rows"]]
            places = [g + (i - (len(labels) - 1) / 2) * 0.8 / len(labels) for g, _ in points]
            bars = axis.bar(places, [v for _, v in points], 0.76 / len(labels), label=label, color=COLOURS.get(label, "#444444"))
            axis.bar_label(bars, [speed(v) for _, v in points], fontsize=6.5)
        first = by_threads(entry)[0][1]
        axis.set_title(f"{first['title']}: {title.format(**first)}", fontsize=9, loc="left")
        axis.set_xticks(range(len(entry)), [f"{t} thread{'s' * (t != '1')}" for t, _ in by_threads(entry)])
    axes[0].set_ylabel("tokens/s", fontsize=8)


def draw_encoder(axes, entry):
    for axis, (threads, measured) in zip(axes, by_threads(entry)):
        values = {label: median(row["ms"]) for label, row in measured["rows"].items()}
        bars = axis.barh(list(values), list(values.values()), color=[COLOURS.get(label.split(",")[0], "#444444") for label in values])
        axis.bar_label(bars, [f"{v:.1f}" for v in values.values()], fontsize=6.5, padding=2)
        axis.invert_yaxis()
        axis.set_title(f"{measured['title']}: ms a run, {threads} thread{'s' * (threads != '1')}", fontsize=9, loc="left")


def draw(results, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    rows = [(draw_decoder, entry, len(MEASURES)) for entry in results["decoders"].values()]
    rows += [(draw_encoder, entry, len(entry)) for entry in results["encoders"].values()]
    if not rows:
        return
    figure = pyplot.figure(figsize=(11, 2.5 * len(rows) + 0.4), layout="constrained")
    # A row of panels is laid out by itself: labels on its left take no room from the others.
    for part, (paint, entry, columns) in zip(figure.subfigures(len(rows), 1, squeeze=False).flat, rows):
        axes = part.subplots(1, columns, squeeze=False)[0]
        for axis in axes:
            axis.spines[["top", "right"]].set_visible(False)
            axis.tick_params(labelsize=8)
        paint(axes, entry)
    handles, names = figure.subfigs[0].axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=max(1, len(names)), fontsize=8, frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def rewrite(page, text):
    """Puts `text` between the markers of the file `page`."""
    before, found, rest = page.read_text().partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise SystemExit(f"{page} has no lines '{BEGIN}' and '{END}'")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def write(results, page, picture):
    draw(results, picture)
    rewrite(page, tables(results))
