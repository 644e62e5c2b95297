#!/bin/sh
# Packs this machine's BuildKit as a release archive, once, for runners on the simulated EC2: none can be downloaded
# there. Prints the folder with an archive for each architecture.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
for program in buildkitd buildctl runc go; do
    command -v "$program" >/dev/null || { echo "pack.sh: $program is missing: tools/setup.sh --check, . tools/env.sh" >&2; exit 1; }
done
version=$(buildkitd --version | sed -n 's/.* \(v[0-9][^ ]*\) .*/\1/p')
stamp=$(cat "$0" "$here/go.mod" "$here/go.sum" "$(command -v buildkitd)" "$(command -v buildctl)" "$(command -v runc)" | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/native-buildx
folder=$cache/buildkit-$stamp
mkdir -p "$cache"
exec 9>"$cache/buildkit.lock"
flock 9
if [ ! -d "$folder" ]; then
    work=$(mktemp -d "$cache/packing.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/bin" "$work/made"
    for plugin in ipam/host-local main/bridge main/loopback meta/firewall; do
        (cd "$here" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' \
            -o "$work/bin/buildkit-cni-${plugin#*/}" "github.com/containernetworking/plugins/plugins/$plugin")
    done
    cp "$(command -v buildkitd)" "$(command -v buildctl)" "$work/bin/"
    cp "$(command -v runc)" "$work/bin/buildkit-runc"
    # arm64 machines of the simulation are this machine's kernel, and run its programs: only their names differ.
    archive=$work/made/buildkit-$version.linux
    tar -C "$work" --owner=0 --group=0 --sort=name --mtime=@0 -cf - bin | gzip -1n >"$archive-amd64.tar.gz"
    ln "$archive-amd64.tar.gz" "$archive-arm64.tar.gz"
    mv "$work/made" "$folder"
fi
echo "$folder"
