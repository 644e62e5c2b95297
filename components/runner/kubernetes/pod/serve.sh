#!/bin/sh
# The first process of a runner's container: starts BuildKit, and watches over it by idle.sh. When the pod is ended, the builds
# that run are finished first, as long as the pod's terminationGracePeriodSeconds let them.
# shellcheck disable=SC2154 # the settings come from the file settings.sh
set -u
# A first process without a trap would not get the signal at all. Nothing is built yet.
trap 'exit 143' TERM INT
lib=${0%/*}
for part in settings common steps step-firewall idle-rule room door drain scale unserved; do
    # shellcheck source=/dev/null
    . "$lib/$part.sh"
done

# own_group: the control group that this container is in, as a path below $control_groups. With version 1 the container
# sees its own group as the top.
own_group() {
    if [ -e "$control_groups/cgroup.controllers" ]; then sed -n 's|^0::/*||p' "$processes/self/cgroup"; fi
}

# A group of version 2 that has processes cannot give limits to its children: the container's go into a child of their own.
# (What the cluster starts in the container later follows its first process there.) And a step that finds its node's memory used
# up shall end alone: kubelets tell the kernel to end a container as a whole.
make_room_for_groups() {
    if [ ! -e "$control_groups/cgroup.controllers" ]; then return; fi
    top=$control_groups/$(own_group)
    echo 0 >"$top/memory.oom.group"
    mkdir -p "$top/init" && while read -r process; do
        echo "$process" >"$top/init/cgroup.procs"
    done <"$top/cgroup.procs"
} 2>/dev/null

# Under the names by which a network configuration calls them.
link_plugins() {
    mkdir -p "$run_directory/cni"
    for plugin in bridge firewall host-local loopback; do
        found=$(command -v "buildkit-cni-$plugin") || fail "the image has no program buildkit-cni-$plugin: build steps would have no network"
        ln -sf "$found" "$run_directory/cni/$plugin"
    done
}

# api_addresses: those of the cluster's API server, as pods have them. Some clusters give them a name, which stands for another one.
api_addresses() {
    for address in "$KUBERNETES_SERVICE_HOST" "${KUBERNETES_PORT_443_TCP_ADDR:-}"; do
        case $address in *:*) echo "$address" ;; '' | *[!0-9.]*) ;; *) echo "$address" ;; esac
    done | sort -u
}

# choose_network: in a cluster of IPv6 the name service, and all else, has such addresses. Before the bridge is made: it is the pod's
# own, and would not be used for two seconds, in which somebody else could say that he has its address (RFC 4862, section 5.4).
choose_network() {
    case $(api_addresses) in
        *:*)
            network=builds6
            { echo 0 >"$processes/sys/net/ipv6/conf/default/accept_dad"; } 2>/dev/null || true
            ;;
        *) network=builds ;;
    esac
    # Networks over others pass smaller packets (Flannel 1450, GKE 1460). Larger ones that a server sends to a step get lost, and
    # few networks bring the server word of it: https://github.com/actions/actions-runner-controller/issues/393
    mtu=$(cat "$interface/mtu" 2>/dev/null)
    if [ "${mtu:-1500}" -gt 1500 ]; then mtu=1500; fi
    sed "s|\"type\":\"bridge\"|&,\"mtu\":${mtu:-1500}|" "$lib/$network.conflist" >"$run_directory/builds.conflist"
}

# let_steps_ask_names: of the name servers that the pod has, also where all else is refused. GKE's Cloud DNS is at the metadata
# service's address. An address that is good on one interface only has a % and is of no use behind the bridge.
let_steps_ask_names() {
    while read -r word server _; do
        case $word,$server in
            nameserver,*%*) continue ;;
            nameserver,*:*)
                if [ ! -e /proc/net/if_inet6 ]; then continue; fi
                tables=ip6tables
                ;;
            nameserver,*) tables=iptables ;;
            *) continue ;;
        esac
        for protocol in udp tcp; do
            rule "$tables" mangle FORWARD -i "$bridge" -d "$server" -p "$protocol" --dport 53 -j ACCEPT || return
        done
    done <"$name_servers"
}

# The pod itself serves nobody by the network: clients come through the cluster's API server.
close_network() {
    addresses=$(api_addresses)
    # shellcheck disable=SC2086 # lists
    keep_steps_in "$bridge" $refused ${addresses:-$KUBERNETES_SERVICE_HOST} &&
        let_steps_ask_names &&
        { [ "$network" = builds ] || let_steps_find_way "$bridge"; } &&
        each_version filter INPUT ! -i lo -p tcp --syn -j DROP
}

# Of a pod that is scaled to 0, or has not served yet, there is nothing to wait for.
# shellcheck disable=SC2317 # the trap calls it
end() {
    say 'the pod is ended: no new builds'
    kill "$watcher" 2>/dev/null
    (
        if [ -e "$own" ] && [ ! -e "$run_directory/asleep" ]; then drain; fi
        kill -TERM "$buildkitd"
        sleep 5
        kill -KILL "$buildkitd"
    ) 2>/dev/null &
}

# Of an earlier start in this pod.
rm -rf "$run_directory" "$socket" "$socket.own"
mkdir -p "$run_directory"
give_up_unserved
link_plugins
choose_network
reason=$(close_network 2>&1) || fail "build steps cannot be kept from the cluster's network: $reason"
# Asked before this pod's processes move into a group below it.
group=$(own_group)
group=${group:+$group/}$step_group
make_room_for_groups
reason=$(limit_steps "$group" "$step_memory_megabytes") || say "$reason"
sed "s|@group@|$group|; s|@machine@|$(uname -m)|" "$lib/buildkitd.toml" >"$run_directory/buildkitd.toml"

# Noted only, until there is a BuildKit to end: one that has begun to write its cache is not left behind.
ended=
trap 'ended=yes' TERM INT
# It would take the machine's top group for its own.
export BUILDKIT_SETUP_CGROUPV2_ROOT=0
# shellcheck disable=SC2046 # an option, or none
buildkitd --config "$run_directory/buildkitd.toml" $(parallelism_option "$lib/buildkitd.toml") &
buildkitd=$!
sh "$lib/idle.sh" "$$" &
watcher=$!
trap end TERM INT
if [ -n "$ended" ]; then end; fi
status=0
# A signal ends the waiting, not BuildKit.
while kill -0 "$buildkitd" 2>/dev/null; do
    wait "$buildkitd"
    status=$?
done
kill "$watcher" 2>/dev/null
say "BuildKit ended with status $status"
exit "$status"
