#!/bin/sh
# Installs what is installed once: packages that the image lacks, and BuildKit. The marker at the end keeps the unit from
# running again; after a boot that was interrupted, or had no network, the next start tries again.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"

missing=
for tool in curl:curl openssl:openssl iptables:iptables git:git mkfs.ext4:e2fsprogs blkid:util-linux ss:iproute2; do
    command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
if [ -n "$missing" ]; then
    say "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q -o DPkg::Lock::Timeout=300 update
    # shellcheck disable=SC2086 # a list of names
    apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends ca-certificates $missing
fi

archive=$(mktemp "${TMPDIR:-/var/tmp}/buildkit.XXXXXX")
trap 'rm -f "$archive"' EXIT
say "downloading $buildkit_url"
curl -fsSL --retry 5 --retry-all-errors --retry-delay 2 --connect-timeout 10 -o "$archive" "$buildkit_url" ||
    fail "could not download BuildKit from $buildkit_url: this runner will not serve"
actual=$(sha256sum <"$archive")
actual=${actual%% *}
[ "$actual" = "$buildkit_sha256" ] ||
    fail "BuildKit's archive $buildkit_url has SHA-256 $actual, not $buildkit_sha256 as configured: refused, this runner will not serve"
tar -xzf "$archive" -C "$prefix" --no-same-owner
# Under the names that a network configuration uses.
mkdir -p "$cni_directory"
for plugin in bridge firewall host-local loopback; do
    ln -sf "$prefix/bin/buildkit-cni-$plugin" "$cni_directory/$plugin"
done

mkdir -p "${installed_marker%/*}"
: >"$installed_marker"
say "BuildKit installed"
