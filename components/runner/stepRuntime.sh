#!/bin/sh
# BuildKit calls this in place of runc. When memory runs out, the kernel ends what runc has started before it ends BuildKit,
# whose oom_score_adj a step would have otherwise.
{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
# shellcheck source=components/runner/stepMounts.sh
if [ -e "${0%/*}/step-mounts.sh" ]; then . "${0%/*}/step-mounts.sh"; fi
if command -v buildkit-runc >/dev/null; then exec buildkit-runc "$@"; fi
exec runc "$@"
