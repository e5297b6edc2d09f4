#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Train the decoder that ships with Sinter and export it to ONNX.

    apt-get install bible-kjv-text bible-kjv
    pip install -r requirements.txt          (torch for CPU is enough)
    python train.py --work /tmp/kjv          text, tokenizer, training, export, checks

Writes model.onnx, tokenizer.json, genai_config.json and heldout.txt beside this file. The training state is kept in --work, so
that an interrupted run goes on where it stopped, and a finished one only exports.
"""
import argparse
import hashlib
import json
import math
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).resolve().parent
END = "<|endoftext|>"
CONTEXT = 512
HELD_OUT_EVERY = 40
SHAPE = dict(vocab_size=1024, hidden_size=256, intermediate_size=512, num_hidden_layers=3, num_attention_heads=8,
             num_key_value_heads=2, max_position_embeddings=CONTEXT, rms_norm_eps=1e-5, tie_word_embeddings=True,
             rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, bos_token_id=0, eos_token_id=0)


def chapters():
    """The chapters in order, one verse a line."""
    dump = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in dump.splitlines():
        book, chapter, verse = re.match(r"(\w+?)(\d+):\d+ (.*)", line).groups()
        found.setdefault((book, int(chapter)), []).append(verse.strip())
    return ["\n".join(verses) for verses in found.values()]


def train_tokenizer(texts):
    """Byte-level BPE with GPT-2's pre-tokenizer; token 0 ends a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=SHAPE["vocab_size"], special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    return tokenizer


def windows(ids):
    """Consecutive windows of one token more than the context, the last one shorter."""
    return [ids[i:i + CONTEXT + 1] for i in range(0, len(ids) - 1, CONTEXT)]


@torch.no_grad()
def loss_on(model, ids):
    """Mean negative log likelihood of every token after the first of each window."""
    total = 0.0
    for w in windows(ids):
        x = torch.from_numpy(w[None].astype(np.int64))
        logits = model(input_ids=x[:, :-1], use_cache=False).logits
        total += torch.nn.functional.cross_entropy(logits[0], x[0, 1:], reduction="sum").item()
    return total / (len(ids) - 1)


def train(model, ids, held_out, args):
    """Muon for the matrices, AdamW for the embedding and the norms; the rate warms up and falls along a cosine."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [torch.optim.Muon(matrices, lr=args.rate, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
                  torch.optim.AdamW(others, lr=args.rate, weight_decay=0.0, betas=(0.9, 0.98))]
    saved = args.work / "state.pt"
    first = 0
    if saved.exists():
        state = torch.load(saved)
        first = state["step"]
        model.load_state_dict(state["model"])
        for o, s in zip(optimizers, state["optimizers"]):
            o.load_state_dict(s)
    start = time.time()
    data = torch.from_numpy(ids.astype(np.int64))
    for step in range(first, args.steps):
        rate = args.rate * min((step + 1) / 50, 0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * step / args.steps)))
        for o in optimizers:
            for group in o.param_groups:
                group["lr"] = rate
        at = torch.randint(0, len(data) - CONTEXT - 1, (args.batch,), generator=torch.Generator().manual_seed(step))
        x = torch.stack([data[i:i + CONTEXT + 1] for i in at])
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            logits = model(input_ids=x[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), x[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in optimizers:
            o.step()
            o.zero_grad(set_to_none=True)
        if (step + 1) % 10 == 0:
            print(f"step {step + 1}/{args.steps} loss {loss.item():.3f} {time.time() - start:.0f} s", flush=True)
        if (step + 1) % 100 == 0 or step + 1 == args.steps:
            torch.save({"step": step + 1, "model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers]}, saved)
        if (step + 1) % 500 == 0 or step + 1 == args.steps:
            print(f"held out: {loss_on(model, held_out[:16 * CONTEXT]):.4f}", flush=True)


class WithPast(torch.nn.Module):
    """The decoder with the interface that exported decoders have: the past goes in, the present comes out."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, position_ids, past):
        cache = DynamicCache([(past[i], past[i + 1]) for i in range(0, len(past), 2)])
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, past_key_values=cache,
                         use_cache=True)
        return out.logits, *[t for layer in out.past_key_values.layers for t in (layer.keys, layer.values)]


def export(model, path):
    layers, heads = SHAPE["num_hidden_layers"], SHAPE["num_key_value_heads"]
    size = SHAPE["hidden_size"] // SHAPE["num_attention_heads"]
    pairs = [f"{i}.{kind}" for i in range(layers) for kind in ("key", "value")]
    example = (torch.randint(1, 1000, (2, 3)), torch.ones(2, 7, dtype=torch.long),
               torch.arange(4, 7)[None].expand(2, 3).contiguous(), [torch.randn(2, heads, 4, size) for _ in pairs])
    dim = torch.export.Dim
    batch, sequence = dim("batch_size", min=1, max=64), dim("sequence_length", min=1, max=CONTEXT)
    past = dim("past_sequence_length", min=0, max=CONTEXT)
    shapes = dict(input_ids={0: batch, 1: sequence}, attention_mask={0: batch, 1: dim.AUTO}, position_ids={0: batch, 1: sequence},
                  past=[{0: batch, 2: past}] * len(pairs))
    torch.onnx.export(WithPast(model), example, dynamo=True, dynamic_shapes=shapes, opset_version=20,
                      input_names=["input_ids", "attention_mask", "position_ids"] + [f"past_key_values.{p}" for p in pairs],
                      output_names=["logits"] + [f"present.{p}" for p in pairs]).save(str(path), external_data=False)


def strip(path):
    """Leave out what the exporter notes about its own sources: paths, stack traces, value_info."""
    import onnx
    m = onnx.load(path)
    for node in m.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*m.graph.value_info, *m.graph.input, *m.graph.output, *m.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
    del m.graph.metadata_props[:], m.metadata_props[:]
    del m.graph.value_info[:]
    for value in [*m.graph.input, *m.graph.output]:
        total = value.name == "attention_mask" or value.name.startswith("present.")
        for d in value.type.tensor_type.shape.dim:
            if d.dim_param and d.dim_param not in ("batch_size", "sequence_length", "past_sequence_length"):
                assert total, (value.name, d.dim_param)
                d.dim_param = "total_sequence_length"
    onnx.checker.check_model(m, full_check=True)
    onnx.save(m, path)


def check(model, path, tokenizer, held_out):
    """onnxruntime against PyTorch on one window, perplexity on the held-out text, greedy text."""
    import onnxruntime as ort
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pasts = [i for i in session.get_inputs() if i.name.startswith("past_key_values.")]
    outputs = [o.name for o in session.get_outputs()]

    def step(ids, past):
        length = next(iter(past.values())).shape[2]
        feed = dict(input_ids=np.array([ids], np.int64), attention_mask=np.ones((1, length + len(ids)), np.int64),
                    position_ids=np.arange(length, length + len(ids), dtype=np.int64)[None], **past)
        out = dict(zip(outputs, session.run(None, feed)))
        return out["logits"][0], {p.name: out[p.name.replace("past_key_values", "present")] for p in pasts}

    def empty():
        return {p.name: np.zeros((1, p.shape[1], 0, p.shape[3]), np.float32) for p in pasts}

    window = held_out[:CONTEXT].astype(np.int64)
    with torch.no_grad():
        expected = model(input_ids=torch.from_numpy(window[None]), use_cache=False).logits[0].numpy()
    logits, past = step(window[:300], empty())
    later, past = step(window[300:511], past)
    last, _ = step(window[511:], past)
    difference = np.abs(np.concatenate([logits, later, last]) - expected).max() / np.abs(expected).max()
    assert difference < 1e-5, difference

    total = 0.0
    for w in windows(held_out):
        x = step(w[:-1], empty())[0].astype(np.float64)
        x -= x.max(-1, keepdims=True)
        total -= (x[np.arange(len(x)), w[1:]] - np.log(np.exp(x).sum(-1))).sum()
    loss = total / (len(held_out) - 1)
    ids, past = tokenizer.encode("And it came to pass").ids, empty()
    prompt = ids
    for _ in range(100):
        logits, past = step(prompt, past)
        prompt = [int(logits[-1].argmax())]
        ids = ids + prompt
    return dict(relative_difference=float(difference), loss=loss, perplexity=math.exp(loss), tokens=len(held_out),
                greedy=tokenizer.decode(ids))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the training state")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--batch", type=int, default=8, help="windows of 512 tokens a step")
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="train with bfloat16 products")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    text = chapters()
    held_out_text = text[HELD_OUT_EVERY - 1::HELD_OUT_EVERY]
    train_text = [t for i, t in enumerate(text) if i % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
    (HERE / "heldout.txt").write_text("\n\n".join(held_out_text) + "\n")
    if not (HERE / "tokenizer.json").exists():
        train_tokenizer(train_text).save(str(HERE / "tokenizer.json"))
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
    encode = lambda texts: np.concatenate([[0, *e.ids] for e in tokenizer.encode_batch(texts)]).astype(np.uint16)
    ids, held_out = encode(train_text), encode(held_out_text)
    model = LlamaForCausalLM(LlamaConfig(**SHAPE, initializer_range=0.03, attn_implementation="sdpa"))
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{len(ids)} tokens to train on, {len(held_out)} held out; {parameters} parameters")
    train(model, ids, held_out, args)

    model.eval()
    path = HERE / "model.onnx"
    export(model, path)
    strip(path)
    (HERE / "genai_config.json").write_text(json.dumps({"model": {
        "type": "llama", "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "context_length": CONTEXT,
        "vocab_size": SHAPE["vocab_size"], "decoder": {"filename": "model.onnx"}}}, indent=2) + "\n")
    result = check(model, path, tokenizer, held_out)
    for file in ("model.onnx", "tokenizer.json", "heldout.txt"):
        data = (HERE / file).read_bytes()
        print(f"{hashlib.sha256(data).hexdigest()}  {file}  {len(data)} bytes")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
