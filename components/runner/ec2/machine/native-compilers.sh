#!/bin/sh
# Compilers of the machines that this runner emulates run natively (see components/runner/emulation), on runners that
# emulate only:
#     native-compilers.sh make    makes their toolchains: minutes at the first start, in which BuildKit serves without them
#     native-compilers.sh use     from now on builds use those that were made
#     native-compilers.sh leave   and from now on no more
# Whatever fails here, builds are emulated as without it.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=components/runner/emulation/emulation.sh
. "$lib/emulation.sh"
# shellcheck source=components/runner/ec2/machine/recipe.sh
. "$lib/recipe.sh"
cd "$lib"
# shellcheck disable=SC2034 # emulation.sh reads it
read -r registrant </etc/machine-id

# fetch_emulator MACHINE: QEMU and its line for binfmt_misc, out of a package that would take 460 MB.
fetch_emulator() {
    if [ -e "$toolchains/qemu-$1.conf" ]; then return; fi
    work=$(mktemp -d "$toolchains/fetching.XXXXXX")
    status=0
    # shellcheck disable=SC2015 # no more than a status
    (cd "$work" && packages -o APT::Sandbox::User= download qemu-user && dpkg-deb --fsys-tarfile qemu-user_*.deb |
        tar -x --wildcards "./usr/bin/qemu-$1" "*/qemu-$1.conf" && mv "usr/bin/qemu-$1" ../ &&
        find . -type f -name "qemu-$1.conf" -exec mv {} ../ \;) && [ -e "$toolchains/qemu-$1.conf" ] || status=1
    rm -rf "$work"
    return "$status"
}

# toolchain MACHINE
toolchain() {
    fetch_emulator "$1" || return 1
    EMULATOR=$toolchains/qemu-$1 RULE=$toolchains/qemu-$1.conf "$toolchain_recipe/makeToolchain.sh" "$1" "$toolchains"
}

# is_made MACHINE: with all twins that it can have.
is_made() { [ -x "$toolchains/$1/dispatcher" ] && [ ! -e "$toolchains/$1/incomplete" ]; }

make() {
    mkdir -p "$toolchains"
    log=$toolchains/log
    for machine in $emulates; do
        if runs_natively "$machine" || is_made "$machine"; then continue; fi
        # shellcheck disable=SC2086 # names
        { fetch_recipe "$toolchain_recipe" "$recipe_sha256" $recipe_parameters &&
            install_compiler && toolchain "$machine"; } >"$log" 2>&1 || true
        # What makeToolchain.sh has said once it does not say again, and keeps.
        reason=$(tail -n 1 "$log" && cut -s -d ' ' -f 2- "$toolchains/$machine.none" 2>/dev/null) || true
        if [ ! -e "$toolchains/$machine/rule" ]; then say "no native compilers for $machine: ${reason##*"$newline"}"; fi
    done
    use
}

use() { use_toolchains; }

leave() { leave_toolchains; }

"$1"
