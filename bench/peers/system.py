# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""What the runtimes have in common: how their decoders and encoders are timed."""
import time


def token_ids(count, vocabulary, seed=13):
    """Ids all over the vocabulary."""
    return [(i * 7919 + seed) % vocabulary for i in range(count)]


class Decoder:
    """A runtime with one decoder. A subclass says what a call is."""

    def start(self, depth):
        """Makes the cache hold at least `depth` tokens, in whatever time; returns how many."""
        raise NotImplementedError

    def forward(self, tokens, before):
        """Adds tokens to the `before` that the cache holds, and computes the logits of the last one."""
        raise NotImplementedError

    def prefill(self, tokens):
        before = self.start(0)
        begin = time.perf_counter()
        self.forward(tokens, before)
        return time.perf_counter() - begin

    def decode(self, depth, tokens):
        before = self.start(depth)
        begin = time.perf_counter()
        for i, token in enumerate(tokens):
            self.forward([token], before + i)
        return time.perf_counter() - begin


class Encoder:
    """A runtime with one encoder."""

    def prepare(self, inputs):
        """What a call needs, from arrays by name; not timed."""
        return inputs

    def call(self, prepared):
        raise NotImplementedError

    def run(self, inputs):
        prepared = self.prepare(inputs)
        begin = time.perf_counter()
        self.call(prepared)
        return time.perf_counter() - begin
