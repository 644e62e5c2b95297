# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # connect.sh sets them; $buildx is one word or two
# Part of the connect script: proves that a runner serves.

# prove RUNNER: a build of an empty image shows that the runner answers, with the right certificate, to ours, and builds.
# It counts as activity there.
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

# answers RUNNER: false if nobody takes a connection at its address. buildx tries for 20 s then, in which another runner,
# proved already, may find itself idle and stop. True where there is no curl, and where the endpoint is no address.
answers() {
    if ! grep -q '^tcp:' "$work/$1.endpoint" || ! command -v curl >/dev/null; then return; fi
    connected=$(curl -sk --noproxy '*' --connect-timeout 5 --max-time 6 -o /dev/null -w '%{time_connect}' \
        "$(sed 's|^tcp:|https:|' "$work/$1.endpoint")" 2>/dev/null)
    # 7: refused; 28: too late, though perhaps not to connect.
    case $?:$connected in
        7:*) return 1 ;;
        28:*[1-9]*) ;;
        28:*) return 1 ;;
    esac
}

build_nothing() {
    export BUILDX_NO_DEFAULT_ATTESTATIONS=1
    # In place of the shell, so that a signal reaches it.
    exec $buildx build --builder "$builder-$1" --platform "$platform" --progress quiet --output type=cacheonly -
}

# in_time SECONDS COMMAND...: false if it fails, and 124 if it takes longer, as with timeout(1), which runs no functions
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
        # Said first: how the command ends then is its own affair.
        if [ "$waited" -eq "$limit" ]; then : >"$work/$command.late"; fi
        kill "$command" 2>/dev/null
    ) >/dev/null 2>&1 &
    watchdog=$!
    wait "$command"
    result=$?
    kill "$watchdog" 2>/dev/null
    if [ "$result" -ne 0 ] && [ -e "$work/$command.late" ]; then return 124; fi
    return "$result"
}
