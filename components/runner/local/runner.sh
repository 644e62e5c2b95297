#!/bin/sh
# A local runner: one buildkitd for one platform, in a folder of its own. The wake script puts this file, idle.sh,
# buildkitd.toml, settings.sh and the certificates there. With the folder as working directory:
#
#     sh runner.sh start    bring it to serving, whatever state it is in; asking again counts as activity
#     sh runner.sh stop     end it, and with it any build that runs
#     sh runner.sh status   one word: stopped, booting, serving or stopping
#
# Files: lock (held while the state changes), pid (of the supervisor, seen from outside), state, activity (when it was
# last asked for, seconds since 1970), log.
set -eu
umask 077
name='' idle_seconds=0
# Sets these two, and PATH as it was when the runner was last woken.
# shellcheck source=/dev/null
. ./settings.sh
BUILDKIT_HOST=unix://$PWD/buildkitd.sock
export BUILDKIT_HOST

say() { printf '%s\n' "$name: $*" >&2; }

alive() {
    [ -s pid ] && kill -0 "$(cat pid)" 2>/dev/null &&
        # The id may belong to another process by now, after a restart of the machine.
        tr '\0' ' ' 2>/dev/null <"/proc/$(cat pid)/cmdline" | grep -q "runner.sh supervise"
}

serving() { buildctl debug workers >/dev/null 2>&1; }

status() {
    if ! alive; then echo stopped; else cat state; fi
}

# How to start the supervisor so that everything a build left behind goes with it: as the first process of a PID
# namespace of its own. Without root, rootlesskit makes the user namespace that this needs.
namespace() {
    if [ "$(id -u)" = 0 ]; then
        echo unshare --pid --fork --kill-child --mount --mount-proc
    else
        echo rootlesskit --pidns --state-dir="$PWD/rootlesskit"
    fi
}

require() {
    for program in "$@"; do
        if ! command -v "$program" >/dev/null; then
            say "program $program is missing. Run tools/setup.sh in the project's folder; it installs it or says how."
            exit 1
        fi
    done
}

start() {
    require buildkitd buildctl runc flock
    if [ "$(id -u)" != 0 ]; then
        require rootlesskit newuidmap
        if ! grep -qs "^$(id -un):" /etc/subuid; then
            say "without root a runner needs subordinate user ids. Please run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
            exit 1
        fi
    fi
    exec 9>lock
    # Whoever holds the lock is starting or stopping the runner; both end in a state to go on from.
    if ! flock -w "${start_limit:-300}" 9; then
        say "still being started or stopped by another process after ${start_limit:-300} s; see $PWD/log"
        exit 1
    fi
    date +%s >activity
    if alive && serving; then
        if cmp -s buildkitd.toml running.toml; then return; fi
        say "its configuration changed: restarting once its builds are done"
        end_supervisor 600
    elif alive; then
        say "running but not answering: restarting"
        end_supervisor 3
    fi
    rm -rf rootlesskit stop-request
    cp buildkitd.toml running.toml
    echo booting >state
    # shellcheck disable=SC2046 # a command and its options
    setsid $(namespace) sh runner.sh supervise </dev/null >>log 2>&1 9>&- &
    echo $! >pid
    waited=0
    until serving; do
        # At first it still is a copy of this shell, not yet the supervisor.
        if [ "$waited" -ge 300 ] || { [ "$waited" -gt 10 ] && ! alive; }; then
            say "buildkitd did not start; the end of $PWD/log:"
            tail -n 5 log >&2
            if alive; then end_supervisor 0; fi
            exit 1
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
    echo serving >state
}

# end_supervisor SECONDS: asks it to end, which leaves a build that runs so many seconds. The caller holds the lock.
end_supervisor() {
    echo stopping >state
    echo "$1" >stop-request
    waited=0
    while alive; do
        if [ "$waited" -ge $((($1 + 5) * 10)) ]; then kill -KILL "$(cat pid)"; fi
        sleep 0.1
        waited=$((waited + 1))
    done
    rm -f stop-request pid
    echo stopped >state
}

stop() {
    exec 9>lock
    if ! flock -w 60 9; then say "locked for a minute; ending it all the same"; fi
    if alive; then end_supervisor 3; fi
}

# The first process of the namespace: when it ends, for whatever reason, the kernel ends all that is left in it.
supervise() {
    rm -f buildkitd.sock
    set -- buildkitd --config buildkitd.toml
    if [ -n "${ROOTLESSKIT_STATE_DIR:-}" ]; then
        set -- "$@" --rootless
        # Where runc keeps its state, with USER saying that this root is none.
        XDG_RUNTIME_DIR=$PWD/run USER=${USER:-rootless}
        export XDG_RUNTIME_DIR USER
        mkdir -p "$XDG_RUNTIME_DIR"
    fi
    "$@" &
    buildkitd=$!
    watch "$buildkitd" &
    wait "$buildkitd" || say "buildkitd ended with status $?"
}

# watch PID: ends the daemon (drained: it finishes what runs) when it has been idle, or when asked to.
watch() {
    pause=$((idle_seconds / 12))
    if [ "$pause" -gt 10 ]; then pause=10; fi
    looked=0
    while :; do
        sleep 0.5
        if [ -e stop-request ]; then
            kill -TERM "$1"
            sleep "$(cat stop-request)"
            kill -KILL "$1"
            return
        fi
        looked=$((looked + 1))
        if [ "$looked" -lt $((pause * 2)) ]; then continue; fi
        looked=0
        if ! is_idle "$(cat activity)"; then continue; fi
        # From here on nobody can be told that the runner serves: whoever asks waits for the lock. Look again then,
        # for what came in before.
        exec 9>lock
        if flock -n 9 && is_idle "$(cat activity)"; then
            echo stopping >state
            say "idle for $idle_seconds s: stopping"
            kill -TERM "$1"
            # Held until the namespace is gone, which ends this process as well.
            sleep 3600 9>&9
        fi
        exec 9>&-
    done
}

# shellcheck source=components/runner/idle.sh
. ./idle.sh
case ${1:-} in
    start | stop | status | supervise) "$1" ;;
    *)
        say "usage: sh runner.sh start|stop|status"
        exit 2
        ;;
esac
