# shellcheck shell=sh
# What keeps the steps of one build from taking the runner away from all others, the same for every kind of runner: a bound
# on the steps that run at once, and a control group with a limit for their memory. Where that is used up the kernel ends
# a process of a step, the largest, and BuildKit, which is outside of the group, lives on; so does it where the machine's
# own memory is used up (step-runtime.sh).

: "${control_groups:=/sys/fs/cgroup}"

# $machine_cores and $machine_megabytes, where the environment has them, are what the runner may use of its machine's.

# parallelism_option CONFIGURATION: what buildkitd is told where its configuration leaves the bound to the machine. Two for
# each core, and four at least: what downloads a base or waits for a client's files is a step, too, and leaves its core idle.
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

# limit_steps GROUP SETTING: makes the group, with its limit. False, and the reason on standard output, where this machine
# does not let this user: without root, or without a memory controller.
limit_steps() {
    : "${1:?the name of a group}"
    bytes=$(($(step_memory "$2") * 1048576))
    if [ -e "$control_groups/cgroup.controllers" ]; then
        group=$control_groups/$1
        limits="memory.max:$bytes memory.swap.max:0"
        # systemd has done so, as a rule.
        { echo +memory >"${group%/*}/cgroup.subtree_control"; } 2>/dev/null || true
    else
        group=$control_groups/memory/$1
        # Of the two the one with swap is never the smaller one: raising one and lowering one want another order.
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

# release_steps GROUP: removes what is left of it when no step runs any more.
release_steps() {
    : "${1:?the name of a group}"
    for hierarchy in "$control_groups" "$control_groups"/*; do
        [ ! -d "$hierarchy/$1" ] || find "$hierarchy/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
}
