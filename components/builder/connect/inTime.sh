# shellcheck shell=sh
# shellcheck disable=SC2154 # connect.sh sets $work
# Part of the connect script, before the wake scripts: a time limit for a command.

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
