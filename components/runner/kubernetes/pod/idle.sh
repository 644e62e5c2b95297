#!/bin/sh
# Scales the runner's StatefulSet to 0 when nobody uses it, which ends this pod; its cache stays.
#
#   idle.sh SERVE    the process of serve.sh
#
# When a runner is idle is said by the rule that all kinds of runner share (components/runner/idle.sh, here
# idle-rule.sh). Here is what follows from it in a pod: how it is ended without losing a client.
# shellcheck disable=SC2154 # the settings come from the file settings.sh
set -u
lib=${0%/*}
for part in settings common idle-rule room scale door unserved; do
    # shellcheck source=/dev/null
    . "$lib/$part.sh"
done

unused() { is_idle "$serving"; }

# complain REASON: once for each reason.
said=
complain() {
    [ "$1" = "$said" ] || say "$1"
    said=$1
}

# try_scale: says at once where the 0 cannot be asked for. The node would be paid for until somebody wonders.
try_scale() {
    if [ "$idle_seconds" -eq 0 ]; then return; fi
    reason=$(scale_by '{}') || complain "will not sleep as long as StatefulSet $stateful_set cannot be scaled: $reason"
}

# Who connected just before the door closed has $grace_seconds to begin a build. The last look is taken while clients are
# stopped, and what they had sent has arrived. Those of a runner that is used after all notice nothing.
fall_asleep() {
    close_door
    waited=0
    while [ "$waited" -lt "$grace_seconds" ] && [ -n "$(clients)" ]; do
        sleep 1
        waited=$((waited + 1))
        if ! unused; then
            open_door
            return
        fi
    done
    stopped=$(clients)
    signal STOP "$stopped"
    sleep 1
    if unused; then
        if reason=$(scale_by '{"spec":{"replicas":0}}'); then
            wait_for_end
        else
            complain "cannot scale StatefulSet $stateful_set to 0: $reason"
        fi
    fi
    signal CONT "$stopped"
    open_door
}

# The cluster ends the pod now. It does not if somebody scales the runner up before the cluster has seen the 0; this is
# sure when that lasts. (Who wakes a runner waits until the cluster has seen the 1.)
wait_for_end() {
    : >"$run_directory/asleep"
    say "unused for $idle_seconds s: scaled to 0"
    awake=0
    while [ "$awake" -lt 5 ]; do
        sleep 2
        case $(scale_by '{}') in [1-9]) awake=$((awake + 1)) ;; *) awake=0 ;; esac
    done
    rm -f "$run_directory/asleep"
    serving=$(date +%s)
    say 'woken before the pod was ended: serving on'
}

until ln -f "$socket" "$own" 2>/dev/null; do
    # With serve.sh, whose signal may come before this one takes it, and which may have ended before this one asks for its parent.
    if ! kill -0 "$1" 2>/dev/null; then exit; fi
    sleep 0.2
done
serving=$(date +%s)
try_scale
while sleep "$look_seconds"; do
    note_served
    reason=$(make_room "$cache_directory" "$low_mb" "$room_mb") || complain "$reason"
    if unused; then fall_asleep; fi
done
