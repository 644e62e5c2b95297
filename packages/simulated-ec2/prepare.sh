#!/bin/sh
# Makes what the simulated EC2 needs, once, in a cache folder: moto, and the root file system of its machines. Prints
# where they are. SIM_PACKAGES: further Debian packages for the machines, separated by commas.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${SIM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/simulated-ec2}
suite=trixie
packages=systemd,systemd-sysv,dbus,libpam-systemd,curl,ca-certificates,openssl,python3-minimal,iproute2,iptables,git
packages=$packages,e2fsprogs,kmod,procps,gzip,libseccomp2,iputils-ping,util-linux,libfaketime${SIM_PACKAGES:+,$SIM_PACKAGES}

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
need python3 registry mmdebstrap systemd-nspawn iptables ip losetup mkfs.ext4 nsenter unshare
if [ -n "${missing:-}" ]; then
    say "missing:$missing (registry: https://distribution.github.io; Debian: mmdebstrap systemd-container iptables iproute2 e2fsprogs util-linux python3-venv)"
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
    ln -sf ../bin/aws "$venv/client/aws"
    : >"$venv/.done"
fi

# The certificate authority, which the root file system trusts
if [ ! -e "$cache/ca/ca.pem" ]; then
    PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -c \
        'import sys; from pathlib import Path; from simulation.certificates import Authority; Authority(Path(sys.argv[1]))' "$cache/ca"
fi

# The root file system
template=$cache/template-$suite-$(echo "$packages" | digest - "$cache/ca/ca.pem" "$0" "$here"/image/*)
if [ ! -e "$template/.done" ]; then
    say "making the machines' root file system (Debian $suite)"
    rm -rf "$template"
    mkdir -p "$template"
    # shellcheck disable=SC1091 # the machine's own description
    . /etc/os-release
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [ -s "$file" ] && break
    done
    sources=$template/debian.${file##*.}
    sed "s/$VERSION_CODENAME/$suite/g" "$file" >"$sources"
    mmdebstrap --quiet --variant=minbase --include="$packages" --format=directory "$suite" "$template/root" "$sources"
    root=$template/root
    install -D -m 755 "$here/image/user-data" "$root/usr/local/lib/simulation/user-data"
    for unit in cloud-final.service cloud-init.target; do
        install -m 644 "$here/image/$unit" "$root/usr/lib/systemd/system/$unit"
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
        sys-kernel-config.mount modprobe@.service e2scrub_reap.service; do
        ln -sf /dev/null "$units/$unit"
    done
    # What systemd does after an upgrade is done: it would rebuild caches at every first boot.
    touch "$root/etc/.updated" "$root/var/.updated"
    : >"$root/etc/machine-id"
    : >"$template/.done"
fi

cat <<END
cache=$cache
venv=$venv
template=$template/root
END
