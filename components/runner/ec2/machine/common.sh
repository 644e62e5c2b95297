# Read by every script of the runner: its settings, and how it reports.

# shellcheck shell=sh
lib=${NATIVE_BUILDX_LIB:-/usr/local/lib/native-buildx}
# shellcheck source=/dev/null
. "$lib/settings"

# To the journal, and to the console log: `aws ec2 get-console-output` is all there is to read without a login.
say() {
    printf 'native-buildx: %s\n' "$*" >&2
    { printf 'native-buildx: %s\r\n' "$*" >"${NATIVE_BUILDX_CONSOLE:-/dev/console}"; } 2>/dev/null || true
}

fail() {
    say "$*"
    exit 1
}

# Seconds since the system's start, to measure how long something takes: the clock may be set meanwhile.
now() {
    read -r uptime _ </proc/uptime
    echo "${uptime%.*}"
}
