# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables come from LocalRegistry's prefix
# Starts the local registry on this machine: see RegistryPreparation in components/registry/registry.ts. Its folder is
# named below this machine's data folder, so the variables are the same on every machine.

prepare_registry_local() (
    local_enter "$registry_folder" || return 1
    put daemon.sh "$daemon_script" &&
        put keys.sh "$keys_script" &&
        put settings.sh "host=$(quoted "$registry_host") trust_file=$(quoted "$trust_file") \
untagged_days=$(quoted "$registry_untagged_days") PATH=$(quoted "$PATH")" &&
        put registry.yml "$registry_configuration" &&
        put collectGarbage.sh "$registry_collect_script" &&
        put registry.sh "$registry_script" &&
        sh registry.sh start >&2
)
