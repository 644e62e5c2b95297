#!/bin/sh
# Makes what stands in front of an emulator in a toolchain (see makeToolchain.sh), by the C compiler $CC (default gcc):
#
#   makeDispatcher.sh QEMU NAME MACHINE FOLDER [OPTION...]     of what is emulated: QEMU's name of it, and e_machine of elf.h;
#                                                              `asked` of twins.tsv
#
# Into FOLDER: qemu-binfmt-P, for binfmt_misc (front.c); dispatcher and emulator, for build containers (dispatcher.c);
# driver.so, for the twins of gcc and g++ (driver.c); compiler.so, for those of cc1 and cc1plus (compiler.c); with options,
# askedCompiler.so, for those of them that these are about.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
emulator=$1 name=$2 machine=$3 folder=$4
shift 4

build() { "${CC:-gcc}" -O2 -Wall -Wextra -DNAME="\"$name\"" -DMACHINE="$machine" "$@"; }

# For this machine, whatever the front is for.
gcc -O2 -Wall -Wextra -o "$folder/weave" "$here/weave.c"
build -ffreestanding -fPIC -fvisibility=hidden -fcf-protection=none -fno-stack-protector -fno-asynchronous-unwind-tables \
    -fno-tree-loop-distribute-patterns -nostdlib -static -no-pie -Wl,-e,begin,-z,noseparate-code,--build-id=none -o "$folder/front" "$here/front.c"
"$folder/weave" "$emulator" "$folder/front" >"$folder/qemu-binfmt-P"
chmod 755 "$folder/qemu-binfmt-P"
rm "$folder/weave" "$folder/front"

build -static -o "$folder/dispatcher" "$here/dispatcher.c"
build_preload() { build -shared -fPIC -fno-stack-protector -U_FORTIFY_SOURCE -nostdlib "$@"; }
build_preload -o "$folder/driver.so" "$here/driver.c"
build_preload -o "$folder/compiler.so" "$here/compiler.c"
if [ $# -gt 0 ]; then
    build_preload -DOPTIONS="$(printf '"%s",' "$@")" -o "$folder/askedCompiler.so" "$here/compiler.c"
fi
cp "$emulator" "$folder/emulator"
