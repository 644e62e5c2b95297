#!/bin/sh
# make up: from a fresh clone to pushed images. Running it twice, or again after an interruption, is safe.
#
#     tools/up.sh [STACK]    default dev
set -eu
CDPATH='' cd "$(dirname "$0")/.."
stack=${1:-dev}
# shellcheck source=tools/stack.sh
. ./tools/stack.sh

open_stack "$stack"
if sed 's/^ *#.*//' "$(stack_file "$stack")" 2>/dev/null | grep -q examples/encoder; then examples/encoder/prepare.sh; fi
# Everything that is built from now on is in the summary. The clock is the one that receipts are dated by.
begun=$(date -u +%Y-%m-%dT%H:%M:%SZ)
folder=$(stack_folder "$stack")
mkdir -p "$folder"
pulumi up --stack "$stack" --yes --skip-preview --suppress-outputs
outputs=$(pulumi stack output --stack "$stack" --json)
# An up that builds nothing starts nothing, and after a restart of the machine its registry would not serve.
printf '%s' "$outputs" | node -p 'JSON.parse(require("node:fs").readFileSync(0, "utf8")).connect' | sh -s -- --prepare
printf '%s' "$outputs" | node --require=./provider/typescript.js tools/summary.ts "$stack" "$begun" "$folder/last-up.svg"
