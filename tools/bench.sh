#!/bin/sh
# make bench: measures the example against plain buildx on the same runners. Everything it starts and writes is in a
# temporary folder of its own, and gone afterwards; only bench/results stays.
#
#   ONLY            parts of it: unchanged, hash, cold, long, edit, cores, many, runners, emulation, cluster, wakes, kubernetes (default:
#                   all; more than an hour on two cores); the figures of the others stay
#   BENCH_RUNS      cold builds of each kind, of which the median counts (default 2)
#   BENCH_IMAGES    images to build, by name; those they are built on are kept (default: all)
set -eu
CDPATH='' cd "$(dirname "$0")/.."

tools/setup.sh
# shellcheck source=tools/env.sh
. ./tools/env.sh
exec node --import=tsx bench/main.ts
