#!/usr/bin/env bash
# Builds the C library alone with its test program and runs it: plain, then under the
# address, undefined-behaviour and thread sanitizers.  Needs a C compiler, no Python.
# usage: csrc/test/run.sh [compiler]
set -euo pipefail
cc=${1:-${CC:-cc}}
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
sources=("$here"/../*.c "$here"/*.c)
flags=(-std=gnu11 -pthread -Wall -Wextra -Wno-unused-function -Wno-unused-parameter -Werror
       -ffp-contract=off -fno-math-errno -I "$here/.."
       -Dmalloc=test_malloc -Dcalloc=test_calloc) # memory.c: so that tests can let them fail

"$cc" -O2 "${flags[@]}" "${sources[@]}" -lm -o "$out/plain"
"$out/plain"
# The sanitizers cannot run in the resolvers that pick a clone of a kernel at load time.
"$cc" -O1 -g1 -DDD_NO_CLONES -fsanitize=address,undefined -fno-sanitize-recover=all \
    "${flags[@]}" "${sources[@]}" -lm -o "$out/sanitized"
UBSAN_OPTIONS=print_stacktrace=1 "$out/sanitized"
"$cc" -O1 -g1 -DDD_NO_CLONES -fsanitize=thread "${flags[@]}" "${sources[@]}" -lm -o "$out/threads"
"$out/threads" arrays
