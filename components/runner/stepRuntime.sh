#!/bin/sh
# BuildKit calls this in place of runc. What runc starts is what the kernel ends first when memory runs out, and not
# BuildKit, whose own value a step would have otherwise.
{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
# shellcheck source=components/runner/emulation/mountToolchains.sh
if [ -e "${0%/*}/mount-toolchains.sh" ]; then . "${0%/*}/mount-toolchains.sh"; fi
if command -v buildkit-runc >/dev/null; then exec buildkit-runc "$@"; fi
exec runc "$@"
