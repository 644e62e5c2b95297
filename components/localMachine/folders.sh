# shellcheck shell=sh
# Part of the connect script, before the wake scripts: local runners and the local registry keep their folders on this
# machine below the data folder.

# local_data_folder: prints what dataFolder() in dataFolder.ts returns, as an absolute path.
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

# put FILE TEXT: writes the file whole or not at all, readable by its owner only, and only if the text differs.
put() {
    if [ -e "$1" ] && printf '%s\n' "$2" | cmp -s - "$1"; then return; fi
    new=$(mktemp "$1.XXXXXX") && printf '%s\n' "$2" >"$new" && mv "$new" "$1"
}

# quoted TEXT: prints it as a word of shell.
quoted() {
    printf "'"
    printf '%s' "$1" | sed "s/'/'\\\\''/g"
    printf "'"
}
