# shellcheck shell=sh
# The idle rule, the same for every kind of runner: a runner is busy while a build runs, and stays awake for
# $idle_seconds after the end of the last build. Connecting counts, because it builds an empty image as a proof; an open
# connection without a build does not count, nor does anybody without a certificate. A runner that compiles for the builds of
# others, as a node of a compile cluster, is busy too, and likewise afterwards.
#
# Reads: $idle_seconds (0: never idle), $BUILDKIT_HOST, buildctl on PATH.

helped=0 helped_at=0
# note_help NUMBER: what the runner has done for others until now, as `cluster.sh helped` prints it. Where it has grown since
# the last call, the runner has helped just now: sets $helped_at, in seconds since 1970.
note_help() {
    case $1 in '' | *[!0-9]*) return ;; esac
    if [ "$1" -gt "$helped" ]; then helped_at=$(date +%s); fi
    helped=$1
}

# is_idle STARTED: true when no build runs, and both the last build's end and STARTED (when the runner began to serve, or
# was last asked to; seconds since 1970) are $idle_seconds or more ago. A daemon that gives no answer is not idle.
is_idle() {
    : "${idle_seconds:?}"
    if [ "$idle_seconds" -eq 0 ]; then return 1; fi
    limit=$(($(date +%s) - idle_seconds))
    if [ "$1" -gt "$limit" ] || [ "$helped_at" -gt "$limit" ]; then return 1; fi
    # Columns: TYPE REF CREATED COMPLETED GENERATION. A build that runs has no COMPLETED.
    histories=$(TZ=UTC buildctl debug histories) || return 1
    printf '%s\n' "$histories" | awk -v limit="$(date -u -d "@$limit" +%Y-%m-%dT%H:%M:%SZ)" '
        NR == 1 { next }
        $1 != "COMPLETE" || $4 !~ /^[0-9]+-/ || $4 > limit { busy = 1 }
        END { exit busy }'
}
