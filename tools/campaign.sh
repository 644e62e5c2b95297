#!/bin/sh
# make campaign: does what users do to a stack on the simulated EC2, and what happens to it, in random order. After each step
# one `up` must be enough, another must have nothing to do, and builds must be right.
#
#   CAMPAIGN_STEPS    how many (default 200)
#   CAMPAIGN_SEED     repeats the choices of a campaign; each prints its own
set -eu
CDPATH='' cd "$(dirname "$0")/.."
tools/setup.sh --check
# shellcheck source=tools/env.sh
. ./tools/env.sh
CAMPAIGN_SEED=${CAMPAIGN_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
CAMPAIGN_STEPS=${CAMPAIGN_STEPS:-200}
export CAMPAIGN_SEED CAMPAIGN_STEPS
exec npx jest --runInBand --testPathPatterns tests/ec2/campaign
