#!/bin/sh
# A real Kubernetes cluster on this machine, for tests: one control plane, and a node for each architecture. In the
# foreground until its standard input ends, so that it goes with whoever started it, however that ends.
#
#   cluster.sh FOLDER
#
# FOLDER, which is made and removed, has when the cluster serves:
#   ready        appears last
#   environment  for a shell: KUBECONFIG, the cluster's address, and what images there are
#   log/         what the parts of the cluster say
#   off/         a part of the control plane that has a file of its name there is not started again
#
# All of it runs in mount, network and process namespaces of its own, which the kernel removes with their first process.
# On the machine there are meanwhile: a network interface nbx-k8s-N, control groups nbx-k8s-PID, and FOLDER.
# KUBERNETES_PROGRAMS and KUBERNETES_IMAGES are folders that tools/kubernetes.sh makes.
set -eu
umask 022

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
folder=$1
groups=nbx-k8s-$$
: "${KUBERNETES_PROGRAMS:?}" "${KUBERNETES_IMAGES:?}"

say() { printf 'cluster: %s\n' "$*" >&2; }

# The control groups of a cluster, in every hierarchy. Those of processes that still end cannot be removed yet.
remove_groups() {
    tries=0
    while :; do
        left=$(find /sys/fs/cgroup -maxdepth 2 -type d -name "$1" 2>/dev/null) || true
        if [ -z "$left" ]; then return; fi
        # shellcheck disable=SC2086 # a list of names without spaces
        find $left -depth -type d -exec rmdir {} + 2>/dev/null || true
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            say "control groups are left: $left"
            return
        fi
        sleep 0.1
    done
}

# What clusters left that were killed with their whole process group.
remove_leftovers() {
    find /sys/fs/cgroup -maxdepth 2 -type d -name 'nbx-k8s-*' | sed 's|.*/||' | sort -u | while read -r left; do
        if [ ! -d "/proc/${left##*-}" ]; then remove_groups "$left"; fi
    done
}

# Plugs the cluster in: the first free number is its own. The kernel lets nobody else take it.
plug_in() {
    number=0
    until ip link add "nbx-k8s-$number" type veth peer name uplink netns "$cluster" 2>/dev/null; do
        number=$((number + 1))
        if [ "$number" -gt 63 ]; then
            say "no free network interface nbx-k8s-0 to nbx-k8s-63"
            return 1
        fi
    done
    # 198.51.100.0/24 is for documentation, and leads nowhere.
    machine=198.51.100.$((4 * number + 1)) address=198.51.100.$((4 * number + 2))
    ip address add "$machine/30" dev "nbx-k8s-$number"
    ip link set "nbx-k8s-$number" up
    printf '%s %s\n' "$machine" "$address" >"$folder/addresses.new"
    mv "$folder/addresses.new" "$folder/addresses"
}

end() {
    trap '' INT TERM HUP
    if [ -n "${cluster:-}" ]; then kill -KILL "$cluster" 2>/dev/null || true; fi
    if [ -n "${reader:-}" ]; then kill "$reader" 2>/dev/null || true; fi
    remove_groups "$groups"
    # Until the last process has ended it may write there.
    rm -rf "$folder" 2>/dev/null || { sleep 1 && rm -rf "$folder"; }
}

remove_leftovers
mkdir -p "$folder/log" "$folder/off"
# Inside, this machine's folders may be others'.
cp "$here"/*.sh "$here/objects.yaml" "$folder/"
trap end EXIT
trap 'exit 143' INT TERM HUP

# If this process is killed, so is the cluster.
setpriv --pdeathsig KILL unshare --mount --net --ipc --uts --pid --fork --kill-child --mount-proc \
    sh "$folder/control-plane.sh" "$folder" "$groups" </dev/null >"$folder/log/cluster" 2>&1 3<&- &
cluster=$!
while [ "$(readlink "/proc/$cluster/ns/net")" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
plug_in
# Whoever read what is said here may be gone, and is no reason to leave anything.
trap '' PIPE
exec 3<&0
{ while read -r _ <&3; do :; done; kill -KILL "$cluster" 2>/dev/null; } &
reader=$!
wait "$cluster" || true
if [ -e "$folder/failed" ]; then
    tail -n 20 "$folder/log/cluster" >&2
    exit 1
fi
