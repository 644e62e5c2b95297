#!/bin/sh
# make down: destroys the stack, which ends its processes. Nothing is left running.
#
#     tools/down.sh [STACK]    default dev
set -eu
cd "$(dirname "$0")/.."
stack=${1:-dev}
# shellcheck source=tools/stack.sh
. ./tools/stack.sh

open_stack "$stack"
pulumi destroy --stack "$stack" --yes --skip-preview
# What `make up` left there: see tools/up.sh.
rm -f "$NATIVE_BUILDX_HOME/native-buildx-$stack/last-up.svg"
if [ -d "$NATIVE_BUILDX_HOME/native-buildx-$stack" ]; then rmdir "$NATIVE_BUILDX_HOME/native-buildx-$stack" || true; fi
