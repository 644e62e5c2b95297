#!/bin/sh
# Makes the rows of components/runner/emulation/twins.tsv for a release's compilers, and shows that the twins do what the
# originals do: the same files are compiled in a root file system of the release, by the emulated compilers and by the twins,
# and everything they write has to be the same, but for an object's section .comment, which names the package's revision.
#
#   twins.sh RELEASE MACHINE [WHAT...]     both as the table names them, such as trixie and aarch64
#
# WHAT: rows (prints them), corpus (files of C and C++ with many options), sample (some of these), lame, x264, x265 (the library
# as everybody builds it, and what it encodes), x265:10 (every tenth object of it: emulated compilers are slow), x265-tests (those
# of the library itself, after x265); default: rows corpus. Needs root; Linux 6.7 or newer for all but the rows.
#
# Packages and roots are kept in ${XDG_CACHE_HOME:-$HOME/.cache}/native-buildx/twins. For this machine's own architecture the twins
# are those for machines of the other kind, amd64 or arm64, and are emulated: that takes its cross compiler.
set -eu
umask 022
export LC_ALL=C
project=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
emulation=$project/components/runner/emulation
table=$emulation/twins.tsv
say() { printf '%s\n' "twins: $*" >&2; }
# shellcheck source=components/runner/emulation/archives.sh
. "$emulation/archives.sh"
# shellcheck source=tools/twins/roots.sh
. "$project/tools/twins/roots.sh"

if [ $# -lt 2 ]; then
    say "give a release and a machine of $table, such as: tools/twins.sh trixie aarch64"
    exit 2
fi
release=$1 machine=$2
shift 2
if [ $# = 0 ]; then set -- rows corpus; fi
IFS=$tab read -r elf triplet architecture_of_machine <<END
$(facts machine "$machine")
END
if [ -z "$elf" ] || [ -z "$(facts release "$release")" ]; then
    say "the table has no release $release or no machine $machine"
    exit 2
fi
packages='gcc g++ libc6-dev make'
case " $* " in *' x265'*) packages="$packages cmake" ;; esac
runs_on=$(dpkg --print-architecture)
long_ago=2000-01-01
is_emulated=yes
if [ "$architecture_of_machine" = "$runs_on" ]; then
    is_emulated=
    runs_on=$(printf 'arm64\namd64\n' | grep -vx "$runs_on" | head -n 1)
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/native-buildx/twins/$release-$machine
mkdir -p "$cache"
exec 8>"$cache/lock"
flock 8
rm -rf "$cache"/work.* # of an interrupted run
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# version ARCHITECTURE PACKAGE: of the newest package.
version() {
    archive=$(archive_of "$release" "$1")
    within_archive "$archive" apt-cache show --no-all-versions "$2" 2>/dev/null | sed -n 's/^Version: //p'
}

# row PROGRAM FILE ORIGINAL: the package that has the original.
row() {
    original=$(version "$architecture_of_machine" "$3")
    package=$(package_of "$1" "$number")
    twin=$(version "$runs_on" "$package")
    if [ -z "$twin" ]; then
        say "$release has no package $package for $runs_on: $1 has no twin"
        return
    fi
    case $twin in
        "$original" | "$original"cross*) ;;
        *) say "$1: the original is of $original, its twin of $twin: the table has to say what is not the same" ;;
    esac
    printf '%s\t%s\t%s\t%s\t%s\n' "$machine" "$release" "$1" "$("$work/identify" "$root/$2")" "$twin"
}

rows() {
    gcc -O2 -DMACHINE="$elf" -I "$emulation" -o "$work/identify" "$project/tools/twins/identify.c"
    gcc=$(readlink "$root/usr/bin/gcc")
    number=$(printf '%s' "$gcc" | sed 's/.*gcc-//')
    programs=$(cd "$root" && echo usr/lib*/gcc/"$triplet/$number"/cc1)
    row cc1 "$programs" "cpp-$number"
    row cc1plus "${programs}plus" "g++-$number"
    # Those of 32 bits write other numbers than their twins (-flto in the table), or reckon with 32 bits (`.long 0x80000000/2`).
    if [ "$machine" != arm ]; then
        row lto1 "${programs%/*}/lto1" "gcc-$number"
        row as "usr/bin/$triplet-as" binutils
    fi
    row gcc "usr/bin/$triplet-gcc-$number" "gcc-$number"
    row g++ "usr/bin/$triplet-g++-$number" "g++-$number"
}

# require_runs: of every twin, since it was made.
require_runs() {
    while IFS=$tab read -r _ _ program identity _; do
        if [ -z "$(find "$cache/toolchains/$machine/twins/$identity/program" -newerat "$long_ago" 2>/dev/null)" ]; then
            say "the twin of $program was not run"
            exit 1
        fi
    done <"$work/rows"
}

# prepare_sources LIBRARY...: in the root's folder /work.
prepare_sources() {
    rm -rf "$root/work"
    mkdir -p "$root/work/source"
    cp "$project"/tools/twins/*.sh "$root/work/"
    cp "$project/tests/e2e/emulation/words.cc" "$root/work/source/"
    for library; do source_of "$library" "$root/work/source"; done
    make_toolchain
}

# Where the originals need no QEMU, the twins' machine is emulated in its place; what its dispatcher does not know is run as it is.
make_toolchain() {
    if [ -z "$is_emulated" ]; then
        CC=$(awk -F '\t' -v name="$runs_on" '$1 == "machine" && $5 == name { print $4 }' "$table")-gcc
        EMULATOR=$work/none RUNS_ON=$runs_on
        export CC EMULATOR RUNS_ON
        echo 'int main(void) { return 99; }' | "$CC" -static -x c -o "$EMULATOR" -
    fi
    toolchain=$cache/toolchains/$machine
    sh "$emulation/makeToolchain.sh" "$machine" "$cache/toolchains" "$work/table"
    find "$toolchain" -name program -exec touch -a -d "$long_ago" {} +
    if [ -z "$is_emulated" ]; then install "$project/tools/twins/original.sh" "$toolchain/emulator"; fi
}

# run TOOLCHAIN COMMAND...: in the root.
run() {
    with=$1
    shift
    sh "$project/tools/twins/inside.sh" "$root" "$machine" "$with" "$@"
}

# wrap_compilers WAY: where the originals are not emulated, the twins take their places.
wrap_compilers() {
    for program in "$root"/usr/lib*/gcc/"$triplet"/*/cc1 "$root"/usr/lib*/gcc/"$triplet"/*/cc1plus \
        "$root"/usr/lib*/gcc/"$triplet"/*/lto1 "$root/usr/bin/$triplet-as" "$root/usr/bin/$triplet"-g[c+][c+]-[0-9]*; do
        if [ -e "$program.original" ]; then mv "$program.original" "$program"; fi
        if [ -z "$is_emulated" ] && [ -e "$program" ] && [ "$1" = twins ]; then
            mv "$program" "$program.original"
            install "$project/tools/twins/wrapped.sh" "$program"
        fi
    done
}

# run_step WAY COMMAND...: in the root, with the originals or the twins, and how long it took.
run_step() {
    way=$1
    shift
    toolchain=none
    if [ "$way" = twins ]; then toolchain=$cache/toolchains/$machine; fi
    wrap_compilers "$way"
    began=$(date +%s)
    run "$toolchain" "$@" >"$work/log" 2>&1 || {
        tail -n 30 "$work/log" >&2
        say "$* fails ($way)"
        exit 1
    }
    say "$*: $(($(date +%s) - began)) s ($way)"
}

# What the drivers do is written in their specs. A cross compiler's are others for the linker and for
# -march=native, which are left to the original.
without_linking() { sed -E -e '/^\*(cross_compile|startfile|endfile|cc1_cpu):/,/^$/d' -e '/^$/d'; }

compare_specs() {
    while IFS=$tab read -r _ _ program identity _; do
        case $program in
            gcc | g++)
                twin=$cache/toolchains/$machine/twins/$identity
                run none "$program" -dumpspecs | without_linking >"$work/specs"
                "$twin/loader" --library-path "$twin/lib" "$twin/program" -dumpspecs | without_linking | diff "$work/specs" -
                ;;
        esac
    done <"$work/rows"
}

compare_corpus() {
    prepare_sources lame x265
    compare_specs
    for way in originals twins; do
        run_step "$way" sh corpus.sh "$1"
        rm -rf "${work:?}/$way"
        mv "$root/work/corpus" "$work/$way"
    done
    require_runs
    compare
}

# compare_library NAME EACH: built by the twins; then every EACH-th object is compiled again by its original, and what both
# libraries encode is compared too.
compare_library() {
    prepare_sources "$1"
    run_step twins sh library.sh configure "$1"
    run_step twins sh library.sh make "$1"
    run_step originals sh library.sh encode "$1"
    (cd "$root/work/library" && find . -name '*.o' ! -path '*/CompilerId*' | sort) >"$work/objects"
    awk -v each="$2" 'NR % each == 0' "$work/objects" >"$work/again"
    echo ./encoded >>"$work/again"
    take_results twins
    # With libtool's notes of objects, which would keep them from being made.
    sed 's/\.o$/.lo/' "$work/again" | cat - "$work/again" | (cd "$root/work/library" && xargs rm -f)
    for step in make encode; do run_step originals sh library.sh "$step" "$1"; done
    take_results originals
    say "$1: of $(wc -l <"$work/objects") objects, $(($(wc -l <"$work/again") - 1)) were compiled again"
    compare
}

take_results() {
    rm -rf "${work:?}/$1"
    mkdir "$work/$1"
    tar -c -C "$root/work/library" -T "$work/again" | tar -x -C "$work/$1"
}

# compare: what the originals made with what the twins made. What differs is compared again without what names the compiler's
# revision.
compare() {
    (cd "$work/originals" && find . -type f | sort) >"$work/files"
    while IFS= read -r file; do
        if ! cmp -s "$work/originals/$file" "$work/twins/$file"; then echo "$file"; fi
    done <"$work/files" >"$work/differing"
    compared=$root/work/compared
    rm -rf "$compared"
    for way in originals twins; do
        mkdir -p "$compared/$way"
        tar -c -C "$work/$way" -T "$work/differing" | tar -x -C "$compared/$way"
    done
    run none sh unmark.sh compared
    (cd "$compared" && diff -rq originals twins) >"$work/bad" || true
    say "$(wc -l <"$work/files") files, $(grep -c '\.o$' "$work/files") of them objects: $(wc -l <"$work/differing") differ," \
        "$(wc -l <"$work/bad") in more than the compiler's mark"
    if [ -s "$work/bad" ]; then
        cat "$work/bad" >&2
        exit 1
    fi
}

# shellcheck disable=SC2086 # names
root=$(root_of "$release" "$architecture_of_machine" $packages)
wrap_compilers originals # where a run was interrupted
rows >"$work/rows"
{
    grep -E '^(machine|release|differs|asked)' "$table"
    cat "$work/rows"
} >"$work/table"
for what; do
    case $what in
        rows)
            cat "$work/rows"
            continue
            ;;
        corpus | sample) compare_corpus "$what" ;;
        lame-tests | x264-tests | x265-tests) run_step originals sh library.sh test "${what%-tests}" ;;
        lame | x264 | x265) compare_library "$what" 1 ;;
        lame:[1-9]* | x264:[1-9]* | x265:[1-9]*) compare_library "${what%:*}" "${what#*:}" ;;
        *)
            say "\"$what\" is not known: give rows, corpus, sample, lame, x264 or x265, x265:10, x265-tests"
            exit 2
            ;;
    esac
done
