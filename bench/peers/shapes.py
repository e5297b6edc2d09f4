# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The decoders that are compared: real shapes, whose weights are random unless a file with real ones is at hand."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    name: str
    title: str
    hidden: int
    ffn: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int
    context: int  # positions with an entry in the table of rotations
    theta: float
    tied: bool  # the head's weights are the embedding's
    bias: bool  # of the queries', keys' and values' projections
    group: int = 128  # of OpenVINO's int4 weights: it wants one that divides every row

    def linears(self):
        """(name, outputs, inputs) of a layer's linears, in the order in which a token meets them."""
        return [("q", self.heads * self.head, self.hidden), ("k", self.kv_heads * self.head, self.hidden),
                ("v", self.kv_heads * self.head, self.hidden), ("o", self.hidden, self.heads * self.head),
                ("gate", self.ffn, self.hidden), ("up", self.ffn, self.hidden), ("down", self.hidden, self.ffn)]


SHAPES = {shape.name: shape for shape in (
    Shape("tinyllama", "TinyLlama-1.1B", hidden=2048, ffn=5632, layers=22, heads=32, kv_heads=4, head=64, vocabulary=32000,
          context=4096, theta=1e4, tied=False, bias=False),
    Shape("qwen2.5-0.5b", "Qwen2.5-0.5B", hidden=896, ffn=4864, layers=24, heads=14, kv_heads=2, head=64, vocabulary=151936,
          context=4096, theta=1e6, tied=True, bias=True),
    Shape("smollm2", "SmolLM2-135M", hidden=576, ffn=1536, layers=30, heads=9, kv_heads=3, head=64, vocabulary=49152,
          context=4096, theta=1e5, tied=True, bias=False, group=64),
    # Small enough for a test of the writers.
    Shape("tiny", "tiny", hidden=128, ffn=256, layers=2, heads=4, kv_heads=2, head=32, vocabulary=512,
          context=256, theta=1e4, tied=True, bias=True, group=64),
)}
