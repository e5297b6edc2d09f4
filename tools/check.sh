#!/bin/bash
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
#
# Installs what is needed, builds, and runs every test. Where nothing changed since every test passed, it says so and runs none
# (--again: runs them all the same). SINTER_MODELS names the folder of test models, ../shared if not set; tests that need it are
# skipped where it is absent.
set -euo pipefail
. "$(dirname "$0")/setup.sh"

again=
case "${1-}" in
  '') ;;
  --again) again=1 ;;
  *) fail "usage: tools/check.sh [--again]" ;;
esac

# What the tests' outcome depends on: every file of the project and the tools it is built with.
fingerprint() {
  find . \( -path './build*' -o -path ./.git \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  dpkg-query -W "${packages[@]}"
  echo "$SINTER_MODELS" && stat -c %Y "$SINTER_MODELS" 2>/dev/null || true
}

install_packages
make_venv
before=$(fingerprint | sha256sum)
build release
build asan sanitized-tests
if [ -z "$again" ] && [ "$before" = "$(cat build/check.passed 2>/dev/null)" ]; then
  say "nothing changed since all tests passed, log in build/check.log (tools/check.sh --again runs them again)"
  tail -n 1 build/check.log
  exit
fi

rm -f build/check.passed
say "running the tests"
status=0
{
  ctest --preset release -j "$(nproc)" || echo failed >build/check.failed
  ctest --preset asan -j "$(nproc)" || echo failed >build/check.failed
} </dev/null 2>&1 | tee build/check.log
if [ -e build/check.failed ]; then
  rm build/check.failed
  status=1
fi
# Each line of ctest's that closes a test: ' 3/12 Test  #3: name ....   Passed    0.02 sec'.
ended='^ *[0-9]+/[0-9]+ +Test +#[0-9]+: .*'
passed=$(grep -cE "$ended Passed +[0-9.]+ sec" build/check.log || true)
skipped=$(grep -cE "$ended\*\*\*Skipped" build/check.log || true)
failed=$(($(grep -cE "$ended +[0-9.]+ sec" build/check.log || true) - passed - skipped))
[ "$failed" = 0 ] || status=1
[ "$status" = 1 ] || [ "$passed" = 0 ] || echo "$before" >build/check.passed
if [ "$skipped" != 0 ]; then
  say "$skipped skipped"
  grep -h '^skipped: ' build/Testing/Temporary/LastTest.log | sort -u || true
fi
echo "$passed passed, $failed failed" | tee -a build/check.log
exit $status
