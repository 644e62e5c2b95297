#!/bin/sh
# make down: destroys the stack, which ends its processes. Nothing is left running.
#
#     tools/down.sh [STACK]    default dev
set -eu
CDPATH='' cd "$(dirname "$0")/.."
stack=${1:-dev}
# shellcheck source=tools/stack.sh
. ./tools/stack.sh

open_stack "$stack" existing
pulumi destroy --stack "$stack" --yes --skip-preview
folder=$(stack_folder "$stack")
# What `make up` left there: see tools/up.sh.
rm -f "$folder/last-up.svg"
if [ -d "$folder" ]; then rmdir "$folder" || true; fi
