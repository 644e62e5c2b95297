#!/bin/sh
# A local runner: one buildkitd for one platform, in a folder of its own. The wake script puts this file there, those that
# it reads, step-runtime.sh, step-mounts.sh, buildkitd.toml and settings.sh. With the folder as working directory:
#
#     sh runner.sh start    bring it to serving, whatever state it is in; asking again counts as activity
#     sh runner.sh keys     print what a client of its present start needs; status 75 when it does not serve
#     sh runner.sh stop     end it, and with it any build that runs
#     sh runner.sh status   one word: stopped, booting, serving or stopping
#     sh runner.sh builds   status 0 while a build runs, 1 otherwise
#
# Files: lock (held while the state changes), pid (of the supervisor, seen from outside), state, activity (when it was
# last asked for, seconds since 1970), running.toml and running.network (what it was started with), keys (of this start),
# log.
set -eu
umask 077
# shellcheck source=components/localMachine/daemon.sh
. ./daemon.sh
# The supervisor is started without it, and has more from its namespace.
if [ "${1:-}" != supervise ]; then forget_identity; fi
name='' server_name='' idle_seconds=0 trusted_hosts='' trusted_files='' step_group='' step_memory_megabytes=0 emulates=''
# MB of the disk: if less than low_mb is free while builds run, cache is collected until room_mb is.
low_mb=1000 room_mb=2000
# Seconds: for which others wait while it is started or stopped; that a restart leaves to a build that began just before it;
# without a build or a connect, after which it takes other proxies.
lock_seconds=300 drain_seconds=250 calm_seconds=60
# Sets these, and PATH as it was when the runner was last woken.
# shellcheck source=/dev/null
. ./settings.sh
# shellcheck disable=SC2034 # emulation.sh reads them
toolchains=../../toolchains registrant=${step_group#native-buildx-}
BUILDKIT_HOST=unix://$PWD/buildkitd.sock
export BUILDKIT_HOST

say() { printf '%s\n' "$name: $*" >&2; }

alive() { runs "runner.sh supervise"; }

# By what buildctl prints, not by its status: on a busy machine it fails after it had its answer, because 50 ms were not
# enough to hand over its traces.
serving() { [ -n "$(buildctl debug workers 2>/dev/null)" ]; }

keys() {
    if [ "$(status)" != serving ]; then exit 75; fi
    if cat keys/client.pem 2>/dev/null; then return; fi
    # It may have begun to stop meanwhile.
    if [ "$(status)" != serving ]; then exit 75; fi
    say "its keys are gone: it makes others when it restarts"
    exit 1
}

status() {
    if ! alive; then echo stopped; else cat state; fi
}

builds() { alive && serving && ! unused -1 0; }

# The command that starts the supervisor as the first process of a PID namespace, so that everything a build has left ends
# with it. Without root, rootlesskit makes the user namespace that this needs.
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
    require buildkitd buildctl runc flock openssl
    if [ "$(id -u)" != 0 ]; then
        require rootlesskit newuidmap
        if ! cut -d: -f1 /etc/subuid 2>/dev/null | grep -qxF -e "$(id -un)" -e "$(id -u)"; then
            say "without root a runner needs subordinate user ids. Please run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
            exit 1
        fi
    fi
    exec 9>lock
    # Whoever holds the lock is starting or stopping the runner, and this can go on after either.
    if ! flock -w "$lock_seconds" 9; then
        say "still being started or stopped by another process after $lock_seconds s; see $PWD/log"
        exit 1
    fi
    activity=$(cat activity 2>/dev/null) || activity=0
    date +%s >activity
    if alive && [ "$(cat state)" != stopping ] && serving; then
        # Whoever started it may have been killed before that was written. (A file that is written is empty for a moment.)
        if [ "$(cat state)" = booting ]; then echo serving >state; fi
        if ! needs_restart "${activity:-0}"; then
            if same_port; then return; fi
            say "localPort: a build runs on it at its port of before. Connect again when that is done, or set localPort back."
            exit 1
        fi
        say "$reason: restarting"
        end_supervisor "$drain_seconds"
    elif alive; then
        # An idle stop gives up the lock a moment before its last process ends.
        [ "$(cat state)" = stopping ] || say "running but not answering: restarting"
        end_supervisor 3
    fi
    rm -rf rootlesskit stop-request renewing
    configuration >running.toml
    network >running.network
    echo booting >state
    # shellcheck disable=SC2046 # a command and its options
    start_daemon $(namespace) sh runner.sh supervise
    waited=0
    until serving; do
        # Not `alive`: on a busy machine it still is a copy of this shell for a while, not yet the supervisor.
        if [ "$waited" -ge 300 ] || ! kill -0 "$daemon" 2>/dev/null; then
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

# Everything that a daemon is started with, but for the network. buildkitd.toml has no more of a registry's authority than
# its file's path.
configuration() {
    cat buildkitd.toml
    echo "# memory of build steps: $step_memory_megabytes; native compilers for: $emulates"
    # The file of one that nobody has started yet is not there.
    printf '%s\n' "$trusted_files" | while IFS= read -r file; do
        if [ -n "$file" ]; then echo "# the registry's authority: $(cksum 2>/dev/null <"$file")"; fi
    done
}

# A checksum, because a proxy may have a password. Without what `pulumi up` and tools/env.sh append to (NO_PROXY,
# SSL_CERT_DIR): a runner would restart for the same person.
network() {
    printf '%s\n' "${HTTP_PROXY:-${http_proxy:-}}" "${HTTPS_PROXY:-${https_proxy:-}}" "${ALL_PROXY:-${all_proxy:-}}" \
        "${SSL_CERT_FILE:-}" | cksum
}

same_port() { [ "$(grep tcp: buildkitd.toml)" = "$(grep tcp: running.toml)" ]; }

# needs_restart ACTIVITY: true if the runner that serves is not what was asked for, and a restart is in nobody's way; ACTIVITY
# is when it was asked for before. Sets $reason.
needs_restart() {
    calm=-1 until="its builds are done"
    if [ ! -s keys/client.pem ]; then
        reason="its keys are gone"
    elif ! configuration | cmp -s - running.toml; then
        reason="its configuration changed"
    elif ! network | cmp -s - running.network; then
        # Two shells with different proxies must not take it from one another while both build.
        reason="it was started with other proxies, or certificates"
        calm=$calm_seconds until="nobody has built or connected for $calm_seconds s"
    else
        return 1
    fi
    if unused "$calm" "$1"; then return; fi
    say "$reason: it goes on as it is, and restarts at the first connect when $until"
    return 1
}

# end_supervisor SECONDS: ends it; a build that runs has so many seconds left. The caller holds the lock.
end_supervisor() {
    echo stopping >state
    echo "$1" >stop-request
    waited=0
    while alive; do
        if [ "$waited" -ge $((($1 + 5) * 10)) ]; then kill -KILL "$(cat pid)"; fi
        sleep 0.1
        waited=$((waited + 1))
    done
    rm -rf stop-request pid keys
    leave_toolchains
    echo stopped >state
}

stop() {
    exec 9>lock
    if ! flock -w 60 9; then say "locked for a minute; ending it all the same"; fi
    if alive; then end_supervisor 3; fi
    release_steps "$step_group"
}

# Runs as the first process of the namespace: when it ends, for whatever reason, the kernel ends all others in it.
supervise() {
    # The registries are this machine's own: no proxy of whoever woke the runner can reach them.
    no_proxy=${NO_PROXY:-${no_proxy:-}}
    no_proxy=${no_proxy:+$no_proxy,}$trusted_hosts
    NO_PROXY=$no_proxy
    export NO_PROXY no_proxy
    reason=$(limit_steps "$step_group" "$step_memory_megabytes") || say "$reason"
    # shellcheck disable=SC2046 # an option, or none
    set -- buildkitd --config buildkitd.toml $(parallelism_option buildkitd.toml)
    if [ -n "${ROOTLESSKIT_STATE_DIR:-}" ]; then
        set -- "$@" --rootless
        # Where runc keeps its state. USER tells it that this root is not the machine's.
        XDG_RUNTIME_DIR=$PWD/run USER=${USER:-rootless}
        export XDG_RUNTIME_DIR USER
        mkdir -p "$XDG_RUNTIME_DIR"
    fi
    trap leave_toolchains EXIT
    use_toolchains
    supervisor=$(cat pid)
    while :; do
        renew_settings
        # BuildKit reads its keys only when it starts.
        rm -rf buildkitd.sock keys
        make_keys keys "$server_name"
        "$@" &
        buildkitd=$!
        watch "$buildkitd" &
        wait "$buildkitd" || say "buildkitd ended with status $?"
        if [ ! -e renewing ]; then return; fi
    done
}

# unused SECONDS ACTIVITY: true if no build runs, and for so many seconds none has ended and nobody has asked for the runner.
# -1: a build may have ended in this second.
unused() (
    # shellcheck disable=SC2030 # for this question only
    idle_seconds=$1
    if [ "$1" -lt 0 ]; then set -- "$1" 0; fi
    is_idle "$2"
)

# shellcheck source=components/runner/local/watch.sh
. ./watch.sh
# shellcheck source=components/runner/idle.sh
. ./idle.sh
# shellcheck source=components/runner/keys.sh
. ./keys.sh
# shellcheck source=components/runner/steps.sh
. ./steps.sh
# shellcheck source=components/runner/room.sh
. ./room.sh
# shellcheck source=components/runner/emulation/emulation.sh
. ./emulation.sh
case ${1:-} in
    start | keys | stop | status | builds | supervise) "$1" ;;
    *)
        say "usage: sh runner.sh start|keys|stop|status|builds"
        exit 2
        ;;
esac
