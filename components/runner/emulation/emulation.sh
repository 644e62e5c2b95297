# shellcheck shell=sh
# shellcheck disable=SC2154 # the runner sets them
# Part of a runner: compilers of the platforms that it emulates run as their native twins (see front.c), where their
# toolchains were made on its machine (makeToolchain.sh). Where anything is missing, steps run as they did before. Reads:
#
#   $emulates       machines that it emulates, as QEMU names them, or nothing
#   $toolchains     the folder with their toolchains
#   $registrant     letters and digits that no other runner on this kernel has: each has registrations of its own, which
#                   do the same as the others', and ends its own
#
# and in the working directory, where step-runtime.sh is, writes toolchains.json: what stepMounts.sh mounts.

binfmt=/proc/sys/fs/binfmt_misc

use_toolchains() {
    rm -f toolchains.json
    used=
    for machine in $emulates; do
        if ! runs_natively "$machine" && register_front "$machine"; then used="$used $machine"; fi
    done
    if [ -z "$used" ]; then return 0; fi
    source=$(cd "$toolchains" && pwd -P | sed 's/[\\"]/\\&/g')
    printf '{"destination":"/dev/.native-toolchain","type":"bind","source":"%s","options":["rbind","ro","nosuid","nodev"]}\n' \
        "$source" >toolchains.json
    say "compilers of$used run natively"
}

leave_toolchains() {
    for machine in $emulates; do end_registration "native-buildx-$machine-$registrant"; done
}

# runs_natively MACHINE: what is registered would come before the machine itself. Many ARM machines of 64 bits run programs of 32.
runs_natively() { [ "$1 $(uname -m)" = "arm aarch64" ] && setarch linux32 true 2>/dev/null; }

# The newest registration comes first.
register_front() {
    if [ ! -e "$toolchains/$1/rule" ]; then return 1; fi
    if [ ! -w "$binfmt/register" ]; then mount_binfmt || return 1; fi
    entry=native-buildx-$1-$registrant
    end_registration "$entry"
    rule=$(sed "s/NAME/$entry/" "$toolchains/$1/rule")
    # Its interpreter is a relative path: the kernel takes 127 characters, and a colon would end it.
    (cd "$toolchains/$1" && printf '%s' "$rule" >"$binfmt/register")
}

# The runner may have a mount namespace of its own, in which it is mounted for the first time.
mount_binfmt() {
    mount -t binfmt_misc binfmt_misc "$binfmt" 2>/dev/null || return 1
    # Without root it has a user namespace, with registrations of its own in place of the machine's (since Linux 6.7; before
    # that, it may not mount): QEMU's are made again, for steps of other machines.
    if [ -z "${ROOTLESSKIT_STATE_DIR:-}" ]; then return 0; fi
    for rule in /usr/lib/binfmt.d/qemu-*.conf; do
        { grep '^:' "$rule" >"$binfmt/register"; } 2>/dev/null || true
    done
}

end_registration() {
    if [ -e "$binfmt/$1" ]; then echo -1 >"$binfmt/$1"; fi
}
