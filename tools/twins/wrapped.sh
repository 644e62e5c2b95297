#!/bin/sh
# In a root file system of this machine's own architecture, in place of gcc and g++: runs compilers by the dispatcher of another
# machine, which nothing is registered for here.
case ${0##*/} in
    gcc | g++) exec "/usr/bin/${0##*/}" -wrapper /bin/sh,/work/wrapped.sh "$@" ;;
esac
case ${1##*/} in
    cc1 | cc1plus | lto1 | as | *-as) exec /dev/.native-toolchain/*/dispatcher "$(command -v "$1")" "$@" ;;
    *) exec "$@" ;;
esac
