# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables come from LocalRunner's prefix
# Wakes local runners: see ConnectNode in components/runner/runner.ts. Folders are named below this machine's data folder
# (localMachine/folders.sh), so the variables are the same on every machine.

wake_local() (
    eval "folder=\$folder_$1 name=\$name_$1 idle_seconds=\$idle_seconds_$1 configuration=\$configuration_$1"
    eval "server_name=\$server_name_$1 endpoint=\$endpoint_$1 emulates=\$emulator_$1"
    eval "step_memory_megabytes=\$step_memory_megabytes_$1 trusted_hosts=\$trusted_hosts_$1 trusted_files=\$trusted_files_$1"
    local_enter "$folder" || return 1
    # Escaped for TOML, and for sed's replacement.
    here=$(printf '%s' "$PWD" | sed 's/[\\"]/\\&/g; s/[\\&|]/\\&/g')
    # Named after the folder: stacks of one name in two data folders have groups of their own.
    group=native-buildx-$(printf '%s' "$PWD" | cksum | tr ' ' -)
    if [ "$emulates" = "$(uname -m)" ]; then emulates=; fi
    settings="emulates=$emulates name=$(quoted "$name") server_name=$server_name idle_seconds=$idle_seconds PATH=$(quoted "$PATH")"
    settings="$settings step_group=$group step_memory_megabytes=$step_memory_megabytes"
    settings="$settings trusted_hosts=$(quoted "$trusted_hosts") trusted_files=$(quoted "$trusted_files")"
    put settings.sh "$settings" &&
        put buildkitd.toml "$(printf '%s\n' "$configuration" |
            sed "s|@folder@|$here|g; s|@machine@|$(uname -m)|; s|@group@|$group|")" &&
        put daemon.sh "$daemon_script" &&
        put keys.sh "$keys_script" &&
        put idle.sh "$idle_script" &&
        put steps.sh "$steps_script" &&
        put room.sh "$room_script" &&
        put step-runtime.sh "$step_runtime_script" &&
        put emulation.sh "$emulation_script" &&
        put step-mounts.sh "$step_mounts_script" &&
        chmod u+x step-runtime.sh &&
        put watch.sh "$watch_script" &&
        put runner.sh "$runner_script" &&
        sh runner.sh start >&2 &&
        printf '%s\n' "$endpoint"
)

keys_local() (
    eval "folder=\$folder_$1"
    local_enter "$folder" && sh runner.sh keys
)

done_local() { :; }
