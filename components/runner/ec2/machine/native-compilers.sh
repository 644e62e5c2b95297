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
# shellcheck source=components/runner/ec2/machine/instance-role.sh
. "$lib/instance-role.sh"
cd "$lib"
# shellcheck disable=SC2034 # emulation.sh reads it
read -r registrant <"${machine_id:-/etc/machine-id}"

packages() { apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }

# The recipe, out of parameters: user data has no room for it.
fetch_recipe() {
    if [ -e "$toolchain_recipe/complete" ]; then return; fi
    if ! credentials; then return 1; fi
    for parameter in $recipe_parameters; do
        signed | curl -sS --fail-with-body -m 10 -K - --aws-sigv4 "aws:amz:$region:ssm" \
            -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AmazonSSM.GetParameter' \
            -d "{\"Name\":\"$parameter\"}" "$ssm_endpoint/" | field Value
    done | base64 -d | gzip -d >"$toolchains/recipe"
    if [ "$(sha256sum <"$toolchains/recipe")" != "$recipe_sha256  -" ]; then
        echo "$recipe_parameters: not what this runner was made with"
        return 1
    fi
    sh "$toolchains/recipe" && : >"$toolchain_recipe/complete"
}

# What makes the dispatcher, and the lists of packages that the twins are looked for in.
install_compiler() {
    if [ -z "${updated:-}" ]; then packages update || true; fi
    updated=yes
    if command -v gcc >/dev/null && [ -e /usr/include/stdio.h ]; then return; fi
    DEBIAN_FRONTEND=noninteractive packages -y install --no-install-recommends gcc libc6-dev
}

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
        { fetch_recipe && install_compiler && toolchain "$machine"; } >"$log" 2>&1 || true
        # What makeToolchain.sh has said once it does not say again, and keeps.
        reason=$(tail -n 1 "$log" && cut -s -d ' ' -f 2- "$toolchains/$machine.none" 2>/dev/null) || true
        if [ ! -e "$toolchains/$machine/rule" ]; then say "no native compilers for $machine: ${reason##*"$newline"}"; fi
    done
    use
}

use() { use_toolchains; }

leave() { leave_toolchains; }

"$1"
