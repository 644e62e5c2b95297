#!/bin/sh
# make soak: the longer series of the tests, in the simulated EC2.
#
#   SOAK_CONNECTIONS    connections around the idle stop of a runner (default 200; make test makes a few)
set -eu
CDPATH='' cd "$(dirname "$0")/.."
tools/setup.sh --check
# shellcheck source=tools/env.sh
. ./tools/env.sh
SOAK_CONNECTIONS=${SOAK_CONNECTIONS:-200} exec npx jest --runInBand --testPathPatterns tests/ec2/idleRace
