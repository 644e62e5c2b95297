#!/bin/sh
# Powers the machine off when nobody uses it; its EC2 instance is then `stopped` and costs only its volumes.
#
# In use: while a build runs, and for $idle_seconds after the last one ended. What `connect` does to prove that the
# runner serves, and the heartbeat of a running `pulumi up`, are small builds, so they count. A connection without a
# build does not count, and neither does whoever knocks on the port without a certificate.
# A runner whose BuildKit never comes up is not in use either: it must not cost money for ever.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -u
# shellcheck source=/dev/null
. "${NATIVE_BUILDX_LIB:-/usr/local/lib/native-buildx}/common.sh"

booted=$(now)
activity=$booted
answered=
refreshed=$booted

# A first start installs for a minute or more: that is no idleness, unless it never ends.
starting() {
    [ -z "$answered" ] && [ $(($(now) - booted)) -lt 1800 ] &&
        systemctl is-active native-buildx-install native-buildx-cache native-buildx-certificate buildkit | grep -q '^activating'
}

# Sets `running`, and moves `activity` to the end of the last build. Fails when BuildKit does not answer.
look() {
    running=no
    rows=$(timeout 10 buildctl --addr "unix://$socket" debug histories --format \
        '{{with .Record}}{{with .CompletedAt}}{{.Seconds}}{{else}}running{{end}}{{end}}' </dev/null 2>/dev/null) || return 1
    # The idle time begins when the runner first serves.
    [ -n "$answered" ] || activity=$(now)
    answered=$(now)
    for row in $rows; do
        case $row in
        running)
            running=yes
            activity=$answered
            ;;
        *[!0-9]*) ;;
        *) [ "$row" -le "$activity" ] || activity=$row ;;
        esac
    done
}

# Nothing has happened since $1, as far as can be known. While BuildKit is running and silent nothing is known; when it
# has been silent for the whole idle time, it hangs, and that is no use either.
quiet_since() {
    if look; then
        [ "$running" = no ] && [ "$activity" -eq "$1" ]
    else
        ! systemctl -q is-active buildkit.service || [ $(($(now) - ${answered:-$booted})) -ge "$idle_seconds" ]
    fi
}

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

# Takes the runner out of use without losing anybody, or fails: somebody who connected just before the port closed has
# $grace_seconds to begin a build, and then the last look is taken while nothing can arrive any more.
quiesce() {
    last=$activity
    close_port
    waited=0
    while [ "$waited" -lt "$grace_seconds" ] && [ -n "$(ss -Htn state established "sport = :$port")" ]; do
        sleep 1
        waited=$((waited + 1))
        quiet_since "$last" || {
            open_port
            return 1
        }
    done
    freeze_port
    quiet_since "$last" || {
        open_port
        return 1
    }
}

# No build is left that would need time; a client that holds a connection open gets five seconds to let go.
drain() { timeout 5 systemctl stop buildkit.service || systemctl kill -s KILL buildkit.service; }

# `pulumi up` may have renewed the certificate: BuildKit reads it only when it starts.
refresh_certificate() {
    refreshed=$(now)
    fresh=$tls_directory/fresh
    "$lib/fetch-certificate.sh" "$fresh" 10 || return 0
    if cat "$fresh/ca.pem" "$fresh/cert.pem" | cmp -s - "$tls_directory/served.pem"; then
        rm -r "$fresh"
    elif quiesce; then
        mv "$fresh/ca.pem" "$fresh/cert.pem" "$fresh/key.pem" "$tls_directory"
        rm -r "$fresh"
        say 'the certificate was renewed: starting BuildKit with it'
        drain
        systemctl restart buildkit.service
        open_port
    fi
}

while sleep "$look_seconds"; do
    look || running=unknown
    if starting; then activity=$(now); fi
    idle=$(($(now) - activity))
    if [ "$running" != yes ] && [ "$idle" -ge "$idle_seconds" ]; then
        quiesce || continue
        say "unused for $((idle / 60)) minutes: powering off"
        drain
        systemctl poweroff
        exit 0
    fi
    if [ "$running" = no ] && [ $(($(now) - refreshed)) -ge "$refresh_seconds" ]; then refresh_certificate; fi
done
