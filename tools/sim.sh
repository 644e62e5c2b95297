#!/bin/sh
# The simulated EC2 by hand, to try stack prod without an account: see docs/aws.md.
#   tools/sim.sh run           in the foreground, until Ctrl-C (make sim)
#   tools/sim.sh stack [NAME]  makes and selects a stack like prod (default sim), configured for the running simulation
set -eu
# Scripts that are called from here go by their relative paths.
unset CDPATH
cd "$(dirname "$0")/.."
# shellcheck source=tools/env.sh
. ./tools/env.sh
sim=packages/simulated-ec2/sim.sh

case ${1:-} in
    run) exec "$sim" run ;;
    stack)
        stack=${2:-sim}
        environment=$("$sim" env)
        eval "$environment"
        archives=$(tests/ec2/buildkit/pack.sh)
        cp "$archives"/* "$SIM_DOWNLOADS/"
        configuration=Pulumi.$stack.yaml
        if [ ! -e "$configuration" ]; then cp Pulumi.prod.yaml "$configuration"; fi
        pulumi stack select "$stack" 2>/dev/null || pulumi stack init "$stack"
        pulumi config set aws:region "$AWS_REGION"
        pulumi config set --path 'allowedCidrs[0]' "$SIM_CLIENT_CIDR"
        for archive in "$archives"/*; do
            arch=${archive##*linux-}
            arch=${arch%.tar.gz}
            name=${archive##*/}
            pulumi config set buildkitUrl "$SIM_DOWNLOADS_URL/${name%"$arch".tar.gz}{arch}.tar.gz"
            digest=$(sha256sum "$archive")
            pulumi config set --path "buildkitSha256[\"linux/$arch\"]" "${digest%% *}"
        done
        echo "stack $stack is selected and configured: pulumi up" >&2
        ;;
    *)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0" >&2
        exit 2
        ;;
esac
