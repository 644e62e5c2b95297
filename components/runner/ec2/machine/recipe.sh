# Read by scripts that make something of a recipe: shell and sources that are in parameters, because user data has no room for
# them (../ec2Recipe.ts).

# shellcheck shell=sh
# shellcheck disable=SC2154 # the settings come from the file `settings`
# shellcheck source=components/runner/ec2/machine/instance-role.sh
. "$lib/instance-role.sh"

# read_parameter NAME: prints its value, after `credentials`; nothing where it cannot be read.
read_parameter() {
    curl_login | curl -sS --fail-with-body -m 10 -K - --aws-sigv4 "aws:amz:$region:ssm" \
        -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AmazonSSM.GetParameter' \
        -d "{\"Name\":\"$1\"}" "$ssm_endpoint/" | field Value
}

# fetch_recipe FOLDER SHA256 PARAMETER...: the files of a recipe, whose script writes them into FOLDER. Once.
fetch_recipe() {
    if [ -e "$1/complete" ]; then return; fi
    into=$1 sha256=$2
    shift 2
    if ! credentials; then return 1; fi
    script=$(mktemp)
    for parameter; do read_parameter "$parameter"; done | base64 -d | gzip -d >"$script"
    status=1
    if [ "$(sha256sum <"$script")" != "$sha256  -" ]; then
        echo "$*: not what this runner was made with"
    elif sh "$script" && : >"$into/complete"; then
        status=0
    fi
    rm -f "$script"
    return "$status"
}

packages() { apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }

# Fetches the lists of packages, once, which archives.sh looks into too.
update_lists() {
    if [ -z "${updated:-}" ]; then packages update || true; fi
    updated=yes
}

# install_packages PACKAGE...
install_packages() {
    update_lists
    DEBIAN_FRONTEND=noninteractive packages -y install --no-install-recommends "$@"
}

# What compiles a recipe's sources.
install_compiler() {
    if command -v gcc >/dev/null && [ -e /usr/include/stdio.h ]; then update_lists; else install_packages gcc libc6-dev; fi
}
