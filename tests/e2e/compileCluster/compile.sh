#!/bin/sh
# Inside a step: compiles the library's files, all of them or those that are named, and says what came of it.
#
#   compile.sh ARCHITECTURE FLAGS [FILE...]     of folder libmp3lame
set -eu
architecture=$1 flags=$2
shift 2
# Days from the helpers'.
export TZ=TEST-72
mkdir /out
list() { for file; do printf 'lame/libmp3lame/%s.c ' "$file"; done; }
make() { command make --jobs 6 --file libmp3lame.mk SOURCE=lame ARCHITECTURE="$architecture" CFLAGS="$flags" "$@"; }
if [ $# -gt 0 ]; then
    make SOURCES="$(list "$@")"
else
    make
    g++ -O2 -MD -MF words.d -c words.cc -o words.o
    g++ -o words words.o
    ./words >/dev/null || [ $? = 42 ]
    cp words.d /out/
fi
digests() { find . -name '*.o' | sort | xargs sha256sum; }
digests >/out/digests
find . -name parallel.o -exec nm {} \; >/out/symbols
if [ $# -gt 0 ]; then
    # Without the revision of the compiler's package.
    find . -name '*.o' -exec objcopy --remove-section .comment {} \;
    digests >/out/code
fi
# Nothing is left in the layer but what was made.
find /tmp /var/run /root -mindepth 1 >/out/left
