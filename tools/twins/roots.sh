# shellcheck shell=sh
# shellcheck disable=SC2154 # set by twins.sh
# Part of twins.sh: packages and root file systems of a release, kept in $cache. Reads: $cache.

# archive_of RELEASE ARCHITECTURE: prints the folder of its packages' lists.
archive_of() { kept_archive "$cache" "$@"; }

# root_of RELEASE ARCHITECTURE PACKAGE...: prints the folder of a root with these packages, and all that is essential. Nothing
# of it is configured: a compiler needs no more.
root_of() {
    release=$1 architecture_of_root=$2
    shift 2
    archive=$(archive_of "$release" "$architecture_of_root") || return 1
    made=$cache/root-$release-$architecture_of_root-$(printf '%s-' "$@" | cksum | cut -d ' ' -f 1)
    contents=$(within_archive "$archive" apt-get -qq -y --print-uris install '?essential' "$@" | cksum)
    if [ "$contents" != "$(cat "$made/.made" 2>/dev/null)" ]; then
        say "making a root of $release for $architecture_of_root"
        rm -rf "$made" "$archive"/packages/archives/*.deb
        mkdir -p "$made/usr" "$made/proc" "$made/dev" "$made/root"
        mkdir -m 1777 "$made/tmp"
        for folder in bin sbin lib lib64; do
            mkdir "$made/usr/$folder"
            ln -s "usr/$folder" "$made/$folder"
        done
        within_archive "$archive" apt-get -qq -y install --download-only '?essential' "$@" >>"$archive/log" 2>&1
        for package in "$archive"/packages/archives/*.deb; do
            # Not `dpkg-deb -x`: the links are to stay.
            dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$made"
        done
        ln -sf mawk "$made/usr/bin/awk"
        rm -f "$archive"/packages/archives/*.deb
        echo "$contents" >"$made/.made"
    fi
    echo "$made"
}

# source_of NAME FOLDER: its newest release as upstream has it, without its distribution's changes, in FOLDER/NAME.
source_of() {
    mkdir -p "$cache/sources" "$2/$1"
    cp "$project/examples/encoder/prepare.sh" "$cache/sources/"
    NATIVE_BUILDX_SOURCE=$1 sh "$cache/sources/prepare.sh" source >&2
    tar -x --no-same-owner -C "$2/$1" --strip-components=1 -f "$cache"/sources/app/source/"$1"_*.orig.tar.*
}
