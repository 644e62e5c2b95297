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
            124)
                if is_busy "$1"; then
                    say "$(label "$1"): the runner answers and begins nothing new: it has as many steps as it does at once, and those of this build wait for their turn"
                    return
                fi
                reason="no answer within 60 s"
                ;;
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

# is_busy RUNNER: true if it answers, with both certificates, to what needs no turn among its steps. Each step waits for its
# turn where a runner has many, also that of a build of nothing. While it has any, it does not stop.
is_busy() { in_time 20 "$buildx" $plugin inspect "$builder-$1" 2>/dev/null | grep -q '^Status: *running'; }

build_nothing() {
    export BUILDX_NO_DEFAULT_ATTESTATIONS=1
    # In place of the shell, so that a signal reaches it.
    exec "$buildx" $plugin build --builder "$builder-$1" --platform "$platform" --progress quiet --output type=cacheonly -
}
