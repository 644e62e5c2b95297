#!/bin/sh
# The first process of a cluster's namespaces: see cluster.sh. Starts the control plane and the nodes, and makes what
# a new cluster has.
#
#   control-plane.sh FOLDER GROUPS     GROUPS: the name of the cluster's control groups
set -eu
umask 022

outside=$1
groups=$2
# /tmp is the cluster's own here: its volumes are there (kubernetes.io/host-path knows no other place).
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/cluster /mnt/programs /mnt/images
mount --bind "$outside" /mnt/cluster
mount --bind "$KUBERNETES_PROGRAMS" /mnt/programs
mount --bind "$KUBERNETES_IMAGES" /mnt/images
folder=/mnt/cluster
PATH=/mnt/programs:$PATH:/usr/sbin:/sbin
# kubectl keeps what it learns there.
HOME=$folder
export PATH HOME
mkdir -p $folder/tmp $folder/keys
chmod 1777 $folder/tmp
mount --bind $folder/tmp /tmp
cd $folder
hostname nbx-k8s
# shellcheck source=tests/kubernetes/cluster/common.sh
. ./common.sh

failed() {
    echo "cluster: $*" >&2
    : >$folder/failed
    exit 1
}

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=nbx-k8s \
        -keyout keys/ca.key -out keys/ca.pem 2>log/keys
}

certificate() { # NAME SUBJECT [SUBJECT_ALTERNATIVE_NAMES]
    printf 'extendedKeyUsage = serverAuth, clientAuth\n%s\n' "${3:+subjectAltName = $3}" >keys/extensions
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "keys/$1.key" 2>>log/keys |
        openssl x509 -req -CA keys/ca.pem -CAkey keys/ca.key -CAcreateserial -days 30 -extfile keys/extensions \
            -out "keys/$1.pem" 2>>log/keys
}

kubeconfig() { # NAME SERVER
    cat <<END
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "$2", certificate-authority-data: $(base64 -w 0 keys/ca.pem)}}]
users: [{name: "$1", user: {client-certificate-data: $(base64 -w 0 "keys/$1.pem"), client-key-data: $(base64 -w 0 "keys/$1.key")}}]
contexts: [{name: test, context: {cluster: test, user: "$1"}}]
END
}

network() {
    ip link set lo up
    # Without kube-proxy: the address of service `kubernetes` is the API server's.
    ip address add 10.96.0.1/32 dev lo
    until_true 20 test -e addresses || failed "nobody plugged the cluster in"
    read -r machine address <addresses
    ip address add "$address/30" dev uplink
    ip link set uplink up
    echo 1 >/proc/sys/net/ipv4/ip_forward
}

control_plane() {
    run etcd etcd --data-dir=$folder/etcd --unsafe-no-fsync --listen-peer-urls=http://127.0.0.1:2380
    run kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=443 --advertise-address="$address" \
        --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --allow-privileged=true \
        --enable-admission-plugins=NodeRestriction --client-ca-file=keys/ca.pem --profiling=false \
        --tls-cert-file=keys/apiserver.pem --tls-private-key-file=keys/apiserver.key \
        --kubelet-client-certificate=keys/kubelet-client.pem --kubelet-client-key=keys/kubelet-client.key \
        --kubelet-preferred-address-types=InternalIP --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file=keys/accounts.pub --service-account-signing-key-file=keys/accounts.key
    run kube-controller-manager kube-controller-manager --kubeconfig=keys/controller-manager.kubeconfig --leader-elect=false \
        --service-account-private-key-file=keys/accounts.key --root-ca-file=keys/ca.pem \
        --use-service-account-credentials=true --enable-hostpath-provisioner=true --pvclaimbinder-sync-period=1s \
        --node-monitor-grace-period=20s --profiling=false
    run kube-scheduler kube-scheduler --kubeconfig=keys/scheduler.kubeconfig --leader-elect=false --profiling=false
}

keys() {
    umask 077
    authority
    # Its clients' names for it: service `kubernetes`, the other parts, and this machine.
    certificate apiserver /CN=kube-apiserver \
        "IP:127.0.0.1, IP:10.96.0.1, IP:$address, DNS:kubernetes, DNS:kubernetes.default, DNS:kubernetes.default.svc"
    certificate kubelet-client /O=system:masters/CN=kubelet-client
    certificate admin /O=system:masters/CN=admin
    certificate controller-manager /CN=system:kube-controller-manager
    certificate scheduler /CN=system:kube-scheduler
    for arch in amd64 arm64; do certificate "node-$arch" "/O=system:nodes/CN=system:node:node-$arch"; done
    openssl genrsa -out keys/accounts.key 2048 2>>log/keys
    openssl rsa -in keys/accounts.key -pubout -out keys/accounts.pub 2>>log/keys
    for name in controller-manager scheduler node-amd64 node-arm64; do
        kubeconfig "$name" https://127.0.0.1:443 >"keys/$name.kubeconfig"
    done
    kubeconfig admin "https://$address:443" >admin.kubeconfig
    umask 022
}

# Whether what is to be a node of arm64 gets that label: a new policy is in force a moment later.
policy_works() {
    kubectl create --dry-run=server --output 'jsonpath={.metadata.labels}' --filename - <<END | grep arm64
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-arm64", "labels": {"kubernetes.io/arch": "amd64"}}}
END
}

# Whether the controllers have made what every namespace has.
namespaces_are_complete() {
    for namespace in default kube-system kube-public kube-node-lease; do
        kubectl --namespace "$namespace" get serviceaccount/default configmap/kube-root-ca.crt || return
    done
}

node() { # ARCHITECTURE NUMBER
    unshare --mount --propagation private sh node.sh "$1" "$2" "$groups" "$address" >>"log/node-$1" 2>&1 &
}

network
keys
control_plane
node amd64 1
node arm64 2
export KUBECONFIG=$folder/admin.kubeconfig
until_true 60 kubectl get --raw=/readyz || failed "the API server does not serve: see log/kube-apiserver"
until_true 30 kubectl apply -f objects.yaml || failed "the cluster's first objects were refused"
until_true 30 policy_works || failed "no policy changes the label of node-arm64"
: >serving
for arch in amd64 arm64; do
    until_true 60 test -e "node-$arch/ready" || failed "node-$arch does not serve: see log/node-$arch"
done
until_true 60 kubectl wait --for=condition=Ready nodes --all --timeout=60s || failed "the nodes are not ready"
until_true 30 namespaces_are_complete || failed "the controllers do not work"
{
    echo "KUBECONFIG=$outside/admin.kubeconfig"
    echo "CLUSTER_ADDRESS=$address"
    echo "MACHINE_ADDRESS=$machine"
    cat /mnt/images/names
} >environment.new
mv environment.new environment
: >ready
# The cluster lives as long as this process.
while :; do wait || true; sleep 1; done
