#!/bin/sh
# A node of the compile cluster of the stack's runners (components/runner/cluster), on runners that are in it only:
#     compile-cluster.sh make    makes what a node needs: minutes at the first start, in which BuildKit serves without it
#     compile-cluster.sh run     is the node
# Whatever fails here, builds compile on their own runner as without it.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=components/runner/ec2/machine/recipe.sh
. "$lib/recipe.sh"
# shellcheck source=components/runner/stepFirewall.sh
. "$lib/step-firewall.sh"
members=$cluster_folder/members
kit=$cluster_folder/compile-cluster
# In memory: each start makes the rules below.
made=$tls_directory/compile-cluster
# Icecream's daemon with all that it compiles, and its scheduler.
node_user=compile-node
scheduler_user=compile-scheduler

users() {
    for user in "$node_user" "$scheduler_user"; do
        if ! id "$user" >/dev/null 2>&1; then
            useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user" || return
        fi
    done
}

# confined USER RULE...: about what that user sends.
confined() { each_version mangle OUTPUT -m owner --uid-owner "$@"; }

# What a build step sends to be compiled with is a program. It runs here as the node's user, in a folder for a root and in this
# machine's network, where it may reach no credentials, nor anything else but the other nodes (see `admit`).
confine() {
    users || return
    for user in "$node_user" "$scheduler_user"; do
        confined "$user" -j DROP && confined "$user" -m conntrack --ctstate ESTABLISHED -j ACCEPT || return
    done
}

# admit ADDRESS...: of nodes. The daemon speaks to a scheduler, and a scheduler tries whether daemons can be reached.
admit() {
    for address; do
        rule iptables mangle OUTPUT -m owner --uid-owner "$node_user" -d "$address" -p tcp --dport "$scheduler_port" -j ACCEPT &&
            rule iptables mangle OUTPUT -m owner --uid-owner "$scheduler_user" -d "$address" -p tcp --dport "$daemon_port" -j ACCEPT ||
            return
    done
}

# is_made: with all that could be had. A later start then asks no archive of packages.
is_made() { [ -e "$kit/recipe" ] && [ ! -e "$kit/incomplete" ]; }

prepare() {
    # shellcheck disable=SC2086 # names
    if ! fetch_recipe "$cluster_recipe" "$cluster_sha256" $cluster_parameters || ! confine; then return 1; fi
    if is_made; then return; fi
    install_compiler && "$cluster_recipe/makeCluster.sh" "$cluster_folder" "$cluster_originals" "$cluster_helpers"
}

make() {
    mkdir -p "$cluster_folder"
    rm -f "$made"
    if prepare >"$cluster_folder/log" 2>&1; then
        : >"$made"
    else
        say "not in the compile cluster: $(tail -n 1 "$cluster_folder/log")"
    fi
}

# The members change when the stack does. What cannot be read leaves those that were read before.
fetch_members() {
    if credentials && listed=$(read_parameter "$members_parameter") && [ -n "$listed" ]; then
        printf '%s\n' "$listed" | tr , '\n' >"$members.new" && mv "$members.new" "$members"
    fi
    # shellcheck disable=SC2046 # addresses
    admit $(cut -d ' ' -f 2 "$members")
}

run() {
    if [ ! -e "$made" ]; then exit 1; fi
    # Its address in its own network, whoever asks.
    CLUSTER_ADDRESS=$(ip -4 route get 169.254.169.254 | sed -n 's/.* src \([0-9.]*\).*/\1/p')
    admit "$CLUSTER_ADDRESS"
    fetch_members 2>/dev/null || true
    while sleep 60; do fetch_members 2>/dev/null || true; done &
    export CLUSTER_ADDRESS CLUSTER_FOLDER="$cluster_folder" CLUSTER_KIT="$kit"
    export CLUSTER_NAME="$cluster_name" CLUSTER_MEMBERS="$members" CLUSTER_MOUNTS="$lib/cluster.json"
    export CLUSTER_USER="$node_user" CLUSTER_SCHEDULER_USER="$scheduler_user" CLUSTER_CONSOLE="$console"
    say "in the compile cluster, at $CLUSTER_ADDRESS"
    exec "$cluster_recipe/cluster.sh"
}

"$1"
