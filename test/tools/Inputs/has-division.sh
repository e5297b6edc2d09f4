#!/bin/sh
# Interesting as long as a division is left.
grep -q 'arith.divsi' "$1"
