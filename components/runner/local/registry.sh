#!/bin/sh
# The local registry, the embedded default for ECR, in a folder of its own with registry.yml and its certificate there.
# With the folder as working directory:
#
#     sh registry.sh start    bring it to serving
#     sh registry.sh stop     end it
set -eu
umask 077
# PATH as it was when the registry was last woken.
# shellcheck source=/dev/null
. ./settings.sh

say() { printf '%s\n' "registry: $*" >&2; }

alive() {
    [ -s pid ] && kill -0 "$(cat pid)" 2>/dev/null &&
        tr '\0' ' ' 2>/dev/null <"/proc/$(cat pid)/cmdline" | grep -q "registry serve"
}

end() {
    if ! alive; then return; fi
    kill -TERM "$(cat pid)"
    waited=0
    while alive; do
        if [ "$waited" -eq 50 ]; then kill -KILL "$(cat pid)"; fi
        sleep 0.1
        waited=$((waited + 1))
    done
}

start() {
    if ! command -v registry >/dev/null; then
        say "program registry is missing. Run tools/setup.sh in the project's folder; it builds it."
        exit 1
    fi
    exec 9>lock
    flock -w 60 9
    # Its certificate is read at its start, so a renewed one means a new start; nobody loses more than a connection.
    cat registry.yml tls/cert.pem >wanted
    if alive && cmp -s wanted running; then return; fi
    end
    mv wanted running
    : >log
    OTEL_TRACES_EXPORTER=none setsid registry serve registry.yml </dev/null >>log 2>&1 9>&- &
    echo $! >pid
    waited=0
    # It writes one line when its port is open.
    until grep -q "listening on" log && alive; do
        if [ "$waited" -eq 100 ] || { [ "$waited" -gt 5 ] && ! alive; }; then
            say "did not start; the end of $PWD/log:"
            tail -n 3 log >&2
            end
            exit 1
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
}

stop() {
    exec 9>lock
    flock -w 60 9 || true
    end
    rm -f pid
}

case ${1:-} in
    start | stop) "$1" ;;
    *)
        say "usage: sh registry.sh start|stop"
        exit 2
        ;;
esac
