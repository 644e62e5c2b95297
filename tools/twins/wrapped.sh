#!/bin/sh
# In a root file system of this machine's own architecture, in place of a compiler, which lies beside it: leads to the dispatcher
# of another machine, as that machine's kernel would.
exec /dev/.native-toolchain/*/dispatcher "$(readlink -f "$0").original" "$0" "$@"
