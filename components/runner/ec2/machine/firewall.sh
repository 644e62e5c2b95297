#!/bin/sh
# What build steps may not reach: the metadata service (the instance's credentials), this machine itself, and each other
# by way of it. (The bridge itself passes nothing from one to another: see buildNetworkConfig.) And what nobody reaches
# from outside, whatever a security group says: any port but BuildKit's.
# The rules stand before any build runs; the bridge they name is made by BuildKit later.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"

# rule COMMAND TABLE CHAIN RULE...: first in its chain, once.
rule() {
    command=$1 table=$2 chain=$3
    shift 3
    "$command" -w -t "$table" -C "$chain" "$@" 2>/dev/null || "$command" -w -t "$table" -I "$chain" "$@"
}

# In table mangle, which is passed before table filter: the CNI plugins put their own accepting rules first there.
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
