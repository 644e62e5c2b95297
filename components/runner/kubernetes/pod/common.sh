# shellcheck shell=sh
# How a pod reports: `kubectl logs` shows it.
say() { printf 'native-buildx: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
