# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables come from LocalRunner's and LocalRegistry's prefix
# Wakes local runners and the local registry: see ConnectNode in components/runner/runner.ts. Folders are named below
# this machine's data folder, so the variables are the same on every machine.

# local_data_folder: as dataFolder() in localFolder.ts has it, and absolute.
local_data_folder() {
    if [ -z "${NATIVE_BUILDX_HOME:-}${XDG_DATA_HOME:-}${HOME:-}" ]; then
        echo "HOME is not set, so there is no place for local runners. Set HOME or NATIVE_BUILDX_HOME." >&2
        return 1
    fi
    data=${NATIVE_BUILDX_HOME:-${XDG_DATA_HOME:-${HOME:-}/.local/share}/native-buildx}
    case $data in /*) ;; *) data=$PWD/$data ;; esac
    printf '%s\n' "$data"
}

# local_enter FOLDER: makes a folder below the data folder the working directory.
local_enter() {
    data=$(local_data_folder) && umask 077 && mkdir -p "$data/$1" && cd "$data/$1" || return 1
}

# put FILE TEXT: the file appears whole or not at all, readable by its owner only, and is touched only if it differs.
put() {
    if [ -e "$1" ] && printf '%s\n' "$2" | cmp -s - "$1"; then return; fi
    new=$(mktemp "$1.XXXXXX") && printf '%s\n' "$2" >"$new" && mv "$new" "$1"
}

# quoted TEXT: for a line of shell.
quoted() {
    printf "'"
    printf '%s' "$1" | sed "s/'/'\\\\''/g"
    printf "'"
}

prepare_local() (
    local_enter "$registry_folder" || return 1
    put keys.sh "$keys_script" &&
        put settings.sh "host=$(quoted "$registry_host") trust_file=$(quoted "$trust_file") PATH=$(quoted "$PATH")" &&
        put registry.yml "$registry_configuration" &&
        put registry.sh "$registry_script" &&
        sh registry.sh start >&2
)

wake_local() (
    eval "folder=\$folder_$1 name=\$name_$1 idle_seconds=\$idle_seconds_$1 configuration=\$configuration_$1"
    eval "server_name=\$server_name_$1 endpoint=\$endpoint_$1"
    local_enter "$folder" || return 1
    # In TOML, and in sed's replacement.
    here=$(printf '%s' "$PWD" | sed 's/[\\"]/\\&/g; s/[\\&|]/\\&/g')
    settings="name=$(quoted "$name") server_name=$server_name idle_seconds=$idle_seconds PATH=$(quoted "$PATH")"
    put settings.sh "$settings registry_host=$(quoted "$registry_host")" &&
        put buildkitd.toml "$(printf '%s\n' "$configuration" | sed "s|@folder@|$here|g; s|@machine@|$(uname -m)|")" &&
        put keys.sh "$keys_script" &&
        put idle.sh "$idle_script" &&
        put runner.sh "$runner_script" &&
        sh runner.sh start >&2 &&
        printf '%s\n' "$endpoint"
)

keys_local() (
    eval "folder=\$folder_$1"
    local_enter "$folder" && sh runner.sh keys
)
