#!/bin/sh
# A pod's network in a cluster that has IPv6 alone, with a real BuildKit in it, for a build of one image. To be run in mount,
# network and process namespaces of its own.
#
#   ipv6Pod.sh FOLDER
#
# FOLDER/lib    what a pod has (podFiles.ts)
# FOLDER/bin    BuildKit's programs
# FOLDER/job    the image's context. Its steps find, all at port 8080:
#   fd00:aaaa::1       what is outside, and the name service
#   fd00:10:96::1      the API server's service address
#   fd00:ec2::254      the metadata service
#   fd00:aaaa::2       the pod
set -eu

folder=$1
PATH=$folder/bin:$PATH
export PATH KUBERNETES_SERVICE_HOST=fd00:10:96::1 KUBERNETES_SERVICE_PORT=443

# The paths of a pod, which others of the same name stay out of.
mount --make-rprivate /
cp -a /etc "$folder/etc"
mount --bind "$folder/etc" /etc
mkdir -p /etc/native-buildx "$folder/var"
cp "$folder"/lib/* /etc/native-buildx/
chmod 755 /etc/native-buildx/*.sh
# Control groups are the machine's.
steps=native-buildx-${folder##*/}
echo "step_group=$steps" >>/etc/native-buildx/settings.sh
rm -f /etc/resolv.conf
echo 'nameserver fd00:aaaa::1' >/etc/resolv.conf
mount -t tmpfs tmpfs /run
mount --bind "$folder/var" /var/lib
mkdir -p /var/lib/buildkit /run/buildkit

ip link set lo up
unshare --net sleep 300 &
outside=$!
while [ "$(readlink "/proc/$outside/ns/net")" = "$(readlink "/proc/$$/ns/net")" ]; do sleep 0.05; done
ip link add name uplink type veth peer name pod netns "$outside"
ip address add fd00:aaaa::2/64 dev uplink nodad
ip link set uplink up
# shellcheck disable=SC2016 # the inner shell's
nsenter --target "$outside" --net sh -euc 'ip link set lo up
    ip address add fd00:aaaa::1/64 dev pod nodad
    ip link set pod up
    for address in fd00:10:96::1 fd00:ec2::254; do ip address add "$address/128" dev lo; done'
until ip -6 route add default via fd00:aaaa::1 2>/dev/null; do sleep 0.1; done
listener="require('node:net').createServer((socket) => socket.destroy()).listen(8080, '::')"
node --eval "$listener" &
nsenter --target "$outside" --net node --eval "$listener" &

sh /etc/native-buildx/serve.sh >&2 &
serve=$!
tries=0
until [ -S /run/buildkit/buildkitd.sock.own ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then exit 1; fi
    sleep 0.1
done
status=0
buildctl --addr unix:///run/buildkit/buildkitd.sock build --frontend dockerfile.v0 --local context="$folder/job" \
    --local dockerfile="$folder/job" --progress plain 2>&1 || status=$?
kill -TERM "$serve"
wait "$serve" || true
# shellcheck source=/dev/null
. /etc/native-buildx/steps.sh
release_steps "$steps"
exit "$status"
