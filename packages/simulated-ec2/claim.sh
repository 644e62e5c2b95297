#!/bin/sh
# claim.sh PROCESS SLOT...: gives a process the first slot that no living process has, and prints its number. In the folder of
# the claims, and under a lock (see slots.ts): of two that find the claim of a dead process only one may have it.
set -eu
process=$1
shift
for slot; do
    owner=$(cat "claim-$slot" 2>/dev/null) || true
    if [ -n "$owner" ] && [ -e "/proc/$owner" ]; then continue; fi
    printf %s "$process" >"claim-$slot"
    echo "$slot"
    exit
done
exit 1
