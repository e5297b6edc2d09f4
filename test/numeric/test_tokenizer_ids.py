#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Compare Sinter's tokenizers with Hugging Face's `tokenizers`: ids of about 1 MB of mixed text, and the text decoded again.

Small tokenizers are trained here, one for each pre-tokenizer, normalizer and decoder in use. With a folder of models, those
that lie there are compared too. `test_tokenizer_ids.py TOKENIZE [FILE.json...]`
"""
import json
import os
import random
import struct
import subprocess
import sys
import sysconfig
import tempfile
import unicodedata
from pathlib import Path

try:
    import numpy as np
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

QWEN2 = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")
O200K = "|".join([
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
    r"""\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"""])
DEEPSEEK = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""


def mixed_text(size=1_000_000):
    """Stories or licence text, code, numbers, every script, emoji, odd whitespace, contractions."""
    rng = random.Random(1)
    stories = Path(os.environ.get("SINTER_MODELS", ""), "models/text/tinystories_train_part1.txt")
    prose = stories.read_text()[:size // 3] if stories.exists() else (Path(__file__).parents[2] / "LICENSE").read_text() * 20
    parts = [prose]
    code = Path(sysconfig.get_paths()["stdlib"])
    for name in ("argparse.py", "json/decoder.py", "html/entities.py", "typing.py"):
        if (code / name).exists():
            parts.append((code / name).read_text()[:80_000])
    assigned = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    scripts = [(0x20, 0x7f), (0xa0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xe00), (0x1100, 0x1200), (0x1e00, 0x2000),
               (0x2000, 0x2c00), (0x3040, 0x3100), (0x4e00, 0x5200), (0xac00, 0xae00), (0x1f300, 0x1fb00)]
    emoji = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "😀", "e\u0301", "A\u030a", "\u1112\u1161\u11ab", "\u0130", "ſ", "K"]
    while sum(map(len, parts)) < size:
        kind = rng.randrange(8)
        if kind == 0:
            parts.append("".join(rng.choices(assigned, k=20)))
        elif kind == 1:
            low, high = rng.choice(scripts)
            row = [c for c in map(chr, range(low, high)) if unicodedata.category(c) not in ("Cn", "Cs")]
            parts.append(" ".join("".join(rng.choices(row, k=rng.randrange(1, 9))) for _ in range(12)))
        elif kind == 2:
            parts.append(" ".join(str(rng.randrange(10 ** rng.randrange(1, 15))) for _ in range(10)) + " 3.14e-5, 1,000,000 x²³ Ⅷ ½ ٣٤٥")
        elif kind == 3:
            parts.append("".join(rng.choices(emoji, k=10)))
        elif kind == 4:
            parts.append("".join(rng.choices([" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2003", "\x0b", "\u0085", "   a", "b   ", "\n\n\n x"], k=30)))
        elif kind == 5:
            parts.append(" I'm you're HE'S they'LL we'Ve it'ſ don't 'tis ''s 'd'd o'clock L'été " + rng.choice(["!!", "?!...", "--", "\"'", "(a)[b]{c}"]))
        elif kind == 6:
            parts.append(rng.choice(["<|im_start|>user\n", "<|im_end|>", "</s>", "<s>", " <mask> ", "a<mask>b", "  <mask>\n ", "<tool>", "<tool_call>", "Xword", " word ", "ẞword"]))
        else:
            parts.append("".join(rng.choices("abcdefghij \n", k=rng.randrange(1, 400))))
    return "".join(parts)


def train(text, pre, vocab=3000, normalizer=None, decoder=None, post=None, model=None, alphabet=None, added=True, **trainer):
    t = Tokenizer(models.BPE(**(model or {})))
    t.pre_tokenizer = pre
    if normalizer:
        t.normalizer = normalizer
    t.decoder = decoder
    t.train_from_iterator(text.splitlines(keepends=True)[:6000], trainers.BpeTrainer(
        vocab_size=vocab, show_progress=False, initial_alphabet=alphabet or [], special_tokens=["<unk>", "<s>", "</s>"] + trainer.pop("special", []), **trainer))
    if added:
        t.add_special_tokens(["<|im_start|>", "<|im_end|>", AddedToken("<mask>", lstrip=True, rstrip=True, special=True)])
        t.add_tokens([AddedToken("<tool>", normalized=False), AddedToken("<tool_call>", normalized=True), AddedToken("word", single_word=True, normalized=False)])
    if post:
        t.post_processor = post
    return t


def variants(text):
    bytes_ = dict(alphabet=pre_tokenizers.ByteLevel.alphabet(), decoder=decoders.ByteLevel())
    level = lambda regex=True, space=False: pre_tokenizers.ByteLevel(add_prefix_space=space, use_regex=regex)
    split = lambda regex, behavior="isolated", invert=False: pre_tokenizers.Split(Regex(regex), behavior, invert)
    seq = pre_tokenizers.Sequence
    bos = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    both = processors.TemplateProcessing(single="<s> $A </s>", pair="$A $B", special_tokens=[("<s>", 1), ("</s>", 2)])
    llama = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    llama_text = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    fallback = [f"<0x{b:02X}>" for b in range(256)]
    yield "gpt2", train(text, level(), **bytes_)
    yield "gpt2 with prefix space", train(text, level(space=True), post=processors.ByteLevel(trim_offsets=True), **bytes_)
    yield "smollm2", train(text, seq([pre_tokenizers.Digits(individual_digits=True), level()]), **bytes_)
    yield "digits together", train(text, seq([pre_tokenizers.Digits(individual_digits=False), level()]), **bytes_)
    yield "qwen2", train(text, seq([split(QWEN2), level(False)]), normalizer=normalizers.NFC(), **bytes_)
    yield "llama3", train(text, seq([split(LLAMA3), level(False)]), post=processors.Sequence([processors.ByteLevel(), bos]), model={"ignore_merges": True}, **bytes_)
    yield "o200k", train(text, seq([split(O200K), level(False)]), **bytes_)
    yield "deepseek", train(text, seq([split(r"\p{N}{1,3}"), split(r"[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), level(False)]), post=both, **bytes_)
    for behavior in ("removed", "merged_with_previous", "merged_with_next", "contiguous"):
        yield f"split {behavior}", train(text, seq([split(r"\s", behavior), level(False)]), **bytes_)
    yield "split inverted", train(text, seq([split(r"[a-z]+|\p{N}++|.", "removed", True), level(False)]), **bytes_)
    yield "nfd and punctuation", train(text, seq([pre_tokenizers.Punctuation(), pre_tokenizers.WhitespaceSplit(), level(False)]), normalizer=normalizers.NFD(), **bytes_)
    # SentencePiece vocabularies: trained on words, used on the text as a whole.
    for name, merges in (("llama2", False), ("llama2 ignore_merges", True)):
        t = train(text, pre_tokenizers.Metaspace(), decoder=llama_text, special=fallback, limit_alphabet=400, post=bos, vocab=4000,
                  model={"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>", "ignore_merges": merges})
        t.normalizer = llama
        data = json.loads(t.to_str())
        data["pre_tokenizer"] = None
        data["added_tokens"] = [a for a in data["added_tokens"] if not a["content"].startswith("<0x")]
        yield name, Tokenizer.from_str(json.dumps(data))
    for scheme in ("first", "always", "never"):
        t = train(text, pre_tokenizers.Metaspace(prepend_scheme=scheme), decoder=decoders.Metaspace(prepend_scheme=scheme), limit_alphabet=300,
                  model={"unk_token": "<unk>", "fuse_unk": scheme == "first"})
        yield f"metaspace {scheme}", t
    yield "no pre-tokenizer step", train(text, pre_tokenizers.Metaspace(split=False), decoder=decoders.Metaspace(), vocab=1000, limit_alphabet=200, added=False)


def compare(name, tokenizer, path, text, tmp, tool):
    ids_file, decoded_file, text_file = tmp / "ids", tmp / "decoded", tmp / "text"
    text_file.write_bytes(text.encode())
    for special in (True, False):
        out = subprocess.run([tool, str(path), "hf", str(int(special)), str(text_file), str(ids_file), str(decoded_file)], capture_output=True, text=True)
        if out.returncode:
            return f"{out.stderr.strip() or out.returncode}"
        want = np.array(tokenizer.encode(text, add_special_tokens=special).ids, np.int32)
        got = np.fromfile(ids_file, np.int32)
        if not np.array_equal(want, got):
            n = next((i for i in range(min(len(want), len(got))) if want[i] != got[i]), min(len(want), len(got)))
            near = lambda ids: [tokenizer.id_to_token(int(i)) for i in ids[max(0, n - 3):n + 5]]
            return f"id {n} of {len(want)} ({len(got)}) differs: expected {near(want)}, got {near(got)}"
        expected, decoded = tokenizer.decode(want.tolist()), decoded_file.read_bytes().decode()
        if expected != decoded:
            n = next((i for i in range(min(len(expected), len(decoded))) if expected[i] != decoded[i]), min(len(expected), len(decoded)))
            return f"decoded text differs at {n}: expected {expected[n - 10:n + 20]!r}, got {decoded[n - 10:n + 20]!r}"
    print(f"ok      {name}: {len(want)} ids, {out.stdout.strip()}", flush=True)
    return None


def llama2c_ids(vocab, scores, text):
    """By definition: characters (or bytes), then always the adjacent pair whose joined text scores most, leftmost first."""
    index = {piece: i for i, piece in reversed(list(enumerate(vocab))) if i > 258}
    ids = []
    for c in " " + text:
        ids += [index[c.encode()]] if c.encode() in index else [b + 3 for b in c.encode()]
    while True:
        best, at = None, -1
        for i in range(len(ids) - 1):
            joined = index.get(vocab[ids[i]] + vocab[ids[i + 1]])
            if joined is not None and (best is None or scores[joined] > scores[best]):
                best, at = joined, i
        if best is None:
            return [1] + ids
        ids[at:at + 2] = [best]


def compare_llama2c(path, text, tmp, tool):
    data, at, vocab, scores = path.read_bytes(), 4, [], []
    while at < len(data):
        score, size = struct.unpack_from("<fi", data, at)
        vocab.append(data[at + 8:at + 8 + size])
        scores.append(score)
        at += 8 + size
    (tmp / "text").write_bytes(text.encode())
    subprocess.run([tool, str(path), "llama2c", "1", str(tmp / "text"), str(tmp / "ids"), str(tmp / "decoded")], check=True, stdout=subprocess.DEVNULL)
    if np.fromfile(tmp / "ids", np.int32).tolist() != llama2c_ids(vocab, scores, text):
        return "ids differ"
    if (tmp / "decoded").read_bytes().decode() != text:
        return "decoded text differs"
    print(f"ok      {path.name}")
    return None


def main():
    tool, files = sys.argv[1], [Path(f) for f in sys.argv[2:]]
    models = Path(os.environ.get("SINTER_MODELS", "/nonexistent")) / "models"
    root = Path(__file__).resolve().parents[2]
    files += [f for f in (models / "genai-tiny/tiny-random-gpt2-fp32/tokenizer.json", root / "test/models/kjv/tokenizer.json",
                          root / "build/models/smollm2/f32/tokenizer.json") if f.exists()]
    text, failed, passed = mixed_text(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)

        def all_of_them():
            for name, tokenizer in variants(text):
                tokenizer.save(str(tmp / "tokenizer.json"))
                yield name, tokenizer, tmp / "tokenizer.json"
            for file in files:
                yield str(file), Tokenizer.from_file(str(file)), file

        def results():
            for name, tokenizer, path in all_of_them():
                yield name, compare(name, tokenizer, path, text, tmp, tool)
            small = models / "stories260K/tok512.bin"
            if small.exists():
                middle = len(text) // 2
                yield small.name, compare_llama2c(small, text[:1500] + text[middle:middle + 1000], tmp, tool)

        for name, why in results():
            failed, passed = failed + bool(why), passed + (not why)
            if why:
                print(f"FAILED  {name}: {why}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
