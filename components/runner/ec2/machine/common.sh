# Read by every script of the runner: its settings, and how it reports.

# shellcheck shell=sh
# shellcheck disable=SC2154 # the settings come from the file `settings`
lib=${0%/*}
# shellcheck source=/dev/null
. "$lib/settings"

# To the journal, and to the console log, which `aws ec2 get-console-output` shows without a login.
say() {
    printf 'native-buildx: %s\n' "$*" >&2
    { printf 'native-buildx: %s\r\n' "$*" >"$console"; } 2>/dev/null || true
}

fail() {
    say "$*"
    exit 1
}

# Seconds since the system's start, to measure durations: the clock may be set meanwhile.
now() {
    read -r uptime _ </proc/uptime
    echo "${uptime%.*}"
}
