#!/bin/bash
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
#
# run.sh BUILD SCRATCH MODEL: installs BUILD into SCRATCH, then does what users do: the test project with CMake, and the same
# program with a C compiler and pkg-config.
set -euo pipefail
build=$1 scratch=$2 model=$3
here=$(cd "$(dirname "$0")" && pwd)
example=$here/../../docs/examples/embed.c
rm -rf "$scratch"
mkdir -p "$scratch/source"
cp "$here/CMakeLists.txt" "$example" "$scratch/source"
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null

cmake -G Ninja -S "$scratch/source" -B "$scratch/project" -DCMAKE_C_COMPILER=clang-22 -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DMODEL="$model" -DCMAKE_C_FLAGS='-std=c99 -Wall -Wextra -Werror'
cmake --build "$scratch/project"
ctest --test-dir "$scratch/project" --output-on-failure

[ "$(wc -l <"$example")" -lt 60 ]
# Nothing but the prefix: pkg-config must not find another installation.
flags=$(PKG_CONFIG_LIBDIR=$scratch/prefix/lib/pkgconfig:$scratch/prefix/lib/x86_64-linux-gnu/pkgconfig pkg-config --cflags --libs sinter)
clang-22 -std=c11 "$example" $flags -o "$scratch/embed"
"$scratch/prefix/bin/sinter" compile "$model" -o "$scratch/model.so" --weights=int8 --max-seq=256
tokens=$("$scratch/embed" "$scratch/model.so" 0 500 600)
[ "$(wc -w <<<"$tokens")" = 32 ]
[ "$tokens" = "$("$scratch/project/embed" "$scratch/project/model.so" 0 500 600)" ]
echo "32 tokens from an installed tree:" $tokens
