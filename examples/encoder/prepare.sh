#!/bin/sh
# Makes what the example's two build contexts need and git does not hold: a Debian root file system with a compiler for
# each architecture, and the encoder's Debian source package. Both come from this machine's own apt sources.
#
#   prepare.sh [ARCHITECTURE...]     Debian's names; default: amd64 arm64
#   prepare.sh source                the source package only, for a base from a registry
#
#   NATIVE_BUILDX_CACHE   folder that keeps what was made, shared by all checkouts
#                         (default ${XDG_CACHE_HOME:-$HOME/.cache}/native-buildx/encoder; empty it to make all anew)
#   NATIVE_BUILDX_APT     apt's configuration folder that names the Debian archive (default /etc/apt)
#   NATIVE_BUILDX_PACKAGES more packages in the root file systems, with commas between them, such as g++ (default none)
#   NATIVE_BUILDX_SOURCE  another Debian source package in place of the encoder's, such as x264 (default lame)
#
# Runs again at no cost, may run twice at once, and may be interrupted at any point.
set -eu
umask 022
export LC_ALL=C

source_package=${NATIVE_BUILDX_SOURCE:-lame}
packages=gcc,libc6-dev,make,patch,xz-utils${NATIVE_BUILDX_PACKAGES:+,$NATIVE_BUILDX_PACKAGES}
# 2020-01-01, in every file's time that no package sets: the same packages make the same tar.
export SOURCE_DATE_EPOCH=1577836800

# Runs in the finished root ($1): what no build reads would only make the layer larger to push and to pull.
# shellcheck disable=SC2016 # $1 is for the hook
slim='cd "$1" && find usr/share/doc -type f ! -name copyright -delete && find usr/share/doc -type l -delete \
    && find usr/share/doc -depth -mindepth 1 -type d -empty -delete \
    && rm -rf usr/share/man/* usr/share/locale/* usr/share/info/* usr/bin/*lto-dump* usr/bin/*gprofng* \
        usr/lib/*/gprofng usr/lib/*/libgprofng* var/cache/ldconfig/aux-cache \
        var/lib/dpkg/*-old var/log/apt var/log/*.log etc/apt/sources.list etc/apt/sources.list.d/* \
        etc/dpkg/dpkg.cfg.d/99mmdebstrap etc/hostname etc/resolv.conf'

fail() {
    echo "prepare: $1" >&2
    exit 1
}

# Debian's own archive among the apt sources, as deb822 stanzas of type $2: the release that folder $1 names first, with
# its updates. Other people's archives end differently (.../linux/debian has no "main"), or name other suites.
debian_sources() {
    for file in "$1/sources.list" "$1"/sources.list.d/*.list "$1"/sources.list.d/*.sources; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done | while IFS= read -r file; do
        printf '# file %s\n' "${file##*.}"
        cat "$file"
        echo
    done | awk -v type="$2" '
        function wanted(uris, suites, components, key,    list, count, i, good, kept) {
            if (" " components " " !~ / main /) return
            count = split(uris, list, " ")
            for (i = 1; i <= count; i++)
                if (list[i] ~ /\/debian(-security)?\/*$/ || list[i] ~ /\/debian(-security)?\.list$/)
                    good = good " " list[i]
            if (good == "") return
            count = split(suites, list, " ")
            for (i = 1; i <= count; i++) {
                if (release == "") { release = list[i]; sub(/[-\/].*/, "", release) }
                if (list[i] == release || list[i] == release "-updates" || list[i] == release "-security")
                    kept = kept " " list[i]
            }
            if (kept == "") return
            printf "Types: %s\nURIs:%s\nSuites:%s\nComponents: main\n", type, good, kept
            if (key != "") print "Signed-By: " key
            print ""
        }
        function end_stanza() {
            if (" " field["types"] " " ~ / deb / && field["enabled"] !~ /^(no|false|off|without|disable)$/)
                wanted(field["uris"], field["suites"], field["components"], field["signed-by"])
            split("", field)
            name = ""
        }
        /^# file / { end_stanza(); style = $3; next }
        /^[ \t]*#/ { next }
        style == "sources" && /^[ \t]*$/ { end_stanza(); next }
        style == "sources" && /^[ \t]/ { field[name] = field[name] "\n" $0; next }
        style == "sources" {
            name = tolower(substr($0, 1, index($0, ":") - 1))
            value = substr($0, index($0, ":") + 1)
            gsub(/^[ \t]+|[ \t]+$/, "", value)
            field[name] = value
            next
        }
        $1 == "deb" {
            key = ""
            line = $0
            sub(/^[ \t]*deb[ \t]+/, "", line)
            if (line ~ /^\[/) {
                options = substr(line, 2, index(line, "]") - 2)
                line = substr(line, index(line, "]") + 1)
                count = split(options, list, " ")
                for (i = 1; i <= count; i++)
                    if (list[i] ~ /^signed-by=/) key = substr(list[i], 11)
            }
            split(line, word, " ")
            components = line
            sub(/^[ \t]*[^ \t]+[ \t]+[^ \t]+[ \t]*/, "", components)
            gsub(/[ \t]+/, " ", components)
            wanted(word[1], word[2], components, key)
        }
        END { end_stanza() }'
}

debootstrap() { # ARCHITECTURE MODE FOLDER: mmdebstrap into FOLDER/rootfs.tar
    # --variant=essential has no apt: without a network it would be of no use. The hook folder merges /usr at the start;
    # else the package usrmerge does it at the end and brings all of Perl (45 MB).
    TMPDIR=$3 mmdebstrap --mode="$2" --variant=essential --architectures="$1" --include="$packages" --format=tar \
        --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr --aptopt="$3/apt.conf" --customize-hook="$slim" \
        "$(sed -n '/^Suites:/{s/^Suites: *//;s/[- ].*//;p;q;}' "$3/debian.sources")" "$3/rootfs.tar" "$3/debian.sources"
}

# In a mount namespace of its own, with everything but FOLDER and /tmp read-only: packages are unpacked and configured
# by this machine's dpkg (DPKG_ROOT), none of their programs runs. For a foreign architecture that is five times as
# fast as emulating its dpkg, and the result is the same.
debootstrap_natively() { # ARCHITECTURE FOLDER
    mount --bind "$2" /mnt
    mount -t tmpfs -o mode=1777 tmpfs /tmp
    awk '$5 !~ "^/(proc|sys|dev|mnt|tmp)(/|$)" { print $5 }' /proc/self/mountinfo | sort -u | while IFS= read -r at; do
        mount -o remount,bind,ro "$at" || [ "$at" != / ]
    done
    cd /
    debootstrap "$1" chrootless /mnt
}

require_emulation() { # ARCHITECTURE
    if ! command -v arch-test >/dev/null; then
        fail "arch-test is missing. Run: ${sudo}apt-get install --yes arch-test qemu-user-static binfmt-support"
    fi
    arch-test "$1" >/dev/null 2>&1 || fail "this machine runs no $1 programs. Run: ${sudo}apt-get install --yes \
qemu-user-static binfmt-support && ${sudo}update-binfmts --enable"
}

# Runs in the background, one for each architecture. The result appears under its name when it is complete.
make_root() { # ARCHITECTURE FOLDER RESULT
    started=$(date +%s)
    made=
    if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
        if unshare --mount sh "$0" --natively "$1" "$2" >"$2/log" 2>&1; then
            made=yes
        else
            echo "prepare: $1: native dpkg could not make the root file system; trying again inside it"
            tail -n 3 "$2/log"
        fi
    fi
    if [ -z "$made" ]; then
        [ "$1" = "$(dpkg --print-architecture)" ] || require_emulation "$1"
        mode=root
        [ "$(id -u)" = 0 ] || mode=unshare
        if ! debootstrap "$1" "$mode" "$2" >"$2/log" 2>&1; then
            tail -n 15 "$2/log" >&2
            fail "mmdebstrap could not make the $1 root file system (its last lines are above)"
        fi
    fi
    chmod 644 "$2/rootfs.tar"
    mv -f "$2/rootfs.tar" "$3"
    megabytes=$(($(stat -c %s "$3") / 1000000))
    echo "prepare: $1 root file system made in $(($(date +%s) - started)) s, $megabytes MB"
}

fetch_source() { # FOLDER RESULT
    started=$(date +%s)
    mkdir -p "$1/lists/partial" "$1/archives/partial" "$1/sources" "$1/files"
    debian_sources "$apt" deb-src >"$1/sources/debian.sources"
    cat >"$1/apt.conf" <<END
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$1/sources";
Dir::State::lists "$1/lists";
Dir::Cache "$1";
APT::Sandbox::User "";
END
    (
        cd "$1/files"
        export APT_CONFIG="$1/apt.conf"
        apt-get update --error-on=any && apt-get source --download-only --only-source "$source_package"
    ) >"$1/log" 2>&1 || {
        tail -n 15 "$1/log" >&2
        fail "apt could not fetch the source package $source_package (its last lines are above)"
    }
    chmod 644 "$1"/files/*
    mv "$1/files" "$2"
    echo "prepare: source package $source_package fetched in $(($(date +%s) - started)) s"
}

# A hard link, or a copy where the cache is on another file system: a symbolic link would leave the build context.
place() { # FILE PLACE
    if [ -f "$2" ]; then
        [ "$(stat -c %d:%i "$1")" != "$(stat -c %d:%i "$2")" ] || return 0
        ! cmp -s "$1" "$2" || return 0
    fi
    mkdir -p "$(dirname "$2")"
    rm -f "$2.new"
    ln "$1" "$2.new" 2>/dev/null || cp "$1" "$2.new"
    chmod 644 "$2.new"
    mv -f "$2.new" "$2"
}

stop_children() {
    for child in $children; do
        kill -- "-$child" 2>/dev/null || true # each leads a process group of its own
    done
}

case ${1-} in
    --natively) debootstrap_natively "$2" "$3" && exit 0 || exit 1 ;;
    --root)
        sudo=$5
        make_root "$2" "$3" "$4"
        exit 0
        ;;
esac

sudo=
[ "$(id -u)" = 0 ] || sudo='sudo '
[ $# -gt 0 ] || set -- amd64 arm64
[ "$*" != source ] || shift
for architecture; do
    case $architecture in
        '' | *[!a-z0-9]*) fail "\"$architecture\" is no architecture: give Debian's names, such as amd64 or arm64" ;;
    esac
done
case $source_package in
    [!a-z0-9]* | *[!a-z0-9.+-]*) fail "NATIVE_BUILDX_SOURCE: \"$source_package\" is no source package: give a name such as x264" ;;
esac
case $packages in
    *[!a-z0-9.+,-]*) fail "NATIVE_BUILDX_PACKAGES: \"$NATIVE_BUILDX_PACKAGES\" is no list of packages: \
give names with commas, such as g++" ;;
esac
apt=${NATIVE_BUILDX_APT:-/etc/apt}
cache=${NATIVE_BUILDX_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/native-buildx/encoder}
example=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
script=$example/$(basename -- "$0")
if [ $# -gt 0 ]; then
    command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing. Run: ${sudo}apt-get install --yes mmdebstrap"
    if [ -n "$sudo" ] && ! { command -v newuidmap && unshare --user --map-root-user true; } >/dev/null 2>&1; then
        fail "only root can make a root file system on this machine. Run: sudo sh $script $*
  (or let users do it: sudo apt-get install --yes uidmap)"
    fi
fi
sources=$(debian_sources "$apt" deb)
[ -n "$sources" ] || fail "no source of Debian's archive in $apt/sources.list or $apt/sources.list.d. Set NATIVE_BUILDX_APT \
to a folder with a sources.list of this line, and leave this machine's own as they are:
  deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://MIRROR/debian bookworm main
  (the keys are in package debian-archive-keyring, which Ubuntu has too)"

mkdir -p "$cache"
cache=$(CDPATH='' cd -- "$cache" && pwd)
# Held to the end; the kernel lets it go whatever ends this script. Children do not inherit it (9>&-).
exec 9>"$cache/lock"
flock --nonblock 9 || {
    echo "prepare: another one is at work in $cache: waiting for it"
    flock 9
}
rm -rf "$cache"/making.* # of an interrupted run
work=$(mktemp -d "$cache/making.XXXXXX")
chmod 755 "$work"
children=
trap 'stop_children; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What was made from another recipe or other sources has another name.
recipe=$(printf '%s\n' "$packages" "$slim" "$SOURCE_DATE_EPOCH" "$sources" | sha256sum | cut -c 1-12)
source=$cache/$source_package-$(printf '%s\n' "$sources" | sha256sum | cut -c 1-12)

for architecture; do
    root=$cache/rootfs-$architecture-$recipe.tar
    if [ -f "$root" ] || [ -d "$work/$architecture" ]; then continue; fi
    mkdir "$work/$architecture"
    printf '%s\n' "$sources" >"$work/$architecture/debian.sources"
    # The machine's proxies and the like: mmdebstrap starts from an empty apt configuration.
    {
        echo 'APT::Install-Recommends "false";'
        apt-config dump | grep -E '^Acquire::(https?::|Retries |ForceIPv|Check-)' || true
    } >"$work/$architecture/apt.conf"
    setsid sh "$script" --root "$architecture" "$work/$architecture" "$root" "$sudo" 9>&- &
    children="$children $!"
done
if [ ! -d "$source" ]; then
    mkdir "$work/source"
    fetch_source "$work/source" "$source" 9>&-
fi
for child in $children; do
    wait "$child" || exit 1
done
children=

for architecture; do
    place "$cache/rootfs-$architecture-$recipe.tar" "$example/base/$architecture/rootfs.tar"
done
for file in "$example"/app/source/*; do
    [ -f "$source/${file##*/}" ] || rm -f "$file" # of another version
done
for file in "$source"/*; do
    place "$file" "$example/app/source/${file##*/}"
done
echo "prepare: in place: ${*:+root file systems ($*), }source package $source_package"
