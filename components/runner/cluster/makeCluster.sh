#!/bin/sh
# Makes what a runner needs for the compile cluster: icecream's programs with their own loader and libraries, what a build step
# compiles with, and the environments that other runners compile in: the very compilers of the step, for each machine that helps.
#
#   makeCluster.sh FOLDER ORIGINALS HELPERS [RELEASES]
#
# ORIGINALS and HELPERS are machines as QEMU names them, such as "aarch64" and "x86_64 aarch64": whose steps this machine runs, and
# what the cluster's runners are. RELEASES: of Debian (default: all of the table).
#
# The result is FOLDER/compile-cluster: engine/ for cluster.sh, steps/ for build steps (clusterFront.c says what is in it). It
# knows the compilers of twins.tsv, out of the packages of their releases. Runs again at no cost, may run twice at once, and may
# be interrupted at any point. Nothing is installed. What cannot be had is left out, and is tried again a day later.
set -eu
umask 022
export LC_ALL=C
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
emulation=$here
if [ ! -e "$emulation/archives.sh" ]; then emulation=$here/../emulation; fi
table=$emulation/twins.tsv
folder=$1 originals=$2 helpers=$3 releases=${4:-}
# shellcheck source=components/runner/emulation/archives.sh disable=SC1091
. "$emulation/archives.sh"

say() { printf '%s\n' "compile cluster: $*" >&2; }

for program in gcc apt-get dpkg-deb flock gzip; do
    if ! command -v "$program" >/dev/null; then
        say "$program is missing: this machine is no part of it"
        exit 1
    fi
done
mkdir -p "$folder"
folder=$(CDPATH='' cd -- "$folder" && pwd)
exec 9>"$folder/compile-cluster.lock"
flock 9
recipe="$(cat "$here"/makeCluster.sh "$here"/[ac]*.[ch] "$emulation"/archives.sh "$emulation"/identity.h "$emulation"/sourceOptions.h "$emulation"/step.h "$emulation"/toolchain.h "$table" | sha256sum | cut -c 1-16) $originals, $helpers, $releases"
if [ "$(cat "$folder/compile-cluster/recipe" 2>/dev/null)" = "$recipe" ] &&
    [ -z "$(find "$folder/compile-cluster/incomplete" -mtime +0 2>/dev/null)" ]; then
    exit 0
fi
say "making the environments of $originals for $helpers"
rm -rf "$folder"/compile-cluster.making.*
work=$(mktemp -d "$folder/compile-cluster.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
made=$work/made steps=$work/made/steps
mkdir -p "$made/engine" "$steps/bin" "$steps/client" "$steps/known" "$steps/environments" "$steps/run"
runs_on=$(uname -m)
# Of an environment, as the table calls them.
programs='gcc g++ cc1 cc1plus as'

missing() {
    say "$*"
    echo "$*" >>"$made/incomplete"
}

# of_machine MACHINE FIELD: 3 is the triplet, 4 the distribution's name.
of_machine() { facts machine "$1" | cut -f "$(($2 - 1))"; }

# archive_of RELEASE MACHINE: prints the folder of the packages' lists.
archive_of() {
    if kept_archive "$work" "$1" "$(of_machine "$2" 4)"; then return; fi
    echo "$1 for $2" >>"$made/incomplete"
    return 1
}

# unpack FOLDER ARCHIVE PACKAGE...
unpack() {
    unpacked=$1 from_archive=$2
    shift 2
    rm -rf "$work/packages"
    mkdir -p "$work/packages" "$unpacked"
    cd "$work/packages"
    download_packages "$from_archive" "$@" || say "some packages could not be downloaded: $(tail -n 1 "$from_archive/log")"
    for file in *.deb; do
        if [ -e "$file" ]; then dpkg-deb -x "$file" "$unpacked"; fi
    done
    cd "$here"
}

# existing ARCHIVE PACKAGE...: those that the archive has.
existing() {
    in_archive=$1
    shift
    { within_archive "$in_archive" apt-cache show "$@" 2>/dev/null || true; } | sed -n 's/^Package: //p' | sort -u | tr '\n' ' '
}

# libraries_of ARCHIVE PACKAGE...: the packages of libraries that they need.
libraries_of() { with_dependencies "$@" | grep -E '^(lib|zlib)' | grep -v -e '-dev$' -e 'san[0-9]*$' | tr '\n' ' '; }

# copy_libraries ROOT LOADER LIBRARIES PROGRAM...: the loader, and all that the programs need. False where any is missing.
copy_libraries() {
    tree=$1 to_loader=$2 to=$3
    shift 3
    mkdir -p "${to_loader%/*}" "$to"
    # The loader is found by a link too, which may lead to this machine's own.
    find "$tree" -type f -name 'ld-linux*.so*' -exec cp {} "$to_loader" \;
    if [ ! -e "$to_loader" ]; then return 1; fi
    while :; do
        readelf -d "$@" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u >"$work/needed"
        set --
        while IFS= read -r library; do
            if [ -e "$to/$library" ]; then continue; fi
            case $library in ld-linux*) continue ;; esac
            found=$(find "$tree/lib/" "$tree/usr/lib/" -mindepth 2 -maxdepth 2 -name "$library" 2>/dev/null | head -n 1)
            if [ -z "$found" ] || ! cp -L "$found" "$to/$library"; then return 1; fi
            set -- "$@" "$to/$library"
        done <"$work/needed"
        if [ $# = 0 ]; then return; fi
    done
}

build() { gcc -O2 -Wall -Wextra -I "$here" -I "$emulation" "$@"; }

# False where anything of it cannot be had.
make_engine() {
    for release in $releases; do
        if archive=$(archive_of "$release" "$runs_on"); then
            # shellcheck disable=SC2046 # names
            unpack "$work/icecc" "$archive" icecc $(libraries_of "$archive" icecc)
        fi
        if [ -e "$work/icecc/usr/sbin/iceccd" ]; then break; fi
    done
    cp "$work/icecc/usr/sbin/iceccd" "$work/icecc/usr/sbin/icecc-scheduler" "$made/engine/" &&
        copy_libraries "$work/icecc" "$made/engine/loader" "$made/engine/lib" "$made/engine/iceccd" "$made/engine/icecc-scheduler" &&
        cp "$work/icecc/usr/bin/icecc" "$steps/client/" &&
        copy_libraries "$work/icecc" "$steps/client/loader" "$steps/client/lib" "$steps/client/icecc" &&
        build -shared -fPIC -o "$steps/client/client.so" "$here/clusterClient.c" &&
        build -static -o "$made/engine/answers" "$here/answers.c" &&
        build -DMACHINE=0 -DNAME='""' -static -o "$steps/bin/gcc" "$here/clusterFront.c" &&
        for name in g++ cc c++; do ln "$steps/bin/gcc" "$steps/bin/$name" || return; done
}

# row RELEASE ORIGINAL PROGRAM FIELD: of the table; 4 is the identity, 5 the version.
row() {
    awk -F '\t' -v machine="$2" -v release="$1" -v program="$3" -v field="$4" \
        '$1 == machine && $2 == release && $3 == program { print $field }' "$table"
}

# is_complete RELEASE ORIGINAL: the table has all of its programs. (An assembler of 32 bits has no twin.)
is_complete() {
    for program in $programs; do
        if [ -z "$(row "$1" "$2" "$program" 5)" ]; then return 1; fi
    done
}

# add_environment RELEASE ORIGINAL HELPER
add_environment() {
    version=$(row "$1" "$2" cc1 5)
    number=${version%%.*}
    # What a source asks for, a library of this machine finds.
    asked=
    if [ "$2" != "$3" ]; then asked=$(facts asked "$2-$number"); fi
    if [ -n "$asked" ] && [ "$3" != "$runs_on" ]; then
        say "$3 does not help with $1 for $2, where sources can ask for what it does in another way"
        return 0
    fi
    archive=$(archive_of "$1" "$3") || return 0
    triplet=$(of_machine "$2" 3)
    target=$(printf '%s' "$triplet" | tr _ -)
    root=$work/root
    rm -rf "$root" "$work/environment"
    # Of the machine's own compiler some releases have the programs in packages that are called like a cross compiler's.
    set -- "$1" "$2" "$3" "cpp-$number-$target" "gcc-$number-$target" "g++-$number-$target" "binutils-$target"
    if [ "$2" = "$3" ]; then set -- "$@" "cpp-$number" "gcc-$number" "g++-$number"; fi
    release=$1 original=$2 helper=$3
    shift 3
    packages=$(existing "$archive" "$@")
    # shellcheck disable=SC2046,SC2086 # names
    unpack "$root" "$archive" $packages coreutils \
        $(libraries_of "$archive" coreutils $(printf '%s\n' $packages | grep -E '^(cpp|binutils)-'))
    name=$release-$original
    if ! fill_environment || ! is_exact; then
        missing "$release has not the compiler of $original for $helper: it does not help with that"
        return 0
    fi
    (cd "$work/environment" && find . ! -name . -print | LC_ALL=C sort |
        tar -c --no-recursion --owner=0 --group=0 --mtime=@0 -T - | gzip -n -6 >"$work/archive.tar.gz")
    file=$name-$helper-$(sha256sum <"$work/archive.tar.gz" | cut -c 1-16).tar.gz
    mv "$work/archive.tar.gz" "$steps/environments/$file"
    if [ "$helper" != "$original" ]; then
        facts differs "$original-$number" | tr ' ' '\n' | sed "s/^/unless $helper /" >>"$steps/environments/$name"
    fi
    echo "helper $helper $file" >>"$steps/environments/$name"
}

# Of $root what compiles, as icecream wants to find it: usr/bin has gcc, g++ and as, and bin/true shows that programs run.
fill_environment() {
    compilers=$(cd "$root" && find usr/lib*/gcc*/"$triplet/$number" -name cc1 2>/dev/null | head -n 1)
    if [ -z "$compilers" ]; then return 1; fi
    compilers=${compilers%/cc1}
    environment=$work/environment
    case $helper in
        x86_64) loader=lib64/ld-linux-x86-64.so.2 ;;
        aarch64) loader=lib/ld-linux-aarch64.so.1 ;;
    esac
    mkdir -p "$environment/usr/bin" "$environment/bin" "$environment/$compilers"
    mkdir -m 1777 "$environment/tmp"
    cp "$root/usr/bin/$triplet-gcc-$number" "$environment/usr/bin/gcc" &&
        cp "$root/usr/bin/$triplet-g++-$number" "$environment/usr/bin/g++" &&
        cp "$root/usr/bin/$triplet-as" "$environment/usr/bin/as" &&
        cp "$root/$compilers/cc1" "$root/$compilers/cc1plus" "$environment/$compilers/" &&
        cp "$(find "$root/bin/" "$root/usr/bin/" -name true 2>/dev/null | head -n 1)" "$environment/bin/" &&
        copy_libraries "$root" "$environment/$loader" "$environment/lib/$(of_machine "$helper" 3)" \
            "$environment"/bin/* "$environment"/usr/bin/* "$environment/$compilers"/* &&
        see_source_options
}

# For every program that runs there.
see_source_options() {
    if [ -z "$asked" ]; then return; fi
    mkdir "$environment/etc"
    echo /lib/sourceOptions.so >"$environment/etc/ld.so.preload"
    # shellcheck disable=SC2086 # words
    build -shared -fPIC -fno-stack-protector -U_FORTIFY_SOURCE -nostdlib -DOPTIONS="$(printf '"%s",' $asked)" \
        -o "$environment/lib/sourceOptions.so" "$here/clusterSourceOptions.c"
}

# The programs themselves, by their build ids, or their twins of the table's version.
is_exact() {
    for program in $programs; do
        if [ "$original" = "$helper" ]; then
            case $program in cc1*) file=$compilers/$program ;; *) file=usr/bin/$program ;; esac
            found=$(readelf -n "$environment/$file" 2>/dev/null | sed -n 's/.*Build ID: //p')
            wanted=$(row "$release" "$original" "$program" 4)
            wanted=${wanted%/*}
        else
            found=$(version_of "$(package_of "$program" "$number")")
            wanted=$(row "$release" "$original" "$program" 5)
        fi
        if [ -z "$wanted" ] || [ "$found" != "$wanted" ]; then
            say "$release: $program of $original for $helper is ${found:-none}, not ${wanted:-known}"
            return 1
        fi
    done
}

# version_of PACKAGE: of the one that was unpacked.
version_of() { dpkg-deb -f "$work/packages/${1}_"*.deb Version 2>/dev/null; }

# add_known RELEASE ORIGINAL: the programs that are in its environments.
add_known() {
    if ! grep -q '^helper' "$steps/environments/$1-$2" 2>/dev/null; then return; fi
    for program in $programs; do
        identity=$(row "$1" "$2" "$program" 4)
        mkdir -p "$steps/known/${identity%/*}"
        echo "$1-$2" >"$steps/known/$identity"
    done
}

# The newest first: its programs run on every kernel that these runners have.
if [ -z "$releases" ]; then releases=$(awk -F '\t' '$1 == "release" && $3 == "debian" { print $2 }' "$table" | tac); fi
if ! make_engine; then
    say "icecream cannot be had (does apt-get update work? is libc6-dev installed?): this machine is no part of it"
    exit 1
fi
for original in $originals; do
    for release in $releases; do
        if ! is_complete "$release" "$original"; then continue; fi
        for helper in $helpers; do add_environment "$release" "$original" "$helper"; done
        add_known "$release" "$original"
    done
done
echo "$recipe" >"$made/recipe"
chmod -R a+rX "$made"
rm -rf "$folder/compile-cluster.old"
if [ -e "$folder/compile-cluster" ]; then mv "$folder/compile-cluster" "$folder/compile-cluster.old"; fi
mv "$made" "$folder/compile-cluster"
rm -rf "$folder/compile-cluster.old"
say "made, for the compilers of $(find "$folder/compile-cluster/steps/environments" -name '*.tar.gz' | wc -l) environments ($(du -sm "$folder/compile-cluster" | cut -f 1) MB)"
