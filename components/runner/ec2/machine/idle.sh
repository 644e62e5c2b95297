#!/bin/sh
# Powers the machine off when nobody uses it; its EC2 instance is then `stopped` and costs only its volumes.
#
# When a runner is idle is said by the rule that all kinds of runner share (components/runner/idle.sh, here
# idle-rule.sh). Here is what follows from it on EC2: how the machine is stopped without losing a client.
# A runner whose BuildKit never comes up, or hangs, is of no use either: it must not cost money for ever.
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
# When the runner began to serve, by the clock; when BuildKit last answered, and the keys were last looked after.
serving=
answered=$booted
cared=$booted

# A first start installs for a minute or more: that is no idleness, unless it never ends.
starting() {
    [ -z "$serving" ] && [ $(($(now) - booted)) -lt 1800 ] &&
        systemctl is-active native-buildx-install native-buildx-cache native-buildx-keys buildkit | grep -q '^activating'
}

# The start failed for good. A stop soon after it tells whoever waits.
failed() {
    systemctl is-failed --quiet native-buildx-install native-buildx-cache native-buildx-keys native-buildx-firewall
}

# Native compilers are made once, beside the first builds: a runner that was stopped meanwhile would begin again.
making() { systemctl is-active native-buildx-compilers | grep -q '^activating'; }

# Nobody needs this machine.
unused() {
    if timeout 10 buildctl debug histories </dev/null >/dev/null 2>&1; then
        answered=$(now)
        if [ -z "$serving" ]; then
            serving=$(date +%s)
            say "serving $(seconds_to_serve) s after the system's start"
        fi
        is_idle "$serving" && ! making
    elif starting; then
        answered=$(now)
        return 1
    else
        limit=$idle_seconds
        if [ "$limit" -gt "$failed_seconds" ] && failed; then limit=$failed_seconds; fi
        [ "$limit" -gt 0 ] && [ $(($(now) - answered)) -ge "$limit" ]
    fi
}

# From the start of systemd to the moment when BuildKit reported that it was ready.
seconds_to_serve() {
    from=$(systemctl show --property UserspaceTimestampMonotonic --value)
    to=$(systemctl show --property ActiveEnterTimestampMonotonic --value buildkit.service)
    tenths=$(((${to:-0} - ${from:-0}) / 100000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

# quiet SECONDS: no build runs, nor did one in the last so many seconds.
quiet() (
    # shellcheck disable=SC2030,SC2031 # only in this subshell
    idle_seconds=$1 && is_idle 0
)
# A pause, so that nothing of a build is disturbed, nor anybody who has connected and is going to build; on the keys' last
# day a short one. Who connects in the second of the new start tries again.
calm() { if keys_last "$tls_directory" 1; then quiet "$calm_seconds"; else quiet 10; fi; }
without_build() { quiet 1; }

both() {
    iptables -w "$@"
    [ ! -e /proc/net/if_inet6 ] || ip6tables -w "$@"
}

# New connections are refused at once: their client finds the port closed and waits for the next start.
close_port() { both -I INPUT -p tcp --dport "$port" --syn -j REJECT --reject-with tcp-reset; }
# Packets of open connections vanish: TCP sends them again if the port is opened after all, so nothing is lost.
freeze_port() { both -I INPUT -p tcp --dport "$port" -j DROP; }
open_port() {
    both -D INPUT -p tcp --dport "$port" -j DROP
    both -D INPUT -p tcp --dport "$port" --syn -j REJECT --reject-with tcp-reset
} 2>/dev/null

# quiesce CONDITION: takes the runner out of use without losing anybody, or fails. Whoever connected just before the port
# closed has $grace_seconds to begin a build; the last look is taken while nothing can arrive any more.
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

# No build is left that would need time; a client that holds a connection open gets five seconds to let go.
drain() { timeout 5 systemctl stop buildkit.service || systemctl kill -s KILL buildkit.service; }

# complain REASON: once for each reason.
said=
complain() {
    [ "$1" = "$said" ] || say "$1"
    said=$1
}

# renew_keys CONDITION: BuildKit reads its keys only when it starts. Clients with older ones are refused, and read the new.
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

# Keys that last for less than half of their life are renewed in a pause; those that have expired serve nobody any more.
# What others do to the parameter meanwhile is mended by publishing again: the role cannot read it.
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

while sleep "$look_seconds"; do
    if unused; then
        quiesce unused || continue
        # shellcheck disable=SC2031
        say "unused for $((idle_seconds / 60)) min: powering off"
        drain
        systemctl poweroff
        exit 0
    fi
    if [ -z "$serving" ]; then continue; fi
    reason=$(make_room "$cache_directory" "$low_mb" "$room_mb") || complain "$reason"
    if [ $(($(now) - cared)) -ge "$publish_seconds" ]; then care_for_keys; fi
done
