#!/bin/sh
# Removes the local registry's garbage: images that have had no tag for a number of days, and layers of no image. It runs
# in the registry's folder while the registry does not serve, because a push relies on the layers that it finds.
#
#     sh collectGarbage.sh DAYS    prints what it removes
#
# The registry's own `garbage-collect` removes the layers. Its --delete-untagged knows no age: it would remove what was
# pushed a second ago and is joined and tagged next.
set -eu
LC_ALL=C
export LC_ALL
days=$1
data=data/docker/registry/v2

# Only one collection at a time: registry.sh holds a lock.
work=collecting
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT

digests() { grep -oE '[0-9a-f]{64}' | sort -u; }

# keep TAGS: lists in $work/kept which of $work/manifests the tags lead to. Every digest that a manifest mentions is kept,
# such as the children of an index. A tag sha256-DIGEST, or sha256-DIGEST.sig as cosign writes it, belongs to an image, as a
# signature does, and goes with it.
keep() {
    find "$1" -path '*/current/link' | grep -vE '/sha256-[0-9a-f]{64}(\.[^/]*)?/current/link$' | xargs cat | digests >"$work/next"
    : >"$work/kept"
    while [ -s "$work/next" ]; do
        sort -u -o "$work/kept" "$work/kept" "$work/next"
        while read -r digest; do
            cat "$data/blobs/sha256/${digest%"${digest#??}"}/$digest/data" \
                "$1/sha256-$digest/current/link" "$1/sha256-$digest."*/current/link 2>/dev/null || true
        done <"$work/next" | digests | comm -12 - "$work/manifests" | comm -23 - "$work/kept" >"$work/found"
        mv "$work/found" "$work/next"
    done
}

# collect REPOSITORY: the file `untagged` beside a manifest's link says since when no tag leads to it. A push writes the
# link anew.
collect() {
    ls "$1/revisions/sha256" >"$work/manifests"
    keep "$1/tags"
    while read -r digest; do
        rm -f "$1/revisions/sha256/$digest/untagged"
    done <"$work/kept"
    comm -23 "$work/manifests" "$work/kept" | while read -r digest; do
        manifest=$1/revisions/sha256/$digest
        if [ ! -e "$manifest/untagged" ] || [ -n "$(find "$manifest/link" -newer "$manifest/untagged")" ]; then
            touch "$manifest/untagged"
        elif [ -n "$(find "$manifest/untagged" -mtime +$((days - 1)))" ]; then
            rm -rf "$manifest" "$1"/tags/*/index/sha256/"$digest" "$1/tags/sha256-$digest" "$1/tags/sha256-$digest."*
            repository=${1#"$data/repositories/"}
            echo "${repository%/_manifests}@sha256:$digest"
        fi
    done
}

find "$data/repositories" -type d -name _manifests >"$work/repositories"
while read -r manifests; do
    if [ -d "$manifests/revisions/sha256" ]; then collect "$manifests"; fi
done <"$work/repositories"
OTEL_TRACES_EXPORTER=none registry garbage-collect --quiet registry.yml
