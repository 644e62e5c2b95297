#!/bin/sh
# Inside an emulated step: programs that are called like compilers and are none, and compilers that are another's.
set -eu
# shellcheck source=tests/e2e/emulation/results.sh
. /work/results.sh

# place FOLDER COMMAND...: makes FOLDER/cc1 of what the command prints.
place() {
    mkdir "$1"
    folder=$1
    shift
    "$@" >"$folder/cc1"
    chmod 755 "$folder/cc1"
}
# compiled NAME [COMMAND...]: with cc1 of folder NAME, which gcc is told to look into first.
compiled() {
    name=$1
    shift
    result "$name" "$@" gcc "-B/tmp/w/$name/" -c -o x.o a.c
}

# The build id of the known one, and another content.
place patched sed 's/GNU C/GNU K/' "$own"
compiled patched
# Another program with its build id.
mkdir forged
objcopy --dump-section .note.gnu.build-id=build-id "$own" forged/unchanged
objcopy --update-section .note.gnu.build-id=build-id /bin/echo forged/cc1
result forged forged/cc1 -quiet a.c
# No program at all; a script; the beginning of one; one whose parts are beyond its end.
place empty true
result empty empty/cc1
# shellcheck disable=SC2016 # for that script
place script echo '#!/bin/sh
echo "no compiler: $1" >&2
exit 7'
result script script/cc1 -quiet
place begun head -c 1000 "$own"
result begun sh -c 'begun/cc1 >/dev/null 2>&1'
place beyond cat "$own"
printf '\377\377\377\377\377\377\377\177' | dd of=beyond/cc1 bs=1 seek=32 conv=notrunc status=none
result beyond sh -c 'beyond/cc1 >/dev/null 2>&1'

# Links: to nothing, out of the root, by way of another process, to the compiler itself, and from another name.
mkdir links linked
echo 'int x;' >x.c
ln -s /nowhere links/as
result dangling links/as x
ln -s "../../../../../../../../../../$own" links/cc1
result outward links/cc1 -quiet -o x.s x.c
ln -s "/proc/1/root/$own" links/cc1plus
result byProcess links/cc1plus -quiet -o x.s x.c
ln -s "$own" linked/cc1
compiled linked
ln -s "$own" links/compiler
result renamed sh -c 'links/compiler -quiet -o x.s x.c && as -o x.o x.s'

# Rights: others' compilers, that may be run and not read, or are run as root. Nobody's folder is its own.
chmod 777 .
place unreadable cat "$own"
chmod 111 unreadable/cc1
compiled unreadable as_nobody
place setuid cat "$own"
chmod 4755 setuid/cc1
compiled setuid as_nobody
printf '#include <stdio.h>\n#include <unistd.h>\nint main(int n, char **words) { return printf("%%s %%d %%d\\n", *words, getuid(), geteuid()) < 0; }\n' |
    gcc -o who -x c -
chmod 4755 who
result who as_nobody ./who
result calledOtherwise bash -c 'exec -a another ./who'
# Whatever is no compiler is as it was: its name, its descriptors.
result processName cat /proc/self/comm
result descriptors ls /proc/self/fd
rm -rf /tmp/w
