# shellcheck shell=sh
# Keeps the steps of one build from taking the runner away from all others, in every kind of runner: by a bound on the
# steps that run at once, and by a control group with a limit for their memory. When that memory is used up, the kernel
# ends the largest process of a step, and BuildKit, outside of the group, lives on. It also does when the machine's whole
# memory is used up (step-runtime.sh).

control_groups=/sys/fs/cgroup

# $machine_cores and $machine_megabytes, where the environment has them, are what the runner may use of its machine.

# parallelism_option CONFIGURATION: prints the option for buildkitd where its configuration sets no bound: two steps for each
# core, and at least four. A step that downloads a base or waits for a client's files counts, and leaves its core idle.
parallelism_option() {
    if grep -q max-parallelism "$1"; then return; fi
    bound=$((${machine_cores:-$(nproc)} * 2))
    if [ "$bound" -lt 4 ]; then bound=4; fi
    echo "--oci-max-parallelism=$bound"
}

# step_memory SETTING: the limit, in MiB. 0 leaves a tenth of the machine's memory, and 512 MiB at least, to BuildKit and
# the system.
step_memory() {
    if [ "$1" -gt 0 ]; then
        echo "$1"
    else
        awk '/^MemTotal:/ {
            share = ENVIRON["machine_megabytes"]
            all = share > 0 ? share : $2 / 1024; others = all / 10
            if (others < 512) others = 512
            if (others > all / 2) others = all / 2
            printf "%d\n", all - others
        }' /proc/meminfo
    fi
}

# limit_steps GROUP SETTING: makes the group, with its limit. False, and the reason on standard output, where that is not
# possible: without root, or without a memory controller.
limit_steps() {
    : "${1:?the name of a group}"
    bytes=$(($(step_memory "$2") * 1048576))
    if [ -e "$control_groups/cgroup.controllers" ]; then
        group=$control_groups/$1
        limits="memory.max:$bytes memory.swap.max:0"
        # systemd has usually done this already.
        { echo +memory >"${group%/*}/cgroup.subtree_control"; } 2>/dev/null || true
    else
        group=$control_groups/memory/$1
        # The limit with swap may never be below the other: raising the two and lowering them need opposite orders.
        limits="memory.limit_in_bytes:$bytes memory.memsw.limit_in_bytes:$bytes memory.limit_in_bytes:$bytes"
    fi
    mkdir -p "$group" 2>/dev/null || true
    for limit in $limits; do
        { echo "${limit#*:}" >"$group/${limit%%:*}"; } 2>/dev/null || true
    done
    if ! cat "$group/memory.max" "$group/memory.limit_in_bytes" 2>/dev/null | grep -qx "$bytes"; then
        echo "the memory of build steps has no limit here: that needs root and a memory controller in $control_groups"
        return 1
    fi
}

# release_steps GROUP: removes the group when no step runs any more.
release_steps() {
    : "${1:?the name of a group}"
    for hierarchy in "$control_groups" "$control_groups"/*; do
        [ ! -d "$hierarchy/$1" ] || find "$hierarchy/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
}
