# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
#
# Sourced by tools/check.sh and tools/demo.sh: what they have in common. Both may be started from anywhere; all they make is
# under build/.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "== $*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

packages=(libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools liblld-22-dev lld-22 clang-22 libclang-rt-22-dev
  libprotobuf-dev protobuf-compiler zlib1g-dev libzstd-dev libgtest-dev cmake ninja-build ccache pkg-config python3-venv)

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "installing packages needs root or sudo; as root: apt-get install $*"
  fi
}

# Installs with apt what is missing; touches nothing where nothing is missing.
install_packages() {
  local missing=() p
  for p in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing with apt: ${missing[*]}"
  as_root apt-get update -q </dev/null || say "apt-get update failed, going on with the package lists at hand"
  if [[ "$(apt-cache policy libmlir-22-dev)" != *"Candidate: 1:22.1."* ]]; then
    fail "no package libmlir-22-dev 22.1: LLVM 22 is in Debian 12's security suite, which apt does not have here. Add the line
  deb http://deb.debian.org/debian-security bookworm-security main
to /etc/apt/sources.list and start again."
  fi
  as_root apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
}

# The Python that the tests, the demo and 'sinter verify' use: build/venv, made again when test/requirements.txt changes.
make_venv() {
  if cmp -s test/requirements.txt build/venv/requirements.txt; then return; fi
  say "making the Python environment build/venv (test/requirements.txt)"
  local python=/usr/bin/python3
  [ -x $python ] || python=python3
  rm -rf build/venv
  $python -m venv build/venv
  build/venv/bin/pip install -q -r test/requirements.txt
  cp test/requirements.txt build/venv/requirements.txt
}

# The folder of test models, which the tests that need it are told when the build is configured.
SINTER_MODELS=$(realpath -m "${SINTER_MODELS-../shared}")

# build PRESET [TARGET...]: configures where that was not done and brings the targets up to date.
build() {
  local preset=$1 folder=build
  shift
  [ "$preset" = release ] || folder=build/$preset
  if [ ! -f $folder/build.ninja ] || ! grep -qx "SINTER_MODELS:PATH=$SINTER_MODELS" $folder/CMakeCache.txt; then
    say "configuring $folder"
    cmake --preset "$preset" -Wno-dev "-DSINTER_MODELS=$SINTER_MODELS"
  fi
  say "building $folder${*:+: $*}"
  ninja -C $folder "$@"
}
