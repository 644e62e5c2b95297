#!/bin/sh
# Makes the images that the cluster's nodes have, as archives in FOLDER: nothing can be pulled. FOLDER/names says what
# they are called.
#
#   make.sh FOLDER
#
#   buildkit   BuildKit, at the places of its released image: its programs in /usr/bin, busybox's commands, iptables and
#              openssl. It has no git and no ssh
#   pause      what holds a pod's namespaces
#
# BuildKit's image trusts an authority whose certificate and key are registry-ca.pem and registry-ca.key in FOLDER: a
# registry of a test has a certificate that it knows, as public registries have.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The same files make the same image.
export SOURCE_DATE_EPOCH=1577836800

# Busybox, iptables, openssl, what runc is linked with, and the libraries that they need, of this machine's release.
debian_root() { # ROOT
    # shellcheck disable=SC1091 # the machine's own description
    . /etc/os-release
    for sources in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        if [ -s "$sources" ]; then break; fi
    done
    mmdebstrap --quiet --variant=extract --include=busybox-static,iptables,openssl,libseccomp2 --format=directory \
        --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr "$VERSION_CODENAME" "$1" "$sources"
    (cd "$1" && rm -rf usr/share var/lib/apt var/cache var/lib/dpkg dev etc/apt)
    mkdir -p "$1/dev" "$1/proc" "$1/sys" "$1/tmp" "$1/root"
    chmod 1777 "$1/tmp"
    for command in $("$1/bin/busybox" --list); do
        if [ ! -e "$1/bin/$command" ] && [ ! -L "$1/bin/$command" ]; then ln -s busybox "$1/bin/$command"; fi
    done
    for command in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
        ln -sf xtables-nft-multi "$1/usr/sbin/$command"
    done
    echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"
    echo root:x:0: >"$1/etc/group"
}

blob() { # FILE: into the layout; prints its digest
    digest=$(sha256sum "$1")
    digest=${digest%% *}
    mv "$1" "$work/layout/blobs/sha256/$digest"
    echo "$digest"
}

descriptor() { # MEDIA_TYPE DIGEST
    size=$(stat -c %s "$work/layout/blobs/sha256/$2")
    printf '"mediaType": "application/vnd.oci.image.%s", "digest": "sha256:%s", "size": %s' "$1" "$2" "$size"
}

# An OCI image of one layer in an archive, and its name by digest in `names`.
pack() { # NAME ROOT CONFIGURATION
    image=images.native-buildx.test/$1
    rm -rf "$work/layout"
    mkdir -p "$work/layout/blobs/sha256"
    tar -C "$2" --owner=0 --group=0 --numeric-owner --sort=name --mtime=@$SOURCE_DATE_EPOCH -cf "$work/file" .
    layer=$(blob "$work/file")
    printf '{"architecture": "amd64", "os": "linux", "config": {%s}, "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' \
        "$3" "$layer" >"$work/file"
    config=$(blob "$work/file")
    printf '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {%s}, "layers": [{%s}]}' \
        "$(descriptor config.v1+json "$config")" "$(descriptor layer.v1.tar "$layer")" >"$work/file"
    manifest=$(blob "$work/file")
    printf '{"schemaVersion": 2, "manifests": [{%s, "annotations": {"io.containerd.image.name": "%s:test"}}]}' \
        "$(descriptor manifest.v1+json "$manifest")" "$image" >"$work/layout/index.json"
    echo '{"imageLayoutVersion": "1.0.0"}' >"$work/layout/oci-layout"
    tar -C "$work/layout" -cf "$folder/$1.tar" .
    echo "$(echo "$1" | tr '[:lower:]' '[:upper:]')_IMAGE=$image@sha256:$manifest" >>"$folder/names"
}

mkdir -p "$folder"
debian_root "$work/buildkit"
for archive in "$("$here/../../ec2/buildkit/pack.sh")"/*-amd64.tar.gz; do tar -C "$work/buildkit/usr" -xzf "$archive"; done
(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=registries of tests" \
    -keyout "$folder/registry-ca.key" -out "$folder/registry-ca.pem" 2>/dev/null)
mkdir -p "$work/buildkit/etc/ssl/certs" "$work/pause/bin"
install -m 644 "$folder/registry-ca.pem" "$work/buildkit/etc/ssl/certs/ca-certificates.crt"
cp "$work/buildkit/bin/busybox" "$work/pause/bin/"
path='"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]'
pack buildkit "$work/buildkit" "$path, \"Entrypoint\": [\"buildkitd\"]"
pack pause "$work/pause" '"Entrypoint": ["/bin/busybox", "sleep", "2147483647"]'
