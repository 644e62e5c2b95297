# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # connect.sh sets them; $plugin is a word or none
# Part of the connect script: proves that a runner serves.

# prove RUNNER: builds an empty image, which shows that the runner has the right certificate, takes ours, and builds. The
# runner counts it as activity.
prove() {
    eval "platform=\$platform_$1"
    if ! answers "$1"; then
        reason='nobody answers there any more'
    else
        printf 'FROM scratch\n' | in_time 60 build_nothing "$1" >"$work/$1.log" 2>&1 && return
        case $? in
            124) reason="no answer within 60 s" ;;
            *) reason=$(grep -v '^$' "$work/$1.log" | tail -n 1) ;;
        esac
    fi
    say "$(label "$1"): the runner at $(cat "$work/$1.endpoint") does not serve: $reason"
    return 1
}

# answers RUNNER: false if nobody takes a connection at its address. buildx would try for 20 s, in which another runner
# that was proved already may become idle and stop. True where there is no curl, and where the endpoint is no address.
answers() {
    if ! grep -q '^tcp:' "$work/$1.endpoint" || ! command -v curl >/dev/null; then return; fi
    knock "$(sed 's|^tcp://||' "$work/$1.endpoint")" 5
    case $? in 1 | 2) return 1 ;; esac
}

build_nothing() {
    export BUILDX_NO_DEFAULT_ATTESTATIONS=1
    # In place of the shell, so that a signal reaches it.
    exec "$buildx" $plugin build --builder "$builder-$1" --platform "$platform" --progress quiet --output type=cacheonly -
}

# in_time SECONDS COMMAND...: the command's status, and 124 if it takes longer, as with timeout(1), which runs no functions
# and is not everywhere.
in_time() {
    limit=$1
    shift
    # Standard input of a background command would be /dev/null.
    exec 3<&0
    "$@" <&3 3<&- &
    command=$!
    exec 3<&-
    (
        waited=0
        while [ "$waited" -lt "$limit" ] && kill -0 "$command" 2>/dev/null; do
            sleep 1
            waited=$((waited + 1))
        done
        # Noted first: the status of a killed command does not tell.
        if [ "$waited" -eq "$limit" ]; then : >"$work/$command.late"; fi
        kill "$command" 2>/dev/null
    ) >/dev/null 2>&1 &
    watchdog=$!
    wait "$command"
    result=$?
    end_watchdog "$watchdog"
    if [ "$result" -ne 0 ] && [ -e "$work/$command.late" ]; then return 124; fi
    return "$result"
}

# end_watchdog PROCESS: by a signal that has no trap. A subshell of bash that has just begun would still run the traps of
# connect.sh, and remove $work.
end_watchdog() { { kill -KILL "$1" && wait "$1"; } 2>/dev/null; }
