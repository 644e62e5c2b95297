# shellcheck shell=sh
# shellcheck disable=SC2154 # runner.sh sets the variables
# Part of runner.sh: looks after the daemon while it runs.

# watch PID: ends the daemon, which finishes what runs, when it has been idle, when nobody can ask it any more, or when its end
# was asked for.
watch() {
    looked=0 started=$(date +%s)
    if [ -e renewing ]; then
        until serving; do sleep 0.1; done
        echo serving >state
        rm renewing
    fi
    while :; do
        sleep 0.5
        if [ -e stop-request ]; then
            end_daemon "$1" "$(cat stop-request)"
            return
        fi
        # Whoever removes the folder does not want the daemon either, and nobody would find it any more.
        if ! has_folder; then
            end_daemon "$1" 3
            return
        fi
        looked=$((looked + 1))
        pause=$((idle_seconds / 12))
        if [ "$pause" -gt 10 ] || [ "$idle_seconds" -eq 0 ]; then pause=10; fi
        if [ "$looked" -lt $((pause * 2)) ]; then continue; fi
        looked=0
        renew_settings
        reason=$(make_room root "$low_mb" "$room_mb") || say "$reason"
        if ! is_done && ! keys_are_due; then continue; fi
        # With the lock, nobody can be told any more that the runner serves: whoever asks waits for the lock. So look again,
        # for what came before.
        exec 9>lock
        if flock -n 9; then
            if is_done; then
                echo stopping >state
                rm -f keys/client.pem
                say "$reason: stopping"
                kill -TERM "$1"
                # Held until the namespace is gone, which ends this process as well.
                sleep 3600 9>&9
            elif keys_are_due; then
                echo booting >state
                : >renewing
                say "its keys have lasted half of their time: starting with new ones"
                kill -TERM "$1"
                # Held until it serves with them.
                while [ -e renewing ]; do sleep 0.1; done
                return
            fi
        fi
        exec 9>&-
    done
}

# end_daemon PID SECONDS: a build that runs has so many seconds left.
end_daemon() {
    kill -TERM "$1"
    sleep "$2"
    kill -KILL "$1"
}

# has_folder: true if the folder is there, and this runner's. $supervisor is its id as seen from outside.
has_folder() {
    owner=
    { read -r owner <pid; } 2>/dev/null
    [ "$owner" = "$supervisor" ]
}

# Since the start there may be another idle time, and, where the project's folder was moved, other programs.
renew_settings() {
    # shellcheck source=/dev/null
    if settings=$(. ./settings.sh && printf '%s %s' "$idle_seconds" "$PATH"); then
        idle_seconds=${settings%% *} PATH=${settings#* }
    fi
}

# is_done: true if the daemon has been idle, or can never be asked whether it has. Sets $reason.
is_done() {
    for program in buildctl buildkitd; do
        # In a shell that remembers no place of it.
        if ! (hash -r && command -v "$program") >/dev/null; then
            reason="program $program is gone from its PATH"
            return
        fi
    done
    reason="idle for $idle_seconds s"
    is_idle "$(cat activity)"
}

# True when half of the keys' time is over, and nobody has built or connected for ten minutes; on the keys' last day, for
# ten seconds.
keys_are_due() {
    age=$(($(date +%s) - started))
    if [ "$age" -lt "$((keys_days * 43200))" ]; then return 1; fi
    calm=600
    if [ "$age" -ge "$(((keys_days - 1) * 86400))" ]; then calm=10; fi
    unused "$calm" "$(cat activity)"
}
