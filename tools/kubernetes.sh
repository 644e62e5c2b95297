#!/bin/sh
# What tests/kubernetes needs and nobody has: the programs of a Kubernetes cluster, Pulumi's provider for Kubernetes, and
# the images that the cluster's nodes have. Made once, outside of the checkout: about 25 minutes of two processors.
#
#   tools/kubernetes.sh            makes what is missing
#   tools/kubernetes.sh --where    prints the three folders, whether they are there or not
set -eu
umask 022
# Scripts that are called from here go by their relative paths.
unset CDPATH
cd "$(dirname "$0")/.."

# Of npm's @pulumi/kubernetes.
provider_version=4.25.0
kubernetes_version=$(sed -n 's|^\tk8s.io/kubernetes v\([^ ]*\).*|\1|p' tests/kubernetes/cluster/go.mod)
go_options="-trimpath -buildvcs=false"
cluster_names="-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes_version -X k8s.io/component-base/version.gitMajor=1 \
-X k8s.io/component-base/version.gitMinor=$(echo "$kubernetes_version" | cut -d . -f 2)"
provider_names="-s -w -X main.version=$provider_version"

say() { printf '%s\n' "kubernetes: $*" >&2; }

digest() { cat "$@" | sha256sum | cut -c 1-16; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/native-buildx
cluster=$cache/kubernetes-$(echo "$go_options $cluster_names" | digest - tests/kubernetes/cluster/main.go tests/kubernetes/cluster/go.*)
provider=$cache/kubernetes-provider-$(echo "$go_options $provider_names" | digest - tests/kubernetes/provider/main.go tests/kubernetes/provider/go.*)
# BuildKit's version is in tools/go.mod, that of its CNI plugins in tests/ec2/buildkit/go.mod.
images=$cache/kubernetes-images-$(digest tests/kubernetes/image/make.sh tests/ec2/buildkit/pack.sh tests/ec2/buildkit/go.* tools/go.mod)

build_cluster() { # FOLDER
    # shellcheck disable=SC2086 # a list of words
    (cd tests/kubernetes/cluster && CGO_ENABLED=0 go build $go_options -ldflags "$cluster_names" -o "$1/kubernetes" .)
    for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl; do ln -s kubernetes "$1/$name"; done
}

build_provider() { # FOLDER
    cp -R tests/kubernetes/provider "$1/source"
    module=github.com/pulumi/pulumi-kubernetes/provider/v4
    folder=$(cd tests/kubernetes/provider && go mod download "$module" && go list -m -f '{{.Dir}}' "$module")
    install -m 644 "$folder/cmd/pulumi-resource-kubernetes/schema.json" "$1/source/"
    # shellcheck disable=SC2086 # a list of words
    (cd "$1/source" && CGO_ENABLED=0 go build $go_options -ldflags "$provider_names" -o ../pulumi-resource-kubernetes .)
    rm -r "$1/source"
}

# make WHAT FOLDER COMMAND: the folder appears when it is complete.
make() {
    if [ -d "$2" ]; then return; fi
    say "making $1 (once)"
    rm -rf "$2.new"
    mkdir -p "$2.new"
    "$3" "$2.new"
    mv "$2.new" "$2"
}

if [ "${1:-}" = --where ]; then
    printf '%s\n' "$cluster" "$provider" "$images"
    exit
fi
mkdir -p "$cache"
exec 9>"$cache/kubernetes.lock"
flock 9
# shellcheck source=tools/env.sh
. ./tools/env.sh
for program in containerd:containerd /usr/lib/cni/bridge:containernetworking-plugins; do
    if ! command -v "${program%:*}" >/dev/null; then
        say "missing: Debian package ${program#*:}. Please run tools/setup.sh --kubernetes"
        exit 1
    fi
done
command -v go >/dev/null || { say "Go is needed once: https://go.dev/doc/install, or apt-get install golang"; exit 1; }
make "the cluster's programs: a quarter of an hour" "$cluster" build_cluster
make "Pulumi's provider for Kubernetes: a quarter of an hour" "$provider" build_provider
make "the images of the cluster's nodes" "$images" tests/kubernetes/image/make.sh
