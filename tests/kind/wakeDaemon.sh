# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables come from DaemonRunner's node
# Wakes bare daemons: see ConnectNode in components/runner/runner.ts.

wake_daemon() (
    eval "folder=\$folder_$1 server_name=\$server_name_$1 endpoint=\$endpoint_$1 configuration=\$configuration_$1"
    local_enter "$folder" || return 1
    put keys.sh "$keys_script" && put runner.sh "$runner_script" &&
        put buildkitd.toml "$(printf '%s\n' "$configuration" | sed "s|@folder@|$PWD|g")" || return 1
    if ! sh runner.sh start "$server_name" >&2; then
        echo "$1 runner: the daemon does not serve: $(tail -n 1 log)" >&2
        return 1
    fi
    printf '%s\n' "$endpoint"
)

keys_daemon() (
    eval "folder=\$folder_$1"
    local_enter "$folder" && sh runner.sh keys
)

done_daemon() { :; }
