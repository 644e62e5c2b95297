#!/bin/sh
# Inside an emulated step: compiles in all the ways that people do. Results: /out/results, a line each, and objects.
set -eu
mkdir -p /out/objects /tmp/w
cd /tmp/w

# mark OBJECT: which compiler made it.
mark() { readelf -p .comment "$1" | sed -n 's/.*GCC: (Debian \([^)]*\)).*/\1/p'; }
# result NAME COMMAND...: the exit status and the mark of x.o.
result() {
    name=$1
    shift
    rm -f x.o
    status=0
    "$@" >"$name.log" 2>&1 || status=$?
    printf '%s %s %s\n' "$name" "$status" "$([ ! -e x.o ] || mark x.o)" >>/out/results
}

printf '#include <stdio.h>\n#include <math.h>\nint f(int n) { char a[n]; a[0] = n; printf("%%s", a); return sqrt(n); }\n' >a.c
printf 'int broken(\n' >broken.c
# shellcheck disable=SC2016 # for the compiler's shell
printf -- '-O2 -c -o x.o a.c\n' >words
own=$(gcc -print-prog-name=cc1)

uname -m >/out/machine
result plain gcc -O2 -c -o x.o a.c
printf '#ifndef __STDC_IEC_559__\n#error\n#endif\nint x;\n' >predefined.c
result predefined gcc -c -o x.o predefined.c
result debug gcc -g3 -O2 -c -o x.o a.c
result pipe gcc -pipe -c -o x.o a.c
result response gcc @words
result temporary gcc -save-temps -c -o x.o a.c
result lto gcc -O2 -flto -ffat-lto-objects -c -o x.o a.c
result emptyEnvironment env -i "$(command -v gcc)" -B/usr/bin -c -o x.o a.c
result protected gcc -fstack-protector-strong -c -o x.o a.c
result preload env LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libm.so.6 gcc -c -o x.o a.c
result includePath env C_INCLUDE_PATH=/tmp gcc -c -o x.o a.c
result standardInput sh -c 'gcc -x c -c -o x.o - <a.c'
result noHeaders gcc -nostdinc -c -o x.o a.c
result broken gcc -c -o x.o broken.c
result linked sh -c 'gcc -O2 -o program -x c - -lm <<END
int main(void) { return 42; }
END
./program'
many=$(awk 'BEGIN { for (i = 0; i < 4000; i++) printf "-DNAME_%d=%d ", i, i }')
# shellcheck disable=SC2086 # words
result longCommand gcc $many -c -o x.o a.c

# C++: a program of the standard library, which runs, and what of it has to be the same.
cp /work/words.cc .
result cxx g++ -O2 -g -MD -MF /out/objects/words.d -c -o x.o words.cc
cp x.o /out/objects/words.o
result cxxModern g++ -std=c++20 -O2 -flto -ffat-lto-objects -c -o x.o words.cc
result cxxNoHeaders g++ -nostdinc++ -c -o x.o words.cc
result cxxLinked sh -c 'g++ -O2 -flto -o words words.cc && ./words'
# But for how headers are marked: the twin's folders are named on its command line, a 4 says so. It means nothing on Linux.
g++ -E words.cc | sed 's/ 3 4$/ 3/' >/out/objects/words.ii

# A compiler with the build id of the known one, and another content: it is run as it is.
mkdir -p patched
sed 's/GNU C/GNU K/' "$own" >patched/cc1
chmod +x patched/cc1
result patched gcc -B/tmp/w/patched/ -c -o x.o a.c
# One that is none.
mkdir -p none
printf '#!/bin/sh\necho "no compiler" >&2\nexit 7\n' >none/cc1
chmod +x none/cc1
result none gcc -B/tmp/w/none/ -c -o x.o a.c
ln -s /proc/1/root/nowhere none/as
result dangling /tmp/w/none/as x
# A signal ends it as it ends any program.
result signal sh -c 'gcc -c -o x.o -x c - </dev/zero & sleep 3; pkill -x cc1 || kill $!; wait $!'

# A real library, byte for byte.
mkdir encoder
tar -xf /work/encoder.tar -C encoder --strip-components=1
cd encoder
: >config.h
for source in libmp3lame/[b-i]*.c libmp3lame/newmdct.c; do
    object=/out/objects/$(basename "$source" .c).o
    gcc -O2 -g -w -DHAVE_CONFIG_H -DSTDC_HEADERS -DHAVE_ERRNO_H -DHAVE_FCNTL_H -DHAVE_INTTYPES_H -DHAVE_LIMITS_H \
        -DHAVE_STDINT_H -Dieee754_float32_t=float -Dieee754_float64_t=double -I. -Iinclude -Impglib -Ilibmp3lame \
        -c "$source" -o "$object"
    mark "$object" >>/out/marks
    objcopy -R .comment "$object"
done
cd /out/objects && objcopy -R .comment words.o && sha256sum -- * >/out/digests && rm -rf /out/objects
