#!/bin/sh
# make down: destroys the stack, which ends its processes. Nothing is left running.
#
#     tools/down.sh [STACK]    default dev
set -eu
cd "$(dirname "$0")/.."
stack=${1:-dev}

tools/setup.sh
# shellcheck source=tools/env.sh
. ./tools/env.sh
# shellcheck source=tools/stack.sh
. ./tools/stack.sh

select_stack "$stack"
pulumi destroy --stack "$stack" --yes --skip-preview
