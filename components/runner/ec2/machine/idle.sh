#!/bin/sh
# Powers the machine off when nobody uses it; its EC2 instance is then `stopped` and costs only its volumes.
#
# The rule that all kinds of runner share says when a runner is idle (components/runner/idle.sh, here idle-rule.sh). This
# script stops the machine then without losing a client. It also stops a runner whose BuildKit never starts, or hangs, so
# that the runner does not cost money for ever.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -u
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/idle-rule.sh"
# shellcheck source=/dev/null
. "$lib/keys.sh"
# shellcheck source=/dev/null
. "$lib/room.sh"
export BUILDKIT_HOST="unix://$socket"

booted=$(now)
# When the runner began to serve, by the clock; when BuildKit last answered, and when the keys were last checked.
serving=
answered=$booted
cared=$booted

# The first start installs for a minute or more, and is not idle meanwhile, unless that never ends.
starting() {
    [ -z "$serving" ] && [ $(($(now) - booted)) -lt 1800 ] &&
        systemctl is-active native-buildx-install native-buildx-cache native-buildx-keys buildkit | grep -q '^activating'
}

# The start has failed. A stop soon after it tells those who wait.
failed() {
    systemctl is-failed --quiet native-buildx-install native-buildx-cache native-buildx-keys native-buildx-firewall
}

# Native compilers, and what a compile cluster needs, are made once, beside the first builds: a runner that was stopped
# meanwhile would begin again. (A unit that waits for its next try is not among the starting ones.)
making() {
    systemctl show --property SubState --value native-buildx-compilers native-buildx-cluster 2>/dev/null | grep -q '^start'
}

# What it compiles for builds of other runners, where it is in a compile cluster.
look_at_help() {
    if [ -n "${cluster_folder:-}" ]; then
        note_help "$(CLUSTER_FOLDER=$cluster_folder "$cluster_recipe/cluster.sh" helped 2>/dev/null)"
    fi
}

# Nobody needs this machine. Sets $why.
unused() {
    if timeout 10 buildctl debug histories </dev/null >/dev/null 2>&1; then
        answered=$(now)
        if [ -z "$serving" ]; then
            serving=$(date +%s)
            say "serving $(seconds_to_serve) s after the system's start"
        fi
        look_at_help
        why="unused for $idle_seconds s"
        is_idle "$serving" && ! making
    elif starting; then
        answered=$(now)
        return 1
    else
        silent=$(($(now) - answered)) limit=$idle_seconds
        why="BuildKit has not answered for $silent s"
        if failed; then why='its start has failed' limit=$failed_seconds; fi
        [ "$limit" -gt 0 ] && [ "$silent" -ge "$limit" ]
    fi
}

# The time from the start of systemd until BuildKit reported that it was ready.
seconds_to_serve() {
    from=$(systemctl show --property UserspaceTimestampMonotonic --value)
    to=$(systemctl show --property ActiveEnterTimestampMonotonic --value buildkit.service)
    tenths=$(((${to:-0} - ${from:-0}) / 100000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

# quiet SECONDS: true if no build runs, and none ran in the last so many seconds.
quiet() (
    # shellcheck disable=SC2030,SC2031 # only in this subshell
    # shellcheck disable=SC2034 # is_idle reads it
    idle_seconds=$1 helped_at=0 && is_idle 0
)
# True in a pause, so that no build is disturbed, nor a client that has connected and is about to build; on the keys' last
# day a short pause is enough. A client that connects during the new start, a second, tries again.
calm() { if keys_last "$tls_directory" 1; then quiet "$calm_seconds"; else quiet 10; fi; }
without_build() { quiet 1; }

# True if it was done for one of the versions.
both() {
    did=
    iptables -w "$@" && did=yes
    if [ -e /proc/net/if_inet6 ]; then ip6tables -w "$@" && did=yes; fi
    [ -n "$did" ]
}

# Refuses new connections at once: their clients find the port closed, and wait for the next start.
close_port() { both -I INPUT -p tcp --dport "$port" --syn -j REJECT --reject-with tcp-reset; }
# Drops packets of open connections: TCP sends them again if the port is opened after all, so nothing is lost.
freeze_port() { both -I INPUT -p tcp --dport "$port" -j DROP; }
open_port() {
    both -D INPUT -p tcp --dport "$port" -j DROP
    both -D INPUT -p tcp --dport "$port" --syn -j REJECT --reject-with tcp-reset
} 2>/dev/null

# quiesce CONDITION: takes the runner out of use without losing a client, or fails. A client that connected just before the
# port closed has $grace_seconds to begin a build; the last look comes when nothing can arrive any more.
quiesce() {
    close_port
    waited=0
    while [ "$waited" -lt "$grace_seconds" ] && [ -n "$(ss -Htn state established "sport = :$port")" ]; do
        sleep 1
        waited=$((waited + 1))
        if ! "$1"; then
            open_port
            return 1
        fi
    done
    freeze_port
    if ! "$1"; then
        open_port
        return 1
    fi
}

# No build is left that needs time; a client that holds a connection open gets five seconds to end it.
drain() { timeout 5 systemctl stop buildkit.service || systemctl kill -s KILL buildkit.service; }

# complain REASON: says each reason once.
said=
complain() {
    [ "$1" = "$said" ] || say "$1"
    said=$1
}

# renew_keys CONDITION: starts BuildKit with new keys, which it reads only when it starts. It refuses clients with older
# keys, and they read the new.
renew_keys() {
    quiesce "$1" || return 0
    if reason=$("$lib/publish-keys.sh" renew 2>&1); then
        say 'new keys: starting BuildKit with them'
        drain
        systemctl restart buildkit.service
    else
        complain "could not renew the keys: $reason"
    fi
    open_port
}

# Keys in the second half of their life are renewed in a pause; when they have expired, at once. The keys are also published
# again from time to time, in case somebody has changed the parameter: the role cannot read it.
care_for_keys() {
    cared=$(now)
    if ! keys_last "$tls_directory" 0; then
        renew_keys without_build
    elif ! keys_last "$tls_directory" $((keys_days / 2)) && calm; then
        renew_keys calm
    else
        reason=$("$lib/publish-keys.sh" again 2>&1) || complain "could not publish the keys again: $reason"
    fi
}

# Rules that it left if it was killed while the port was closed: nobody would be served for as long as the machine runs.
while open_port; do :; done

while sleep "$look_seconds"; do
    if unused; then
        quiesce unused || continue
        say "$why: powering off"
        drain
        systemctl poweroff
        exit 0
    fi
    if [ -z "$serving" ]; then continue; fi
    reason=$(make_room "$cache_directory" "$low_mb" "$room_mb") || complain "$reason"
    if [ $(($(now) - cared)) -ge "$publish_seconds" ]; then care_for_keys; fi
done
