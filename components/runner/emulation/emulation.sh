# shellcheck shell=sh
# shellcheck disable=SC2154 # the runner sets them
# Part of a local runner: compilers of the platform that it emulates run as their native twins (see front.c), where
# their toolchain was made on this machine (makeToolchain.sh). Everything here is without root, or without toolchain, no
# more than not done. Reads: $emulates, the machine as `uname -m` would say it there, or nothing.

binfmt=/proc/sys/fs/binfmt_misc

# Every runner has a registration of its own, which does the same as the others': each ends its own.
registration() { printf '%s/native-buildx-%s-%s' "$binfmt" "$emulates" "$(printf '%s' "$PWD" | cksum | tr -c '0-9\n' -)"; }

# For binfmt_misc, from its own hex.
escaped() { sed -n "s/^$1 //p" "$binfmt/qemu-$emulates" | sed 's/../\\x&/g'; }

# The newest registration comes first. It has the flags of QEMU's own, F among them: the kernel keeps the file open and finds
# it in every container. P: it is told how the program was called. (Debian's QEMU knows that by its name, too.)
use_toolchain() {
    toolchain=$(cd ../../toolchains/"$emulates" 2>/dev/null && pwd) || toolchain=
    rm -f toolchain.json
    if [ -z "$emulates" ] || [ ! -x "$toolchain/qemu-binfmt-P" ] || [ "$(id -u)" != 0 ]; then return 0; fi
    # In the namespace of the runner /proc is its own.
    if [ ! -e "$binfmt/register" ]; then mount -t binfmt_misc binfmt_misc "$binfmt" || return 0; fi
    leave_toolchain
    flags=$(sed -n 's/^flags: //p' "$binfmt/qemu-$emulates" | tr -d 'PF')
    entry=$(registration)
    rule=$(printf ':%s:M::%s:%s:qemu-binfmt-P:%sPF' "${entry##*/}" "$(escaped magic)" "$(escaped mask)" "$flags")
    # Relative: the kernel takes 127 characters, and a colon would end the path.
    if (cd "$toolchain" && printf '%s' "$rule" >"$binfmt/register"); then
        json=$(printf '%s' "$toolchain" | sed 's/[\\"]/\\&/g')
        printf '{"destination":"/dev/.native-toolchain","type":"bind","source":"%s","options":["rbind","ro","nosuid","nodev"]}\n' \
            "$json" >toolchain.json
        say "compilers of $emulates run natively"
    fi
}

leave_toolchain() {
    if [ -n "$emulates" ] && [ -e "$(registration)" ]; then echo -1 >"$(registration)"; fi
}
