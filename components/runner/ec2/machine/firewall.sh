#!/bin/sh
# Build steps may not reach the metadata service (the instance's credentials), this machine itself, nor each other by way
# of it. (The bridge itself passes nothing from one step to another: see buildNetworkConfig.) From outside nobody reaches
# any port but BuildKit's, whatever a security group says.
# The rules are there before any build runs; BuildKit makes the bridge that they name later.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"

# rule COMMAND TABLE CHAIN RULE...: puts it first in its chain, unless it is there.
rule() {
    command=$1 table=$2 chain=$3
    shift 3
    "$command" -w -t "$table" -C "$chain" "$@" 2>/dev/null || "$command" -w -t "$table" -I "$chain" "$@"
}

# In table mangle, which packets pass before table filter, where the CNI plugins put accepting rules first.
rule iptables mangle FORWARD -i "$bridge" -d 169.254.169.254/32 -j DROP
rule iptables mangle FORWARD -i "$bridge" -o "$bridge" -j DROP
rule iptables filter INPUT ! -i lo -p tcp --syn ! --dport "$port" -j DROP
rule iptables filter INPUT -i "$bridge" -j REJECT
# A kernel without IPv6 has nothing to protect.
if [ -e /proc/net/if_inet6 ]; then
    rule ip6tables mangle FORWARD -i "$bridge" -d fd00:ec2::254/128 -j DROP
    rule ip6tables mangle FORWARD -i "$bridge" -o "$bridge" -j DROP
    rule ip6tables filter INPUT ! -i lo -p tcp --syn ! --dport "$port" -j DROP
    rule ip6tables filter INPUT -i "$bridge" -j REJECT
fi
