# shellcheck shell=sh
# Makes room on the cache's disk while builds run. BuildKit itself collects garbage after builds, at most once a minute;
# without this, builds that fill the disk before that would fail although there is cache to collect.

free_mb() { df -Pk "$1" | awk 'NR == 2 { print int($4 * 1024 / 1000000) }'; }

# make_room FOLDER LOW ROOM: if less than LOW is free, collects cache until ROOM is free; both in MB. False, and the reason
# on standard output, if that fails.
make_room() {
    if [ "$(free_mb "$1")" -ge "$2" ]; then return; fi
    reason=$(buildctl prune --all --free-storage "$3" </dev/null 2>&1 >/dev/null) && return
    echo "the cache is nearly full, and could not be collected: $reason"
    return 1
}
