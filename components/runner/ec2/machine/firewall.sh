#!/bin/sh
# What build steps may not reach, and what nobody reaches from outside, whatever a security group says: any port but
# BuildKit's.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/step-firewall.sh"

# The metadata service has the instance's credentials.
keep_steps_in "$bridge" 169.254.169.254/32 fd00:ec2::254/128
each_version filter INPUT ! -i lo -p tcp --syn ! --dport "$port" -j DROP
