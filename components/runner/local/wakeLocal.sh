# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables come from LocalRunner's and LocalRegistry's prefix
# Wakes local runners and the local registry: see ConnectNode in components/runner/runner.ts.

# put FILE TEXT: the file appears whole or not at all, readable by its owner only, and is touched only if it differs.
put() {
    if [ -e "$1" ] && printf '%s\n' "$2" | cmp -s - "$1"; then return; fi
    printf '%s\n' "$2" >"$1.$$.$3" && mv "$1.$$.$3" "$1"
}

# quoted TEXT: for a line of shell.
quoted() {
    printf "'"
    printf '%s' "$1" | sed "s/'/'\\\\''/g"
    printf "'"
}

prepare_local() {
    (
        umask 077
        mkdir -p "$registry_folder/tls" "$(dirname "$trust_file")" || exit 1
        put "$trust_file" "$ca" registry
        cd "$registry_folder" || exit 1
        put settings.sh "PATH=$(quoted "$PATH")" registry
        put registry.yml "$registry_configuration" registry
        put registry.sh "$registry_script" registry
        put tls/cert.pem "$registry_certificate" registry
        put tls/key.pem "$registry_key" registry
        sh registry.sh start
    ) >&2
}

wake_local() {
    eval "folder=\$folder_$1 name=\$name_$1 idle_seconds=\$idle_seconds_$1 configuration=\$configuration_$1"
    eval "certificate=\$certificate_$1 key=\$key_$1 endpoint=\$endpoint_$1"
    (
        umask 077
        mkdir -p "$folder/tls" || exit 1
        cd "$folder" || exit 1
        put settings.sh "name=$(quoted "$name") idle_seconds=$idle_seconds PATH=$(quoted "$PATH")" "$1"
        put buildkitd.toml "$configuration" "$1"
        put idle.sh "$idle_script" "$1"
        put runner.sh "$runner_script" "$1"
        put tls/ca.pem "$ca" "$1"
        # Read at the next start; a runner that serves is left alone.
        put tls/cert.pem "$certificate" "$1"
        put tls/key.pem "$key" "$1"
        sh runner.sh start
    ) >&2 || return 1
    printf '%s\n' "$endpoint"
}

# renew_local SUFFIX: nobody accepts its certificate any more, so no build runs; at its next start it takes the one in
# its folder.
renew_local() {
    eval "folder=\$folder_$1"
    (cd "$folder" && sh runner.sh stop) >&2
}
