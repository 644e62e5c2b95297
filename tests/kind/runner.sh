#!/bin/sh
# One buildkitd in a folder of its own: sh runner.sh start SERVER_NAME | keys | stop
set -eu
umask 077
# shellcheck source=components/runner/keys.sh
. ./keys.sh
export BUILDKIT_HOST="unix://$PWD/buildkitd.sock"

# Whoever has ended, and was not waited for, has no command line any more.
alive() { [ -s pid ] && grep -qs buildkitd "/proc/$(cat pid)/cmdline"; }
serves() { alive && [ -n "$(buildctl debug workers 2>/dev/null)" ]; }
stop() {
    while alive; do
        kill -KILL "$(cat pid)"
        sleep 0.1
    done
    rm -rf pid keys
}

case $1 in
    start)
        exec 9>lock
        flock 9
        if serves; then exit; fi
        stop
        make_keys keys "$2"
        # What its builds started goes with it; the registry is this machine's own.
        NO_PROXY='*' no_proxy='*' setsid unshare --pid --fork --kill-child --mount --mount-proc \
            buildkitd --config buildkitd.toml </dev/null >>log 2>&1 9>&- &
        echo $! >pid
        # At first it still is a copy of this shell.
        sleep 0.2
        until serves; do
            alive
            sleep 0.1
        done
        ;;
    keys)
        if ! serves; then exit 75; fi
        cat keys/client.pem
        ;;
    stop) stop ;;
esac
