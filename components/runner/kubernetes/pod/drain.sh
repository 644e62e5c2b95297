# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # idle-rule.sh reads idle_seconds; the settings come from the file settings.sh
# How a pod ends: after the builds that run. BuildKit's own way to end, by a signal, answers no questions any more, and waits
# for every client that is connected, whether it builds or not.

# A BuildKit that hangs answers nobody.
buildctl() { timeout 20 buildctl "$@"; }

# no_build_runs: true if none does. Who is connected may begin a next one right after the last.
no_build_runs() {
    idle_seconds=1
    if [ -n "$(clients)" ]; then idle_seconds=$grace_seconds; fi
    is_idle 0
}

# drain: lets nobody new in, makes room for the builds that run, as idle.sh did until now, and waits until none runs, or BuildKit does
# not answer any more: then there is nothing to wait for, as for the cluster, which asks as often while the pod is not ended.
drain() {
    close_door
    # idle.sh may have been ended while they were stopped.
    signal CONT "$(clients)"
    unanswered=0
    until [ "$unanswered" -eq 4 ] || no_build_runs; do
        sleep 1
        make_room "$cache_directory" "$low_mb" "$room_mb" >/dev/null
        if buildctl debug workers >/dev/null; then unanswered=0; else unanswered=$((unanswered + 1)); fi
    done
}
