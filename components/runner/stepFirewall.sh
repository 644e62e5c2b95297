# shellcheck shell=sh
# What build steps may not reach, the same wherever they run behind a bridge of their own: some addresses, such as the
# cloud's metadata service, this machine itself, and each other by way of it. (The bridge itself passes nothing from one to
# another: see buildNetworkConfig.) The rules stand before any build runs; BuildKit makes the bridge later.

# rule COMMAND TABLE CHAIN RULE...: first in its chain, once.
rule() {
    command=$1 table=$2 chain=$3
    shift 3
    "$command" -w -t "$table" -C "$chain" "$@" 2>/dev/null || "$command" -w -t "$table" -I "$chain" "$@"
}

# keep_steps_in BRIDGE ADDRESS...: addresses or ranges of either version. In table mangle, which is passed before table
# filter: the CNI plugins put their own accepting rules first there.
keep_steps_in() {
    bridge=$1
    shift
    for address in "$@"; do
        case $address in
            # A kernel without IPv6 has nothing to protect.
            *:*) [ ! -e /proc/net/if_inet6 ] || rule ip6tables mangle FORWARD -i "$bridge" -d "$address" -j DROP ;;
            *) rule iptables mangle FORWARD -i "$bridge" -d "$address" -j DROP ;;
        esac || return
    done
    each_version mangle FORWARD -i "$bridge" -o "$bridge" -j DROP &&
        each_version filter INPUT -i "$bridge" -j REJECT
}

# let_steps_find_way BRIDGE: with IPv6 a step that sends anything out first asks this machine, as its router, for the bridge's
# address, and is asked for its own. After keep_steps_in.
let_steps_find_way() {
    if [ ! -e /proc/net/if_inet6 ]; then return; fi
    for kind in neighbour-solicitation neighbour-advertisement; do
        rule ip6tables filter INPUT -i "$1" -p icmpv6 --icmpv6-type "$kind" -j ACCEPT || return
    done
}

# each_version TABLE CHAIN RULE...: for IPv4, and for IPv6 where there is any.
each_version() {
    rule iptables "$@" || return
    [ ! -e /proc/net/if_inet6 ] || rule ip6tables "$@"
}
