#!/bin/sh
# Runs a command that does not outlive its caller, however that ends: sh tied.sh COMMAND [ARGUMENT...]
#
# The caller keeps standard input open and writes a line once the command has ended. When standard input ends without
# one, the caller is gone: the command is asked to end, and ended.
exec 3<&0
(
    if ! read -r _ <&3; then
        kill -TERM $$
        waited=0
        while kill -0 $$; do
            if [ "$waited" -eq 100 ]; then kill -KILL $$; fi
            sleep 0.1
            waited=$((waited + 1))
        done
    fi
) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
