#!/bin/sh
# Inside an emulated step: compiles in all the ways that people do.
set -eu
# shellcheck source=tests/e2e/emulation/results.sh
. /work/results.sh

printf 'int broken(\n' >broken.c
printf -- '-O2 -c -o x.o a.c\n' >words
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
# By the source itself, where the compiler has begun already.
{ echo '__attribute__((optimize("O2,stack-" "protector-strong")))' && tail -n 1 a.c; } >protected.c
{ echo '#pragma GCC optimize "stack-clash-protection"' && cat a.c; } >probed.c
{ echo '#pragma GCC optimize "O3"' && cat a.c; } >optimized.c
result protectedBySource gcc -w -c -o x.o protected.c
cp x.o /out/objects/protected.o
result protectedFromPipe sh -c 'cat protected.c | gcc -w -x c -c -o x.o -'
result probedBySource gcc -O2 -pipe -c -o x.o probed.c
cp x.o /out/objects/probed.o
result optimizedBySource gcc -O2 -c -o x.o optimized.c
result preload env LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libm.so.6 gcc -c -o x.o a.c
echo /usr/lib/aarch64-linux-gnu/libm.so.6 >/etc/ld.so.preload
result preloadFile gcc -c -o x.o a.c
rm /etc/ld.so.preload
result includePath env C_INCLUDE_PATH=/tmp gcc -c -o x.o a.c
result standardInput sh -c 'gcc -x c -c -o x.o - <a.c'
result standardOutput sh -c 'gcc -S -o - predefined.c | grep -v ident'
result closed sh -c 'exec gcc -c -o x.o a.c <&- >&- 2>&-'
result noHeaders gcc -nostdinc -c -o x.o a.c
printf '#include <stddef.h>\nsize_t x;\n' >own.c
result ownHeaders gcc -nostdinc -iwithprefix include -c -o x.o own.c
result rootOfHeaders gcc -I=/usr/include/linux -c -o x.o own.c
result missingFolders gcc -Wmissing-include-dirs -Werror -c -o x.o own.c
# A header that is found as it was compiled before only.
echo 'static inline int two(void) { return 2; }' >before.h
gcc -O2 -x c-header -o before.h.gch before.h
echo '#error' >before.h
printf '#include "before.h"\nint x(void) { return two(); }\n' >before.c
result precompiledHeader gcc -O2 -Winvalid-pch -Werror -c -o x.o before.c
result precompiledFromInput sh -c 'gcc -O2 -Winvalid-pch -Werror -x c -c -o x.o - <before.c'
result broken gcc -c -o x.o broken.c
result brokenInUnicode env LC_ALL=C.UTF-8 gcc -c -o x.o broken.c
result linked sh -c 'gcc -O2 -o program -x c - -lm <<END
int main(void) { return 42; }
END
./program'
result linkersOption sh -c 'gcc -shared -Xlinker -M -o program own.c | grep ^LOAD'
# As long as gcc takes it, which hands all options on in one variable; and longer.
awk 'BEGIN { for (at = 0; at < 40000; at++) printf "-DNAME_%d=%d\n", at, at }' >many
# shellcheck disable=SC2016 # for the inner shell
result longCommand sh -c 'gcc $(head -n 5000 many) -c -o x.o a.c'
# shellcheck disable=SC2016 # for the inner shell
result tooLongCommand sh -c 'gcc $(cat many) -c -o x.o a.c'

# gcc itself, which goes by its place and the environment, and calls what it finds.
mkdir -p called place/bin
cp "$(readlink -f "$(command -v gcc)")" place/bin/gcc
result relocated place/bin/gcc -c -o x.o a.c
result prefix env GCC_EXEC_PREFIX=/usr/lib/gcc/ gcc -c -o x.o a.c
printf 'f: .long __LINE__\n' >assembly.S
result assembly gcc -c -o x.o assembly.S
result preprocessed gcc -E -P predefined.c
result headers gcc -MM a.c
result several gcc -c a.c predefined.c
result none gcc -c none.c
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\nreadlink /proc/$PPID/exe >/out/driver\nexec /usr/bin/as "$@"\n' >called/as
chmod 755 called/as
result called env "PATH=$PWD/called:$PATH" gcc -O2 -c -o x.o a.c

export CCACHE_DIR=/tmp/w/ccache
result ccacheMiss ccache gcc -O2 -c -o x.o a.c
result ccacheHit ccache gcc -O2 -c -o x.o a.c
result ccacheCounts sh -c 'ccache --print-stats | grep -E "^(direct_cache_hit|preprocessed_cache_hit|cache_miss)"'

# A signal ends it as it ends any program: gcc says so. It reads a pipe that nobody writes into.
mkfifo endless.c
sleep 100 >endless.c &
# shellcheck disable=SC2016 # for the inner shell
result signal sh -c 'gcc -E -o x.i endless.c &
    until compiler=$(grep -lzx "[-]quiet" /proc/[0-9]*/cmdline 2>/dev/null); do :; done
    compiler=${compiler#/proc/}
    kill -TERM "${compiler%/cmdline}"
    wait $!'
kill $!

# C++: a program of the standard library, which runs, and what of it has to be the same.
cp /work/words.cc .
result cxx g++ -O2 -g -MD -MF /out/objects/words.d -c -o x.o words.cc
cp x.o /out/objects/words.o
result cxxModern g++ -std=c++20 -O2 -flto -ffat-lto-objects -c -o x.o words.cc
result cxxProtectedBySource g++ -w -O2 -c -o x.o -x c++ probed.c
printf 'export module numbers;\nexport int two() { return 2; }\n' >module.cc
printf 'import numbers;\nint four() { return 2 * two(); }\n' >import.cc
result cxxModule g++ -std=c++20 -fmodules-ts -c -o x.o module.cc
result cxxImport g++ -std=c++20 -fmodules-ts -c -o x.o import.cc
result cxxNoHeaders g++ -nostdinc++ -c -o x.o words.cc
result cxxLinked sh -c 'g++ -O2 -flto -o words words.cc && ./words'
# But for how headers are marked: the twin's folders are named on its command line, a 4 says so. It means nothing on Linux.
g++ -E words.cc | sed 's/ 3 4$/ 3/' >/out/objects/words.ii

# A real library, byte for byte.
mkdir encoder
tar -xf /work/encoder.tar -C encoder --strip-components=1
cd encoder
: >config.h
for source in bitstream encoder fft gain_analysis newmdct; do
    object=/out/objects/$source.o
    gcc -O2 -g -w -DHAVE_CONFIG_H -DSTDC_HEADERS -DHAVE_ERRNO_H -DHAVE_FCNTL_H -DHAVE_INTTYPES_H -DHAVE_LIMITS_H \
        -DHAVE_STDINT_H -Dieee754_float32_t=float -Dieee754_float64_t=double -I. -Iinclude -Impglib -Ilibmp3lame \
        -c "libmp3lame/$source.c" -o "$object"
    mark "$object" >>/out/marks
    objcopy -R .comment "$object"
done
cd /out/objects
for object in words protected probed; do objcopy -R .comment $object.o; done
sha256sum -- * >/out/digests
rm -rf /out/objects /tmp/w
