#!/bin/sh
# Sets up everything the project needs on this machine: Debian packages, the command-line tools of tools/go.mod, npm
# packages, emulation of other architectures, the registry's host name. What is there already is left alone, so
# running it again takes a second.
#
#     tools/setup.sh            all of it
#     tools/setup.sh --check    also what only `make test` and `make check` need (shells, the simulated EC2)
#     tools/setup.sh --kubernetes    also what only `make test-kubernetes` needs (what a node runs)
set -eu
umask 022
CDPATH='' cd "$(dirname "$0")/.."

# shellcheck source=tools/env.sh
. ./tools/env.sh
registry_host=registry.native-buildx.internal
# Some machines keep administrators' programs off a user's PATH.
PATH=$PATH:/usr/sbin:/sbin

main() {
    ask_for_programs
    install_packages "$@"
    build_tools
    install_node_packages
    register_emulators
    make_toolchains
    if [ "${1:-}" = --check ]; then
        build_for_tests cosign tests/ci/cosign github.com/sigstore/cosign/v3 cmd/cosign
        build_for_tests docker-compose tests/e2e/compose github.com/docker/compose/v5 cmd
        make_cluster
    fi
    name_registry
}

say() { printf '%s\n' "setup: $*" >&2; }
die() {
    say "$@"
    exit 1
}

# The option: what is set up besides.
checks=${1:-}

# emulators: of which machines programs run through QEMU here: of components/architecture.ts those that are built where
# nothing is said and those that a stack's configuration names, with --check all; but not this machine's own, nor what a
# 64-bit machine runs itself.
emulators() {
    named=$(cat Pulumi.*.yaml ./*/Pulumi.*.yaml 2>/dev/null) awk -F '"' -v own="qemu-$(uname -m)" -v every="$checks" '
        /^        platform: / { platform = $2; platforms[++count] = platform }
        /^        thirtyTwoBitOf: / { wide[platform] = $2 }
        /^        binfmt: / { binfmt[platform] = $2 }
        /^        isDefault: true/ { every_stack[platform] = 1 }
        END {
            for (at = 1; at <= count; at++) {
                platform = platforms[at]
                if (binfmt[platform] == own) continue
                if (binfmt[wide[platform]] == own && system("setarch linux32 true 2>/dev/null") == 0) continue
                if (every == "--check" || every_stack[platform] || index(ENVIRON["named"], platform)) print substr(binfmt[platform], 6)
            }
        }' components/architecture.ts
}

# Each Debian package, and the program or file that shows that it is installed.
packages="
runc               runc
iproute2           ip
mmdebstrap         mmdebstrap
arch-test          arch-test
qemu-user-static   qemu-$(emulators | head -n 1)-static
util-linux         flock
openssl            openssl
gcc                gcc
libc6-dev          /usr/include/stdio.h
"
packages_for_checks='
shellcheck         shellcheck
busybox            busybox
dash               dash
systemd-container  systemd-nspawn
iptables           iptables
e2fsprogs          mkfs.ext4
python3-venv       python3
'
packages_for_kubernetes='
containerd                   containerd
containernetworking-plugins  /usr/lib/cni/bridge
iptables                     iptables
'
# A cross compiler: a test makes the toolchain of an ARM machine (makeDispatcher.test.ts).
packages_of_another_machine='
gcc-aarch64-linux-gnu  aarch64-linux-gnu-gcc
libc6-dev-arm64-cross  /usr/aarch64-linux-gnu/include/stdio.h
'
# What local runners need for a user who is not root, as in a test.
packages_without_root='
rootlesskit        rootlesskit
uidmap             newuidmap
'

install_packages() {
    table=$packages
    if [ "${1:-}" = --check ]; then table=$table$packages_for_checks; fi
    if [ "${1:-}" = --kubernetes ]; then table=$table$packages_for_kubernetes; fi
    if [ "${1:-} $(uname -m)" = '--check x86_64' ]; then table=$table$packages_of_another_machine; fi
    if [ "${1:-}" = --check ] || [ "$(id -u)" != 0 ]; then table=$table$packages_without_root; fi
    missing=$(printf '%s\n' "$table" | while read -r package program; do
        if [ -n "$package" ] && ! command -v "$program" >/dev/null && [ ! -e "$program" ]; then printf ' %s' "$package"; fi
    done)
    if [ -z "$missing" ]; then return; fi
    # Debian 13 moved the emulators to another package.
    if ! command -v apt-get >/dev/null; then die "please install:$missing"; fi
    if [ "$(id -u)" != 0 ]; then
        die "missing Debian packages. Please run: sudo apt-get install --no-install-recommends$missing"
    fi
    say "installing Debian packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || say "apt-get update had errors; trying with the lists at hand"
    # shellcheck disable=SC2086 # a list of names
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# ask_for_programs: what this script does not install is asked for at once, and not after minutes of other work. Sets `needed`: the
# tools that have to be built.
ask_for_programs() {
    needed=$(needed_tools)
    wanted=$(
        new_enough 'node --version' 20.0.0 || echo 'Node 20 or newer: https://nodejs.org/'
        command -v npm >/dev/null || echo 'npm, which comes with Node, or: apt-get install npm'
        if [ -n "$needed" ] && ! tools_are_built; then needed_go; fi
    )
    if [ -n "$wanted" ]; then
        die "please install, and run this again:
$wanted"
    fi
}

# needed_go: prints what is wrong with Go, if anything is. A version before 1.21 says no more of a newer one than that it is invalid.
needed_go() {
    wanted_go=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' tools/go.mod)
    if reason=$(CDPATH='' cd tools && go mod edit -json 2>&1 >/dev/null); then return; fi
    echo "Go $wanted_go or newer, to build the tools once: https://go.dev/doc/install"
    if command -v go >/dev/null; then echo "    ($(go env GOVERSION) says: $(printf '%s\n' "$reason" | tail -n 1))"; fi
}

# new_enough COMMAND WANTED: true if the version that COMMAND prints is at least WANTED.
new_enough() {
    found=$(sh -c "$1" 2>/dev/null | sed -n 's/^/ /; s/.*[^0-9]\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1)
    [ -n "$found" ] && [ "$(printf '%s\n%s\n' "$2" "$found" | sort -V | head -n 1)" = "$2" ]
}

# module_version MODULE: prints the version in tools/go.mod.
module_version() { sed -n "s|^\\s*$1 v\\([^ ]*\\).*|\\1|p" tools/go.mod | head -n 1; }

# Tools found on PATH (outside tools/bin) that are at least this new are used as they are, but not by tests, which speak to the
# versions of tools/go.mod.
found_on_path() {
    if [ "$checks" = --check ] && [ "$1" != docker ]; then return 1; fi
    PATH=$(printf '%s' "$PATH" | sed "s|$(pwd -P)/tools/bin:||")
    case $1 in
        docker) command -v docker >/dev/null ;;
        pulumi) new_enough 'pulumi version' 3.220.0 ;;
        # A plugin of the user's own may be a link to another checkout's: see connect.sh.
        # podman, which may be called docker, prints a version of its own.
        buildx)
            new_enough 'DOCKER_CONFIG=/nonexistent docker buildx version | grep github.com/docker/buildx' 0.30.0 ||
                new_enough 'buildx version' 0.30.0
            ;;
        buildkitd) new_enough 'buildkitd --version' 0.26.0 ;;
        buildctl) new_enough 'buildctl --version' 0.26.0 ;;
        registry) new_enough 'registry --version' 3.0.0 ;;
        crane) new_enough 'crane version' 0.20.0 ;;
        *) false ;;
    esac
}

# needed_tools: those of tools/go.mod that are not on PATH. What was installed since comes first, so ours goes.
needed_tools() {
    # shellcheck disable=SC2013 # import paths have no spaces
    for package in $(sed -n '/^tool (/,/^)/s/^\t//p' tools/go.mod); do
        tool=${package##*/}
        if ( found_on_path "$tool" ); then rm -f "tools/bin/$tool"; else printf ' %s' "$package"; fi
    done
}

# tools_are_built: true if those that are needed were built of what tools/go.mod has now. $stamp says which these are.
tools_are_built() {
    stamp=$(cat tools/go.mod tools/go.sum | cksum; echo "$needed")
    [ "$(cat tools/bin/.stamp 2>/dev/null)" = "$stamp" ]
}

build_tools() {
    mkdir -p tools/bin
    if ( found_on_path docker ); then rm -f tools/bin/docker; else ln -sf ../docker-buildx-only tools/bin/docker; fi
    if tools_are_built; then return; fi
    if [ -n "$needed" ]; then
        pulumi_version=$(module_version github.com/pulumi/pulumi/pkg/v3)
        versions="-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$pulumi_version"
        versions="$versions -X github.com/docker/buildx/version.Version=v$(module_version github.com/docker/buildx)"
        versions="$versions -X github.com/moby/buildkit/version.Version=v$(module_version github.com/moby/buildkit)"
        # One tool after another: progress can be seen, and what is built is kept when it is interrupted.
        for package in $needed; do
            say "building ${package##*/} (once; the first tools take some minutes)"
            (CDPATH='' cd tools && CGO_ENABLED=0 go build -trimpath -o bin/ -ldflags "-s -w $versions" "$package")
        done
    fi
    # Pulumi looks in its own folder first, and warns of plugins that it finds on PATH.
    rm -f tools/bin/pulumi-language-nodejs
    if [ -e tools/bin/pulumi ]; then ln -s ../node-host/pulumi-language-nodejs tools/bin/; fi
    printf '%s\n' "$stamp" >tools/bin/.stamp
}

# build_for_tests NAME FOLDER MODULE PACKAGE: a program that only tests need, of the version in FOLDER/go.mod. It is kept
# outside of the checkout, because it takes minutes to build.
build_for_tests() {
    version=$(sed -n "s|.*$3 \(v[^ ]*\).*|\1|p" "$2/go.mod" | head -n 1)
    program=${XDG_CACHE_HOME:-$HOME/.cache}/native-buildx/$1-$version
    if [ -x "$program" ]; then return; fi
    say "building $1 for the tests (once; some minutes)"
    mkdir -p "${program%/*}"
    if (CDPATH='' cd "$2" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$program.$$" "$3/$4"); then
        mv "$program.$$" "$program"
    else
        say "$1 could not be built: the tests that need it will skip themselves"
    fi
}

# What local runners emulate with at native speed: see docs/emulation.md.
make_toolchains() {
    for foreign in $(emulators); do
        sh components/runner/emulation/makeToolchain.sh "$foreign" "$NATIVE_BUILDX_HOME/toolchains"
    done
}

# What the runners of a test's compile cluster are made of, for compilers of this machine's own release.
make_cluster() {
    if [ "$(uname -m)" != x86_64 ]; then return; fi
    # shellcheck source=/dev/null
    own_release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    toolchains=$NATIVE_BUILDX_HOME/toolchains
    { sh components/runner/cluster/makeCluster.sh "$toolchains" 'x86_64 aarch64' 'x86_64 aarch64' "$own_release" &&
        sh tests/e2e/compileCluster/makeArmNode.sh "$toolchains" "$own_release"; } ||
        say "there are no environments for a compile cluster: the tests that need them will skip themselves"
}

install_node_packages() {
    if [ -n "$(find node_modules/.package-lock.json -newer package-lock.json 2>/dev/null)" ]; then return; fi
    say "installing npm packages"
    # Not `npm ci`: it gives up where a registry mirror lacks the optional package of some other operating system. The
    # versions are the lock file's all the same, and it is left as it is. Without scripts of packages: none is needed, and
    # that of @pulumi/kubernetes downloads a plugin of which few have a use.
    npm install --no-save --ignore-scripts --loglevel=error --no-fund --no-audit >/dev/null
}

# The kernel runs programs of other architectures through QEMU. Flag F opens the emulator at registration, so that it is
# found inside build containers too.
register_emulators() {
    for foreign in $(emulators); do register_emulator; done
}

register_emulator() {
    misc=/proc/sys/fs/binfmt_misc
    if grep -qs '^flags:.*F' "$misc/qemu-$foreign"; then return; fi
    if [ "$(id -u)" != 0 ]; then
        say "no QEMU registration for $foreign, whose platform cannot be built until you run: sudo $PWD/tools/setup.sh"
        return
    fi
    if [ ! -e "$misc/register" ]; then mount -t binfmt_misc binfmt_misc "$misc" || true; fi
    if [ ! -e "$misc/register" ]; then
        say "this kernel has no binfmt_misc: programs of $foreign cannot run, and its platform is left out or refused"
        return
    fi
    for rule in "/usr/lib/binfmt.d/qemu-$foreign.conf" /usr/share/qemu/binfmt.d/"qemu-$foreign.conf"; do
        if [ ! -e "$rule" ]; then continue; fi
        say "registering QEMU for $foreign"
        if [ -e "$misc/qemu-$foreign" ]; then echo -1 >"$misc/qemu-$foreign"; fi
        grep '^:' "$rule" >"$misc/register"
        return
    done
    say "QEMU for $foreign has no rule in /usr/lib/binfmt.d: is package qemu-user-static (Debian 12) or qemu-user-binfmt (13) installed?"
}

# The local registry goes by a host name that leads to this machine only (see docs/runner-decisions.md).
name_registry() {
    if getent hosts "$registry_host" >/dev/null; then return; fi
    line="127.0.0.1 $registry_host"
    if [ "$(id -u)" = 0 ]; then
        say "adding '$line' to /etc/hosts"
        printf '%s\n' "$line" >>/etc/hosts
    else
        say "please run once: echo '$line' | sudo tee -a /etc/hosts"
    fi
}

main "$@"
