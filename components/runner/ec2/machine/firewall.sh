#!/bin/sh
# Build steps may not reach the metadata service (the instance's credentials), this machine itself, nor each other by way
# of it. From outside nobody reaches any port but BuildKit's, whatever a security group says, and where the runner is in a
# compile cluster those of its node, by which a security group lets only the other nodes in.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/step-firewall.sh"

keep_steps_in "$bridge" 169.254.169.254/32 fd00:ec2::254/128
each_version filter INPUT ! -i lo -p tcp --syn ! --dport "$port" -j DROP
if [ -n "${scheduler_port:-}" ]; then
    for node_port in "$daemon_port" "$scheduler_port"; do
        rule iptables filter INPUT ! -i "$bridge" -p tcp --dport "$node_port" -j ACCEPT
    done
    # A build step sends its jobs to other nodes. With a scheduler only nodes speak.
    rule iptables mangle FORWARD -i "$bridge" -p tcp --dport "$scheduler_port" -j DROP
fi
