#!/bin/sh
# In a root file system: compiles files of a C and a C++ library, in /work/source, with options that distributions and people
# build with. What it makes is below /work/corpus: objects, lists of headers, messages.
#
#   corpus.sh corpus|sample     a sample has few files and options
set -eu
out=/work/corpus
rm -rf "$out"
mkdir -p "$out"

c_files='bitstream psymodel takehiro'
cxx_files='common/dct encoder/entropy'
ways='fast debug loops small lto hardened recorded machine'
if [ "$1" = sample ]; then c_files=bitstream cxx_files='' ways='fast hardened recorded'; fi

options_of() {
    case $1 in
        fast) echo -O2 -Wall -Wextra ;;
        debug) echo -O0 -g3 -Wall ;;
        loops) echo -O3 -g -fPIC -ffast-math ;;
        small) echo -Os -fno-strict-aliasing -fvisibility=hidden ;;
        lto) echo -O2 -g -flto -ffat-lto-objects ;;
        hardened) echo -O2 -g -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -Wformat ;;
        recorded) echo -O2 -frecord-gcc-switches -pthread -fopenmp -save-temps=obj ;;
        machine) echo -O2 "$own" ;;
    esac
}
case $(gcc -dumpmachine) in
    aarch64-*) own='-march=armv8.2-a+sve -mbranch-protection=standard' ;;
    arm-*) own='-mfpu=neon -marm' ;;
    riscv64-*) own='-march=rv64gc_zba_zbb' ;;
    x86_64-*) own='-mavx2 -fcf-protection' ;;
esac

# each_way NAME COMPILER OPTION...: compiles with each set of options in turn. The seed: names in objects for link-time
# optimization are random without it (and with 0).
each_way() {
    name=$1
    shift
    for way in $ways; do
        made=$out/$name.$way
        # shellcheck disable=SC2046 # options
        "$@" -frandom-seed=1 $(options_of "$way") -MD -MF "$made.d" -c -o "$made.o" 2>"$made.messages"
    done
}

cd /work/source
lame='-DHAVE_CONFIG_H -DSTDC_HEADERS -DHAVE_ERRNO_H -DHAVE_FCNTL_H -DHAVE_INTTYPES_H -DHAVE_LIMITS_H -DHAVE_STDINT_H
    -Dieee754_float32_t=float -Dieee754_float64_t=double -Ilame -Ilame/include -Ilame/mpglib -Ilame/libmp3lame'
: >lame/config.h
# shellcheck disable=SC2086 # options
for file in $c_files; do each_way "lame-$file" gcc $lame "lame/libmp3lame/$file.c"; done
x265='-std=gnu++11 -DX265_DEPTH=8 -DHIGH_BIT_DEPTH=0 -DX265_NS=x265 -DEXPORT_C_API=1
    -Ix265/source -Ix265/source/common -Ix265/source/encoder'
printf '#define X265_BUILD 199\n' >x265/source/x265_config.h
# shellcheck disable=SC2086 # options
for file in $cxx_files; do each_way "x265-${file#*/}" g++ $x265 "x265/source/$file.cpp"; done
cp words.cc "$out"
cd "$out"
if [ "$1" = corpus ]; then each_way words g++ -std=c++20 words.cc; fi

# What gcc and g++ call, with which words and in which environment. (OFFLOAD_TARGET_... is for the linker.)
mkdir called
echo 'int x;' >called.cc
cat >called/as <<'END'
#!/bin/sh
{ printf '%s\n' "$0" "$@"; env | sort | grep -v -e '^_=' -e '^OFFLOAD_TARGET_'; } >>/work/corpus/called.output
END
chmod 755 called/as
for compiler in /usr/bin/gcc /usr/bin/g++ ../../../usr/bin/g++; do
    PATH=$PWD/called:$PATH "$compiler" -O2 -g -pthread -save-temps -dumpdir called- -c called.cc
done
rm called-* called.cc

# What a twin could take in another way: numbers of 64 bits, folders and headers of its own, the value of an option for the option.
cat >numbers.s <<'END'
        .long 0x80000000/2, -8>>1
        .if 0xffffffff < 0
        .long 1
        .endif
END
as -o numbers.o numbers.s 2>numbers.messages
echo '#include <stddef.h>' >own.c
gcc -nostdinc -iwithprefix include -I=/usr/include/linux "-I\$SYSROOT/usr/include/linux" -c own.c
gcc -Wmissing-include-dirs -Werror -c -o folders.o own.c
gcc -shared -Xlinker -M -o shared own.o | grep ^LOAD >linked.output
# Headers that are found as they were compiled before only, and modules.
for language in c c++; do
    echo 'static inline int two(void) { return 2; }' >before.h
    gcc -O2 -x $language-header -o before.h.gch before.h
    echo '#error' >before.h
    echo 'int four(void) { return 2 * two(); }' >before.$language
    gcc -O2 -include before.h -Winvalid-pch -Werror -c -o before-$language.o before.$language
done
printf 'export module numbers;\nexport int two() { return 2; }\n' >module.cc
printf 'import numbers;\nint four() { return 2 * two(); }\n' >import.cc
for file in module import; do g++ -std=c++20 -fmodules-ts -O2 -c $file.cc; done
rm -r shared before.h.gch gcm.cache

# What else a compiler writes: programs that are optimized as a whole, assembly, what it says of mistakes.
g++ -O2 -g -flto -ffat-lto-objects -frandom-seed=1 -save-temps=obj -std=c++20 -o words words.cc
status=0
./words >words.output || status=$?
if [ "$status" != 42 ]; then exit 1; fi # what the program ends with
if [ "$1" = corpus ]; then
    g++ -O2 -flto -flto-partition=max -frandom-seed=1 -save-temps=obj -std=c++20 -o parts words.cc
    g++ -E -o words.ii words.cc
    g++ -O2 -S -fverbose-asm -o words.verbose.s words.cc
    if g++ -include nowhere.h -c words.cc 2>missing.messages; then exit 1; fi
    if gcc -std=c++98 -c words.cc 2>old.messages; then exit 1; fi
fi
rm -f words parts
