#!/bin/sh
# Powers the machine off when nobody uses it; its EC2 instance is then `stopped` and costs only its volumes.
#
# When a runner is idle is said by the rule that all kinds of runner share (components/runner/idle.sh, here
# idle-rule.sh). Here is what follows from it on EC2: how the machine is stopped without losing a client.
# A runner whose BuildKit never comes up, or hangs, is of no use either: it must not cost money for ever.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -u
# shellcheck source=/dev/null
. "${NATIVE_BUILDX_LIB:-/usr/local/lib/native-buildx}/common.sh"
# shellcheck source=/dev/null
. "$lib/idle-rule.sh"
export BUILDKIT_HOST="unix://$socket"

booted=$(now)
# When the runner began to serve, and when BuildKit last answered.
serving=
answered=$booted
refreshed=$booted

# A first start installs for a minute or more: that is no idleness, unless it never ends.
starting() {
    [ -z "$serving" ] && [ $(($(now) - booted)) -lt 1800 ] &&
        systemctl is-active native-buildx-install native-buildx-cache native-buildx-certificate buildkit | grep -q '^activating'
}

# The start failed for good. A stop soon after it tells whoever waits.
failed() {
    systemctl is-failed --quiet native-buildx-install native-buildx-cache native-buildx-certificate native-buildx-firewall
}

# Nobody needs this machine.
unused() {
    if timeout 10 buildctl debug histories </dev/null >/dev/null 2>&1; then
        answered=$(now)
        if [ -z "$serving" ]; then
            serving=$answered
            say "serving $(seconds_to_serve) s after the system's start"
        fi
        is_idle "$serving"
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
# A pause, so that nothing of a build is disturbed; who connects in the second of the new start tries again.
calm() { quiet 10; }
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

# refresh_certificate CONDITION: `pulumi up` may have renewed the certificate, and BuildKit reads it only when it starts.
refresh_certificate() {
    refreshed=$(now)
    fresh=$tls_directory/fresh
    "$lib/fetch-certificate.sh" "$fresh" 10 || return 0
    if cat "$fresh/ca.pem" "$fresh/cert.pem" | cmp -s - "$tls_directory/served.pem"; then
        rm -r "$fresh"
    elif quiesce "$1"; then
        mv "$fresh/ca.pem" "$fresh/cert.pem" "$fresh/key.pem" "$tls_directory"
        rm -r "$fresh"
        say 'the certificate was renewed: starting BuildKit with it'
        drain
        systemctl restart buildkit.service
        open_port
    fi
}

# With an expired certificate nobody can be served.
expired() { ! openssl x509 -checkend 0 -noout -in "$tls_directory/cert.pem" >/dev/null 2>&1; }

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
    if expired; then
        refresh_certificate without_build
    elif [ $(($(now) - refreshed)) -ge "$refresh_seconds" ] && calm; then
        refresh_certificate calm
    fi
done
