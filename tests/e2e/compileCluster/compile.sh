#!/bin/sh
# Inside a step: compiles the library's files, all of them or those that are named, and says what came of it.
#
#   compile.sh ARCHITECTURE [FILE...]     of folder libmp3lame
set -eu
architecture=$1
shift
mkdir /out
list() { for file; do printf 'lame/libmp3lame/%s.c ' "$file"; done; }
make() { command make --jobs 6 --file libmp3lame.mk SOURCE=lame ARCHITECTURE="$architecture" "$@"; }
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
if [ $# -gt 0 ]; then
    # Without the revision of the compiler's package.
    find . -name '*.o' -exec objcopy --remove-section .comment {} \;
    digests >/out/code
fi
# Nothing is left in the layer but what was made.
find /tmp /var/run /root -mindepth 1 >/out/left
