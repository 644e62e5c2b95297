#!/bin/sh
# Build steps may not reach the metadata service (the instance's credentials), this machine itself, nor each other by way
# of it. From outside nobody reaches any port but BuildKit's, whatever a security group says.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/step-firewall.sh"

keep_steps_in "$bridge" 169.254.169.254/32 fd00:ec2::254/128
each_version filter INPUT ! -i lo -p tcp --syn ! --dport "$port" -j DROP
