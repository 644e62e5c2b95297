#!/bin/sh
# Makes what the simulated EC2 needs, once, in a cache folder: moto, BuildKit's release archive of our own build, and
# the root file system of its machines. Prints nothing when all is there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
PATH=$here/../../tools/bin:$PATH
cache=${SIM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/native-buildx/ec2}
suite=trixie
version=v0.31.1
# What the bootstrap wants and Debian's cloud image may lack (git, iptables) is in the image: see README.md.
packages=systemd,systemd-sysv,dbus,libpam-systemd,curl,ca-certificates,openssl,python3-minimal,iproute2,iptables,git
packages=$packages,e2fsprogs,kmod,procps,gzip,libseccomp2,iputils-ping,util-linux,libfaketime

say() {
    echo "prepare: $*" >&2
}

digest() {
    cat "$@" | sha256sum | cut -c 1-16
}

need() {
    for program; do
        command -v "$program" >/dev/null || missing="${missing:-} $program"
    done
}

[ "$(id -u)" = 0 ] || { say "the simulation boots machines and needs root"; exit 1; }
need python3 go buildkitd buildctl registry pulumi mmdebstrap systemd-nspawn iptables ip losetup mkfs.ext4 nsenter unshare
if [ -n "${missing:-}" ]; then
    say "missing:$missing (tools/setup.sh --check brings buildkitd, registry, pulumi; Debian: mmdebstrap systemd-container iptables iproute2 e2fsprogs util-linux python3-venv)"
    exit 1
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

# moto, and the AWS command line
venv=$cache/venv-$(digest "$here/requirements.txt")
if [ ! -e "$venv/.done" ]; then
    say "installing moto and the AWS command line"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    # In a folder of its own: the rest of the environment must not come before the machine's programs.
    mkdir -p "$venv/client"
    ln -s ../bin/aws "$venv/client/aws"
    : >"$venv/.done"
fi

# The certificate authority, which the root file system trusts
if [ ! -e "$cache/ca/ca.pem" ]; then
    PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -c \
        'import sys; from pathlib import Path; from simulation.certificates import Authority; Authority(Path(sys.argv[1]))' "$cache/ca"
fi

# The root file system
template=$cache/template-$suite-$(echo "$packages" | digest - "$cache/ca/ca.pem" "$here"/simulation/machine/*)
if [ ! -e "$template/.done" ]; then
    say "making the machines' root file system (Debian $suite)"
    mkdir -p "$template"
    # shellcheck disable=SC1091 # the machine's own description
    . /etc/os-release
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [ -s "$file" ] && break
    done
    sources=$template/debian.${file##*.}
    sed "s/$VERSION_CODENAME/$suite/g" "$file" >"$sources"
    # shellcheck disable=SC2016 # mmdebstrap expands it
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --customize-hook='mkdir "$1/../runc" && cd "$1/../runc" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq download runc && dpkg-deb -x runc_*.deb .' \
        --format=directory "$suite" "$template/root" "$sources"
    root=$template/root
    install -D -m 755 "$here/simulation/machine/user-data" "$root/usr/local/lib/simulation/user-data"
    for unit in cloud-final.service cloud-init.target; do
        install -m 644 "$here/simulation/machine/$unit" "$root/usr/lib/systemd/system/$unit"
    done
    install -D -m 644 "$cache/ca/ca.pem" "$root/usr/local/share/ca-certificates/simulation.crt"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
    units=$root/etc/systemd/system
    mkdir -p "$units/cloud-init.target.wants" "$units/multi-user.target.wants"
    ln -s /usr/lib/systemd/system/cloud-final.service "$units/cloud-init.target.wants/"
    ln -s /usr/lib/systemd/system/cloud-init.target "$units/multi-user.target.wants/"
    # These act on the kernel, which is this machine's, or on nothing at all.
    for unit in systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service systemd-random-seed.service \
        console-getty.service getty.target apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer \
        proc-sys-fs-binfmt_misc.automount dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
        sys-kernel-config.mount; do
        ln -sf /dev/null "$units/$unit"
    done
    : >"$root/etc/machine-id"
    : >"$template/.done"
fi

# BuildKit's release archive
downloads=$cache/downloads
stamp=$version-$(digest "$here/tools/go.mod" "$here/tools/go.sum" "$(command -v buildkitd)" "$(command -v buildctl)" "$template/runc/usr/sbin/runc")
if [ "$(cat "$downloads/.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "packing BuildKit $version"
    rm -rf "$downloads" "$cache/archive"
    mkdir -p "$downloads" "$cache/archive/bin"
    for plugin in ipam/host-local main/bridge main/loopback meta/firewall; do
        (cd "$here/tools" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' \
            -o "$cache/archive/bin/buildkit-cni-${plugin#*/}" "github.com/containernetworking/plugins/plugins/$plugin")
    done
    cp "$(command -v buildkitd)" "$(command -v buildctl)" "$cache/archive/bin/"
    cp "$template/runc/usr/sbin/runc" "$cache/archive/bin/buildkit-runc"
    # The arm64 machines of the simulation are this machine's kernel and so run its programs; only their names differ.
    archive=$downloads/buildkit-$version.linux
    tar -C "$cache/archive" --owner=0 --group=0 --sort=name --mtime=@0 -cf - bin | gzip -1n >"$archive-amd64.tar.gz"
    ln "$archive-amd64.tar.gz" "$archive-arm64.tar.gz"
    rm -rf "$cache/archive"
    echo "$stamp" >"$downloads/.stamp"
fi

cat <<EOF
cache=$cache
venv=$venv
template=$template/root
EOF
