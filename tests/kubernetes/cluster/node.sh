#!/bin/sh
# A node of the cluster: kubelet and containerd, in a mount namespace of its own where /run and /var are the node's.
#
#   node.sh ARCHITECTURE NUMBER GROUPS ADDRESS
#
# Node arm64 is this machine's kernel too, which runs arm64's programs through QEMU: what differs is its label, which a
# policy of objects.yaml gives it.
set -eu
umask 022

arch=$1 number=$2 groups=$3/$1 address=$4
name=node-$arch
folder=/mnt/cluster/$name
# shellcheck source=tests/kubernetes/cluster/common.sh
. /mnt/cluster/common.sh
# A container's mounts are the kubelet's too, and the other way round.
mount --make-rshared /
mkdir -p "$folder/cni" "$folder/tunables"
# In memory: they end with the node. On a disk the thousands of files of its images took half a minute to remove.
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var
mkdir -p /var/lib/kubelet /var/lib/containerd /var/log/pods /var/tmp
ln -s /run /var/run

# The kubelet sets these, for the whole kernel: it finds them set.
tunable() { # NAME VALUE
    echo "$2" >"$folder/tunables/$(basename "$1")"
    if [ -e "/proc/sys/$1" ]; then mount --bind "$folder/tunables/$(basename "$1")" "/proc/sys/$1"; fi
}
tunable vm/overcommit_memory 1
tunable vm/panic_on_oom 0
tunable kernel/panic 10
tunable kernel/panic_on_oops 1
tunable kernel/keys/root_maxkeys 1000000
tunable kernel/keys/root_maxbytes 25000000

# The kubelet wants its control group in every hierarchy. A cpuset takes processes when it has its processors.
make_group() { # HIERARCHY
    at=$1
    for part in $(echo "$groups" | tr / ' '); do
        mkdir -p "$at/$part"
        for file in cpuset.cpus cpuset.mems; do
            if [ -e "$at/$part/$file" ] && [ -z "$(cat "$at/$part/$file")" ]; then cat "$at/$file" >"$at/$part/$file"; fi
        done
        at=$at/$part
    done
}
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    make_group /sys/fs/cgroup
else
    for hierarchy in /sys/fs/cgroup/*/; do
        if [ -e "$hierarchy/cgroup.procs" ]; then make_group "${hierarchy%/}"; fi
    done
fi

cat >"$folder/cni/10-bridge.conflist" <<END
{"cniVersion": "1.0.0", "name": "$name", "plugins": [{
    "type": "bridge", "bridge": "cni-$arch", "isGateway": true, "ipMasq": true, "hairpinMode": true,
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.$number.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}
END
cat >"$folder/containerd.toml" <<END
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "images.native-buildx.test/pause:test"
  # What this machine's root may not do.
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$folder/cni"
END
cat >"$folder/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
port: $((10250 + number))
healthzPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: /mnt/cluster/keys/ca.pem}}
authorization: {mode: Webhook}
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$groups
enforceNodeAllocatable: []
oomScoreAdj: 0
# There is no name service: what asks for it is refused at once.
resolvConf: ""
clusterDNS: [127.0.0.1]
failSwapOn: false
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi}
nodeStatusUpdateFrequency: 4s
volumePluginDir: /var/lib/kubelet/plugins
END

run "containerd-$arch" containerd --config "$folder/containerd.toml"
until_true 20 ctr version
for archive in /mnt/images/*.tar; do
    ctr --namespace k8s.io images import "$archive" >/dev/null
done
# By digest too, as images are named in production.
ctr --namespace k8s.io images list | while read -r image _ digest _; do
    case $image in *:test) ctr --namespace k8s.io images tag "$image" "${image%:test}@$digest" >/dev/null ;; esac
done
until_true 120 test -e /mnt/cluster/serving
run "kubelet-$arch" kubelet --config="$folder/kubelet.yaml" --kubeconfig="/mnt/cluster/keys/$name.kubeconfig" \
    --hostname-override="$name" --node-ip="$address" --cert-dir="$folder/keys"
: >"$folder/ready"
while :; do wait || true; sleep 1; done
