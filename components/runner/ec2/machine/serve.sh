#!/bin/sh
# Limits the memory of build steps, and becomes BuildKit.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/steps.sh"

reason=$(limit_steps "$step_group" "$step_memory_megabytes") || say "$reason"
# shellcheck disable=SC2046 # an option, or none
exec buildkitd --config "$buildkit_config" $(parallelism_option "$buildkit_config")
