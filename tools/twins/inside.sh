#!/bin/sh
# Runs a command in a root file system of another architecture, in namespaces of its own: as the command is emulated on this
# machine, or with a toolchain of native compilers in front of QEMU, which is registered for this command alone.
#
#   inside.sh ROOT MACHINE TOOLCHAIN COMMAND...     MACHINE as QEMU names it; TOOLCHAIN: as makeToolchain.sh makes it,
#                                                   or "none". It is not registered where the machine needs no QEMU
#
# Needs root, and Linux 6.7 or newer, with which user namespaces have registrations of their own. The folder ROOT/work is where
# the command runs.
set -eu
if [ "$1" != --inside ]; then
    exec unshare --user --map-root-user --mount --pid --fork --kill-child sh "$0" --inside "$@"
fi
root=$2 machine=$3 toolchain=$4
shift 4
binfmt=/proc/sys/fs/binfmt_misc

mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done

if [ "$toolchain" != none ]; then
    mkdir -p "$root/dev/.native-toolchain/$machine"
    # Not read-only: the time of the last access tells which twins were run.
    mount --bind "$toolchain" "$root/dev/.native-toolchain/$machine"
fi
if [ "$toolchain" != none ] && [ -e "$toolchain/rule" ]; then
    rule=$(sed 's/NAME/twins/' "$toolchain/rule")
    mount -t binfmt_misc binfmt_misc "$binfmt"
    (cd "$toolchain" && printf '%s' "$rule" >"$binfmt/register")
fi
mkdir -p "$root/work"
exec chroot "$root" /usr/bin/env -i -C /work PATH=/usr/local/bin:/usr/bin:/bin HOME=/root LC_ALL=C "$@"
