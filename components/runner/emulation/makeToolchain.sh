#!/bin/sh
# Makes the toolchain of a foreign architecture: the twins of its compilers (twins.tsv) from the packages of the releases that
# the compilers come from (archives.sh), and what runs them in place of the emulated originals (makeDispatcher.sh).
#
#   makeToolchain.sh MACHINE FOLDER [TABLE]     MACHINE as QEMU names it; the result is FOLDER/MACHINE. TABLE: default twins.tsv
#
# EMULATOR and RULE: QEMU for the machine, and the file with its line for binfmt_misc, where none is registered. RUNS_ON and CC:
# Debian's name of the architecture that the twins run on, and a compiler for it, where it is not this machine's (tools/twins.sh).
#
# Runs again at no cost, may run twice at once, and may be interrupted at any point: the folder appears when it is complete.
# Nothing is installed. What cannot be had is left out, and is emulated; a day later it is tried again.
set -eu
umask 022
export LC_ALL=C
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
machine=$1 folder=$2 table=${3:-$here/twins.tsv}
# shellcheck source=components/runner/emulation/archives.sh
. "$here/archives.sh"

say() { printf '%s\n' "toolchain for $machine: $*" >&2; }

# give_up REASON: there is no toolchain. Said once, and not again before the reason is another or a day is over.
recipe=
give_up() {
    mkdir -p "$folder"
    none=$folder/$machine.none
    if [ "$(cat "$none" 2>/dev/null)" != "$recipe $*" ] || [ -n "$(find "$none" -mtime +0)" ]; then
        say "$*"
        printf '%s\n' "$recipe $*" >"$none"
    fi
    exit 0
}

IFS=$tab read -r elf triplet _ <<END
$(facts machine "$machine")
END
releases=$(awk -F '\t' -v machine="$machine" '$1 == machine && !seen[$2]++ { print $2 }' "$table")
# docs/emulation.md says which are known.
if [ -z "$elf" ] || [ -z "$releases" ]; then exit 0; fi

# QEMU as it is registered. It is found in containers too, so it has to need no libraries.
registered=/proc/sys/fs/binfmt_misc/qemu-$machine
emulator=${EMULATOR:-$(sed -n 's/^interpreter //p' "$registered" 2>/dev/null)} || true
if [ ! -r "${emulator:-/nowhere}" ]; then
    give_up "no QEMU is registered: nothing to speed up"
fi
for program in gcc apt-get dpkg-deb flock; do
    if ! command -v "$program" >/dev/null; then
        give_up "$program is missing: its compilers are emulated, as before"
    fi
done

mkdir -p "$folder"
folder=$(CDPATH='' cd -- "$folder" && pwd)
exec 9>"$folder/$machine.lock"
flock 9
recipe=$(cat "$here"/archives.sh "$here"/make*.sh "$here"/*.[ch] "$table" "$emulator" | sha256sum | cut -c 1-16)
if [ "$(cat "$folder/$machine/recipe" 2>/dev/null)" = "$recipe" ] &&
    [ -z "$(find "$folder/$machine/incomplete" -mtime +0 2>/dev/null)" ]; then
    exit 0
fi
# What could not be had is not asked for at every `make up`.
if [ -n "$(find "$folder/$machine.none" -mtime -1 2>/dev/null)" ] && grep -q "^$recipe " "$folder/$machine.none"; then exit 0; fi
say "making the native twins of its compilers"
rm -rf "$folder/$machine.making."* # of an interrupted run
work=$(mktemp -d "$folder/$machine.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
made=$work/made
mkdir -p "$made/twins"

missing() {
    say "$*"
    echo "$*" >>"$made/incomplete"
}

# file_of PROGRAM VERSION: where the package has it.
file_of() {
    case $1 in
        as) echo "usr/bin/$triplet-as" ;;
        gcc | g++) echo "usr/bin/$triplet-$1-${2%%.*}" ;;
        *) (cd "$root" && find usr/lib*/gcc-cross/"$triplet/${2%%.*}/$1") ;; # below lib or libexec
    esac
}

# emulate PATTERN...: arguments with which the original is run.
emulate() { printf 'emulate %s\n' "$@"; }

# Of every program: what only says something about it.
words_about_itself() { emulate -v -version --version '--help*' --target-help; }

# And files of arguments, which are not looked into. (gcc gives lto1 such files always: of objects' names, and nothing else.)
rules_of_as() {
    words_about_itself
    emulate '@*'
}

# What is not the same on another machine: plugins, precompiled headers, tables of character sets (libraries of the
# original's own machine), other places for headers than the usual.
rules_of_lto1() {
    words_about_itself
    emulate '-fplugin*' '-finput-charset*' '-fexec-charset*' '-fwide-exec-charset*' '--output-pch*' '-isysroot*' \
        '--sysroot*' '-iprefix*' '-iwithprefix*'
    facts differs "$machine-$1" | tr ' ' '\n' | sed 's/^/emulate /'
}

# look_in UNLESS FOLDER...: where headers are looked for.
look_in() {
    unless=$1
    shift
    for include; do printf 'look %s %s\n' "$unless" "$include"; done
}

# The original's list of folders. The twin's own, which follows it, has no other in a root without cross compilers; without
# it (-nostdinc) stdc-predef.h would not be included first. The original has the triplet's folders only where it is told the
# triplet (-imultiarch), which gcc does for all that it has to preprocess; for -m32 and the like it is another one.
look_in_own() {
    echo "require $triplet -fpreprocessed"
    own=/usr/lib/gcc/$triplet/$1
    look_in -nostdinc "$own/include" "/usr/local/include/$triplet" /usr/local/include \
        "$own/include-fixed/$triplet" "$own/include-fixed" "$own/../../../../$triplet/include" "/usr/include/$triplet" /usr/include
}

# rules_of_source VERSION: of what reads sources, and has compiler.c loaded. A cross compiler has a root of headers, and puts it in
# the place of a folder's = or $SYSROOT.
rules_of_source() {
    emulate '@*' '=*' '-I=*' "\$SYSROOT*" "-I\$SYSROOT*"
    echo again
    rules_of_lto1 "$1"
}

rules_of_cc1() {
    rules_of_source "$1"
    look_in_own "$1"
}

# Modules are as precompiled headers.
rules_of_cc1plus() {
    rules_of_source "$1"
    emulate '-fmodule*'
    look_in '-nostdinc*' "/usr/include/c++/$1" "/usr/include/$triplet/c++/$1" "/usr/include/c++/$1/backward"
    look_in_own "$1"
}

# What calls the compiler and the assembler, and not the linker. `driver.so` makes it look where the original does; one that was
# copied to another place looks beside that.
rules_of_driver() {
    words_about_itself
    echo 'within /usr/bin'
    echo 'require -c -S -E -M -MM'
    emulate '@*' '-###' '-print*' '--print*' '-B*' '--prefix*' '-specs*' '--specs*' '-wrapper*' '-fplugin*' '-foffload*' '--sysroot*' \
        -march=native -mcpu=native -mtune=native
}

# options_asked_for: by sources, with any of the machine's compilers.
options_asked_for() { awk -F '\t' -v machine="$machine" '$1 == "asked" && index($2, machine "-") == 1 { print $3 }' "$table"; }

# unpack_release RELEASE: the packages of its rows into $root, with the libraries of what is loaded dynamically.
unpack_release() {
    archive=$work/archive
    rm -rf "$archive" "$work/packages"
    mkdir -p "$root" "$work/packages"
    if ! open_release "$archive" "$1" "${RUNS_ON:-$(dpkg --print-architecture)}"; then
        missing "the packages of $1 cannot be had: its compilers are emulated. $(grep '^E: ' "$archive/log" | tail -n 1)"
        return
    fi
    cd "$work/packages"
    libraries=$(facts "$machine" "$1" | while IFS=$tab read -r program _ version; do
        case $program in cc1 | as) package_of "$program" "$version" ;; esac
    done)
    # shellcheck disable=SC2046,SC2086 # names
    download_packages "$archive" $(with_dependencies "$archive" $libraries) || say "some packages of $1 could not be downloaded"
    facts "$machine" "$1" | while IFS=$tab read -r program _ version; do
        package=$(package_of "$program" "$version")=$version
        download_packages "$archive" "$package" || missing "$1 has no package $package: $program is emulated"
    done
    for package in *.deb; do
        if [ -e "$package" ]; then dpkg-deb -x "$package" "$root"; fi
    done
    cd "$here"
}

# add_release RELEASE: its twins to the toolchain.
add_release() {
    root=$work/$1
    unpack_release "$1"
    shared=$made/releases/$1
    mkdir -p "$shared/lib"
    (
        cd "$root"
        # The loader is found by a link too, which may lead to this machine's own.
        find . -type f -name 'ld-linux*.so*' -exec cp {} "$shared/loader" \;
        find lib usr/lib -mindepth 2 -maxdepth 2 -name 'lib*.so*' ! -type d -exec cp -P {} "$shared/lib/" \; 2>/dev/null
    ) || true
    facts "$machine" "$1" | while IFS=$tab read -r program identity version; do
        file=$(file_of "$program" "$version" 2>/dev/null) || continue
        twin=$made/twins/$identity
        if [ ! -f "$root/$file" ]; then continue; fi
        mkdir -p "$twin"
        mv "$root/$file" "$twin/program"
        ln -s "../../../releases/$1/loader" "../../../releases/$1/lib" "$twin/"
        rules=$program preload=
        case $program in
            gcc | g++) rules=driver preload=driver.so ;;
            cc1*) preload=$(if [ -n "$(facts asked "$machine-${version%%.*}")" ]; then echo askedCompiler.so; else echo compiler.so; fi) ;;
        esac
        if [ -n "$preload" ]; then ln -s "../../../$preload" "$twin/preload"; fi
        "rules_of_$rules" "${version%%.*}" >"$twin/arguments"
    done
    rm -rf "$root"
}

for release in $releases; do add_release "$release"; done
count=$(find "$made/twins" -name program | wc -l)
if [ "$count" = 0 ]; then
    give_up "no package of its compilers could be had (does apt-get update work?): they are emulated, as before"
fi
# shellcheck disable=SC2046 # options
if ! sh "$here/makeDispatcher.sh" "$emulator" "$machine" "$elf" "$made" $(options_asked_for); then
    give_up "gcc makes no static programs here (is libc6-dev installed?): its compilers are emulated, as before"
fi

# rule MAGIC MASK FLAGS: for binfmt_misc; NAME is replaced, and the path is relative to the toolchain. F: the kernel keeps the
# file open and finds it in every container. P: it is told how the program was called. (Debian's QEMU knows that by its name, too.)
rule() { printf ':NAME:M::%s:%s:qemu-binfmt-P:%sPF\n' "$1" "$2" "$(printf '%s' "$3" | tr -d PF)"; }

# escaped WORD: of the registration, whose bytes are in hex.
escaped() { sed -n "s/^$1 //p" "$registered" | sed 's/../\\x&/g'; }

if [ -n "${RULE:-}" ]; then
    IFS=: read -r _ _ _ _ magic mask _ flags <"$RULE"
    rule "$magic" "$mask" "$flags" >"$made/rule"
elif [ -e "$registered" ]; then
    rule "$(escaped magic)" "$(escaped mask)" "$(sed -n 's/^flags: //p' "$registered")" >"$made/rule"
fi
echo "$recipe" >"$made/recipe"
rm -rf "${folder:?}/$machine.old"
if [ -e "$folder/$machine" ]; then mv "$folder/$machine" "$folder/$machine.old"; fi
mv "$made" "$folder/$machine"
rm -rf "$folder/$machine.old"
say "made, for $count compilers ($(du -sm "$folder/$machine" | cut -f 1) MB)"
