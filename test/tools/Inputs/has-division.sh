#!/bin/sh
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
#
# Interesting as long as a division is left.
grep -q 'arith.divsi' "$1"
