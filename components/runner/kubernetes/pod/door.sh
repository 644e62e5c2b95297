# shellcheck shell=sh
# shellcheck disable=SC2154 # the settings come from the file settings.sh
# The clients of a pod's BuildKit. Its socket has two names: clients use the first, and find nobody when that is removed.

own=$socket.own
export BUILDKIT_HOST="unix://$own"

close_door() { rm -f "$socket"; }
open_door() { ln -f "$own" "$socket"; }

# clients: ids of the processes by which clients are connected, one a line.
clients() {
    for process in "$processes"/[0-9]*; do
        case $(tr '\0' ' ' 2>/dev/null <"$process/cmdline") in *'buildctl dial-stdio'*) echo "${process##*/}" ;; esac
    done
}

# signal NAME "ID...": to some that may have ended.
signal() {
    for process in $2; do kill "-$1" "$process" 2>/dev/null; done
}
