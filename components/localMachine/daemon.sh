# shellcheck shell=sh
# shellcheck disable=SC2034 # runner.sh and registry.sh use it
# Part of runner.sh and registry.sh: each is a daemon of this machine whose working directory is a folder of its own, with its
# log and the id of its process.

# A daemon outlives whoever starts it, serves others too, and must not use that person's identity. From the environment it
# gets what leads to the network and to certificates, it gets none of the person's files, no folder for temporary files that
# goes before it does, nothing that changes what its programs do, and its SDKs (AWS's, Azure's) do not ask the machine for an
# identity. Before all else: a variable of the script may have the name of one of the person's.
forget_identity() {
    # shellcheck disable=SC2013 # a name with a space cannot be unset by a shell
    for variable in $(awk 'BEGIN { for (name in ENVIRON) print name }'); do
        case $variable in
            PATH | PWD | USER | XDG_RUNTIME_DIR | SSL_CERT_* | *_PROXY | *_proxy) ;;
            [0-9]* | *[!A-Za-z0-9_]*) ;;
            # bash does not let go of these.
            SHELLOPTS | BASHOPTS | UID | EUID | PPID) ;;
            *) unset "$variable" ;;
        esac
    done
    HOME=$PWD AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
    AZURE_TOKEN_CREDENTIALS=EnvironmentCredential
    export HOME AWS_EC2_METADATA_DISABLED AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AZURE_TOKEN_CREDENTIALS
}

# start_daemon COMMAND...: starts it in a session of its own, with its output in `log`. It writes its id itself: whoever starts
# it may be killed at any time. Sets $daemon, which is the id too.
start_daemon() {
    # shellcheck disable=SC2016 # that shell's own
    setsid sh -c 'echo "$$" >pid && exec "$@"' sh "$@" </dev/null >>log 2>&1 9>&- &
    daemon=$!
}

# runs COMMAND: true if the process of that id is this folder's daemon. After a restart of the machine the id may belong to
# another process, also to a daemon of another folder.
runs() {
    [ -s pid ] && kill -0 "$(cat pid)" 2>/dev/null &&
        tr '\0' ' ' 2>/dev/null <"/proc/$(cat pid)/cmdline" | grep -q "$1" &&
        [ "$(cd -P "/proc/$(cat pid)/cwd" 2>/dev/null && pwd -P)" = "$(pwd -P)" ]
}
