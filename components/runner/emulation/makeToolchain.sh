#!/bin/sh
# Makes the toolchain of a foreign architecture: the twins of its compilers (twins.tsv) from the packages of this machine's
# apt sources, and the dispatcher that runs them in place of the emulated originals (makeDispatcher.sh).
#
#   makeToolchain.sh MACHINE FOLDER     MACHINE as `uname -m` says it; the result is FOLDER/MACHINE
#
# EMULATOR and RULE: QEMU for the machine, and the file with its line for binfmt_misc, where none is registered.
#
# Runs again at no cost, may run twice at once, and may be interrupted at any point: the folder appears when it is complete.
# Nothing is installed. What cannot be had is left out, and is emulated.
set -eu
umask 022
export LC_ALL=C
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
machine=$1 folder=$2

say() { printf '%s\n' "toolchain for $machine: $*" >&2; }

tab=$(printf '\t')
elf='' triplet=''
while IFS=$tab read -r word name number names; do
    if [ "$word $name" = "machine $machine" ]; then elf=$number triplet=$names; fi
done <"$here/twins.tsv"
if [ -z "$elf" ]; then
    say "none of its compilers is known: they are emulated"
    exit 0
fi

# QEMU as it is registered. It is found in containers too, so it has to need no libraries.
registered=/proc/sys/fs/binfmt_misc/qemu-$machine
emulator=${EMULATOR:-$(sed -n 's/^interpreter //p' "$registered" 2>/dev/null)} || true
if [ ! -r "${emulator:-/nowhere}" ]; then
    say "no QEMU is registered: nothing to speed up"
    exit 0
fi
for program in gcc apt-get dpkg-deb flock; do
    if ! command -v "$program" >/dev/null; then
        say "$program is missing: its compilers are emulated, as before"
        exit 0
    fi
done

mkdir -p "$folder"
folder=$(CDPATH='' cd -- "$folder" && pwd)
exec 9>"$folder/$machine.lock"
flock 9
recipe=$(cat "$here"/make*.sh "$here"/*.[ch] "$here/twins.tsv" "$emulator" | sha256sum | cut -c 1-16)
if [ "$(cat "$folder/$machine/recipe" 2>/dev/null)" = "$recipe" ]; then exit 0; fi
say "making the native twins of its compilers"
work=$(mktemp -d "$folder/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
made=$work/made
mkdir -p "$made/lib" "$made/twins" "$work/packages" "$work/root"

rows() { grep -v '^#' "$here/twins.tsv" | awk -F '\t' -v machine="$machine" '$1 == machine'; }

# Packages and what they need, whatever is installed here.
with_dependencies() {
    apt-get --print-uris --no-install-recommends -o Dir::State::status=/dev/null -y install "$@" 2>/dev/null |
        sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p"
}

download() {
    (cd "$work/packages" && apt-get -o APT::Sandbox::User= download "$@" >/dev/null 2>&1)
}

# Their libraries are those of the assembler and of the preprocessor.
# shellcheck disable=SC2046 # names
download $(with_dependencies $(rows | awk -F '\t' '$3 ~ /^(cpp|binutils)-/ { print $3 }')) ||
    say "some packages could not be downloaded"
rows | awk -F '\t' '{ print $3 "=" $4 }' | sort -u | while IFS= read -r package; do
    download "$package" || say "$package is not among this machine's packages"
done
for package in "$work"/packages/*.deb; do
    if [ -e "$package" ]; then dpkg-deb -x "$package" "$work/root"; fi
done

# emulate PATTERN...: arguments with which the original is run.
emulate() { printf 'emulate %s\n' "$@"; }

# Of the assembler: what only says something about the program, and files of arguments.
gas() { emulate '@*' -v -version --version '--help*' --target-help; }

# And what is not the same on another machine: plugins, precompiled headers, tables of character sets (libraries of the
# original's own machine), other places for headers than the usual.
gcc_lto() {
    gas
    emulate '-fplugin*' '-finput-charset*' '-fexec-charset*' '-fwide-exec-charset*' '--output-pch*' '-isysroot*' \
        '--sysroot*' '-iprefix*' '-imultilib*' '-fstack-protector*' '-fstack-clash-protection'
}

# gcc_includes UNLESS FOLDER...: where headers are looked for.
gcc_includes() {
    unless=$1
    shift
    for include; do printf 'unless %s -isystem\nunless %s %s\n' "$unless" "$unless" "$include"; done
}

# gcc_own VERSION: the original's list of folders. The twin's own, which follows it, has no other in a root without cross
# compilers; without it (-nostdinc) stdc-predef.h would not be included first. The original has the triplet's folders only where
# it is told their name, which gcc does for all that it has to preprocess.
gcc_own() {
    echo 'require -imultiarch -fpreprocessed'
    own=/usr/lib/gcc/$triplet/$1
    gcc_includes -nostdinc "$own/include" "/usr/local/include/$triplet" /usr/local/include "$own/include-fixed" \
        "$own/../../../../$triplet/include" "/usr/include/$triplet" /usr/include
}

gcc_c() {
    gcc_lto
    gcc_own "$1"
}

gcc_cxx() {
    gcc_lto
    gcc_includes '-nostdinc*' "/usr/include/c++/$1" "/usr/include/$triplet/c++/$1" "/usr/include/c++/$1/backward"
    gcc_own "$1"
}

count=0
while IFS=$tab read -r _ identity _ _ path rules; do
    if [ ! -e "$work/root/$path" ]; then continue; fi
    mkdir -p "$made/twins/$identity"
    cp "$work/root/$path" "$made/twins/$identity/program"
    $rules >"$made/twins/$identity/arguments"
    count=$((count + 1))
done <<END
$(rows)
END
if [ "$count" = 0 ]; then
    say "no package of its compilers could be had (does apt-get update work?): they are emulated, as before"
    exit 0
fi
find "$work/root" \( -path '*/ld-linux*.so*' -o -path '*/lib/*/lib*.so*' \) ! -path '*/gcc*/*' ! -path '*/usr/lib/*/*/*' | while IFS= read -r library; do
    case ${library##*/} in
        ld-linux*) cp -L "$library" "$made/loader" ;;
        *) cp -L "$library" "$made/lib/" 2>/dev/null || true ;;
    esac
done
if ! sh "$here/makeDispatcher.sh" "$emulator" "$machine" "$elf" "$made"; then
    say "gcc makes no static programs here (is libc6-dev installed?): its compilers are emulated, as before"
    exit 0
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
