#!/bin/sh
# The programs of a node that is an ARM machine, which is emulated here.
#
#     makeArmNode.sh TOOLCHAINS RELEASE    into aarch64-node of that folder
set -eu
CDPATH='' cd "$(dirname "$0")/../../.."

programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
ln -s "$(command -v aarch64-linux-gnu-gcc)" "$programs/gcc"
printf '#!/bin/sh\necho aarch64\n' >"$programs/uname"
chmod +x "$programs/uname"
PATH=$programs:$PATH sh components/runner/cluster/makeCluster.sh "$1/aarch64-node" '' '' "$2"
