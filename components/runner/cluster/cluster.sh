#!/bin/sh
# One node of a compile cluster, in the foreground: icecream's scheduler, and its daemon, which compiles for other nodes and
# places the jobs of this one's build steps. Ends both when it is ended.
#
#     cluster.sh             the node; root, for the daemon compiles in a chroot
#     cluster.sh helped      how long the node has compiled for others, in clock ticks: a number that grows
#
#   CLUSTER_FOLDER           its state
#   CLUSTER_KIT              what makeCluster.sh has made; it is waited for
#   CLUSTER_ADDRESS          address to listen on
#   CLUSTER_MEMBERS          file with a line `NAME ADDRESS` for each member, in order; read again each round
#   CLUSTER_NAME             the cluster's
#   CLUSTER_JOBS             jobs at once (default: processors)
#   CLUSTER_MOUNTS           file that says to stepMounts.sh what steps get, as long as the node is there
#   CLUSTER_USER             who compiles (default: nobody)
#   CLUSTER_SCHEDULER_USER   who schedules (default: daemon)
#   CLUSTER_SECONDS          between rounds (default: 2)
#   CLUSTER_CONSOLE          file that gets what it says too
#   CLUSTER_VERBOSE          options for the logs, such as -vvv
#
# There is no election: every node has a scheduler, and uses the first of the members' that speaks its own version of icecream,
# as its own does. Steps compile at home where the daemon or its scheduler is gone.
set -eu
umask 022

say() {
    printf '%s\n' "compile cluster: $*" >&2
    if [ -n "${CLUSTER_CONSOLE:-}" ]; then
        { printf 'compile cluster: %s\r\n' "$*" >"$CLUSTER_CONSOLE"; } 2>/dev/null || true
    fi
}

# What the scheduler listens on, and one more for its shell; the daemon's is 10245.
port=8765
daemon=0 scheduler=0 used='' impatient=0
# Versions of icecream: this node's, and those of members with another, as ADDRESS=VERSION.
own='' others=' '
kit=${CLUSTER_KIT:-}
engine=$kit/engine
cd "$CLUSTER_FOLDER"

# ticks DAEMON: of its children, those that it has waited for and those that run.
ticks() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v daemon="$1" '
        { pid = $1; sub(/.*\) /, "") }
        $3 == daemon { sum += $14 + $15; if (pid != daemon) sum += $12 + $13 }
        END { print sum + 0 }'
}

# helped has what daemons that are gone have spent, helped.now what this one has.
helped() {
    spent=$(cat helped 2>/dev/null || echo 0)
    now=$(ticks "$(cat daemon.pid 2>/dev/null || echo none)")
    kept=$(cat helped.now 2>/dev/null || echo 0)
    if [ "$now" -lt "$kept" ]; then now=$kept; fi
    echo $((spent + now))
}

# The name of the interface that has the address: icecream's programs do not take an address.
interface() { ip -4 -o address show | awk -v address="$CLUSTER_ADDRESS/" 'index($4, address) == 1 { print $2; exit }'; }

# become PROGRAM OPTION...: one of icecream's. The daemon's folders are where it has them, and seen by it alone: it gives up root, and
# might not reach them where they are.
become() {
    program=$1
    shift
    # shellcheck disable=SC2086 # options
    set -- "$engine/loader" --library-path "$engine/lib" --argv0 "$program" "$engine/$program" ${CLUSTER_VERBOSE:-} \
        -n "$CLUSTER_NAME" -i "$device" "$@"
    if [ "$program" = iceccd ]; then
        ICECC_TEST_SOCKET=/var/run/icecc/socket/socket
        export ICECC_TEST_SOCKET
        set -- unshare --mount sh -c 'mount --bind state /var/run/icecc && exec "$@"' sh "$@"
    fi
    exec "$@"
}

runs() { [ "$1" -gt 0 ] && kill -0 "$1" 2>/dev/null; }

# Whatever other schedulers announce, its daemons stay (-r). After a connection it does not look for the next before anything
# happens, which is what a signal does.
start_scheduler() {
    (trap '' HUP && become icecc-scheduler -r -p "$port" -u "${CLUSTER_SCHEDULER_USER:-daemon}") >>scheduler.log 2>&1 &
    scheduler=$!
    while sleep "${CLUSTER_SECONDS:-2}" && kill -HUP "$scheduler"; do :; done 2>/dev/null &
}

# start_daemon ADDRESS: of the scheduler.
start_daemon() {
    used=$1
    stop_daemon
    rm -rf state/environments
    mkdir -p state/socket state/environments /var/run/icecc
    chown "${CLUSTER_USER:-nobody}" state/socket state/environments
    (become iceccd -s "$used:$port" -N "$CLUSTER_ADDRESS" -m "${CLUSTER_JOBS:-$(nproc)}" -u "${CLUSTER_USER:-nobody}" \
        -b /var/run/icecc/environments) >>daemon.log 2>&1 &
    daemon=$!
    echo "$daemon" >daemon.pid
    say "uses the scheduler at $used"
}

# What it has spent is kept.
stop_daemon() {
    helped >helped.new
    mv helped.new helped
    rm -f helped.now daemon.pid
    if runs "$daemon"; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    daemon=0
}

# Compiles for others, or places a job for a step: a process or a connection more than its own.
is_busy() {
    [ "$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v daemon="$daemon" '{ sub(/.*\) /, "") } $3 == daemon' | wc -l)" -gt 1 ] ||
        [ "$(grep -c ' 03 .*/var/run/icecc/socket/socket$' /proc/net/unix)" -gt 0 ]
}

# Finds the first member whose scheduler is of this node's version. Of a list that has none yet, or does not come, it is this
# node. icecream itself would speak an older version, and try for ever to reach a scheduler whose version is too old for it.
choose() {
    chosen=$CLUSTER_ADDRESS
    if [ ! -e "$CLUSTER_MEMBERS" ]; then return; fi
    while read -r _ address _; do
        if [ "$address" = "$CLUSTER_ADDRESS" ]; then return; fi
        if [ -n "$address" ] && version=$("$engine/answers" "$address" "$port"); then
            if [ "$version" = "$own" ]; then
                chosen=$address
                return
            fi
            refuse "$address" "$version"
        fi
    done <"$CLUSTER_MEMBERS"
}

# refuse ADDRESS VERSION: says so, once.
refuse() {
    case $others in *" $1=$2 "*) return ;; esac
    others="$others$1=$2 "
    say "$1 speaks another version of icecream ($2, ours is $own): this runner and that one do not compile for each other"
}

# An earlier member's scheduler is changed over to between jobs, or after a while; another than one that is gone at once.
# Jobs that are lost by it are compiled at home.
tend() {
    for log in scheduler.log daemon.log; do
        if [ -z "${CLUSTER_VERBOSE:-}" ] && [ "$(wc -c <"$log")" -gt 1000000 ]; then : >"$log"; fi
    done 2>/dev/null
    if ! runs "$scheduler"; then start_scheduler; fi
    # Its own scheduler may have been started just now.
    own=${own:-$("$engine/answers" "$CLUSTER_ADDRESS" "$port" || true)}
    if [ -z "$own" ]; then return; fi
    choose
    if ! runs "$daemon"; then
        start_daemon "$chosen"
    elif [ "$chosen" != "$used" ]; then
        impatient=$((impatient + 1))
        if ! "$engine/answers" "$used" "$port" >/dev/null || ! is_busy || [ "$impatient" -ge 5 ]; then start_daemon "$chosen"; fi
    else
        impatient=0
        ticks "$daemon" >helped.now
    fi
}

# mount_of PLACE FOLDER: as the runtime's specification has it.
mount_of() {
    place=$1 source=$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')
    printf '{"destination":"/dev/.compile-cluster%s","type":"bind","source":"%s","options":["rbind","ro","nosuid","nodev"]}' "$place" "$source"
}

offer() {
    if [ -z "${CLUSTER_MOUNTS:-}" ]; then return; fi
    echo "$(mount_of '' "$kit/steps"),$(mount_of /run "$PWD/state/socket")" >"$CLUSTER_MOUNTS.new"
    mv "$CLUSTER_MOUNTS.new" "$CLUSTER_MOUNTS"
}

finish() {
    trap '' TERM INT HUP
    if [ -n "${CLUSTER_MOUNTS:-}" ]; then rm -f "$CLUSTER_MOUNTS"; fi
    stop_daemon
    if runs "$scheduler"; then
        kill "$scheduler" 2>/dev/null || true
        wait "$scheduler" 2>/dev/null || true
    fi
}

# pause: a signal ends it.
pause() {
    sleep "${CLUSTER_SECONDS:-2}" &
    wait "$!" || true
}

node() {
    trap finish EXIT
    trap 'exit 0' TERM INT HUP
    until [ -e "$kit/recipe" ]; do pause; done
    device=$(interface)
    if [ -z "$device" ]; then
        say "no interface of this machine has the address $CLUSTER_ADDRESS"
        exit 1
    fi
    rm -f daemon.pid # of a node that was killed
    start_scheduler
    while :; do
        tend
        if [ -S state/socket/socket ] && [ ! -e "${CLUSTER_MOUNTS:-/}" ]; then offer; fi
        pause
    done
}

case ${1:-} in
    '') node ;;
    helped) helped ;;
    *)
        say 'usage: cluster.sh [helped]'
        exit 2
        ;;
esac
