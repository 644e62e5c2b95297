# shellcheck shell=sh
# Shell functions for what has to be right about a stack before `pulumi up` or `destroy`.

# open_stack STACK: everything that a pulumi command on it needs, from a fresh clone on. In the project's folder.
open_stack() {
    tools/setup.sh
    # shellcheck source=tools/env.sh
    . ./tools/env.sh
    select_stack "$1"
    # Pulumi fetches the plugins of the AWS packages itself: which version of aws awsx takes, only its own plugin knows.
    if [ "$(pulumi config get runnerType --stack "$1" 2>/dev/null)" = ec2 ]; then
        unset PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION
    fi
}

# select_stack STACK: creates it where there is none, and gets over the lock of an `up` that was killed.
select_stack() {
    # Others' output, and ours where nothing is the matter, is not of interest.
    if ! pulumi stack select "$1" >/dev/null 2>&1; then make_stack "$1"; fi
    remove_stale_lock "$1"
}

# Pulumi writes the stack's file anew, and shortens numbers in it, before the program could tell that 1.0 is not 1. What
# was written stays, with the lines that Pulumi needs for secrets.
make_stack() {
    file=Pulumi.$1.yaml secrets='^(encryptionsalt|encryptedkey|secretsprovider):'
    if [ ! -e "$file" ]; then
        pulumi stack init "$1"
        return
    fi
    written=$(cat "$file")
    pulumi stack init "$1"
    added=$(grep -E "$secrets" "$file" || true)
    printf '%s\n' "$written" | grep -Ev "$secrets" >"$file" || true
    if [ -n "$added" ]; then printf '%s\n' "$added" >>"$file"; fi
}

# stack_folder STACK: where its runners are on this machine, in lower case as configuration/stackName.ts has it.
stack_folder() {
    printf '%s/native-buildx-%s\n' "$NATIVE_BUILDX_HOME" "$(printf '%s' "$1" | tr '[:upper:]' '[:lower:]')"
}

# On a file backend, an `up` that was killed leaves its lock behind. A lock says whose it is: the process, its machine.
remove_stale_lock() {
    case ${PULUMI_BACKEND_URL:-} in file://*) ;; *) return 0 ;; esac
    stale='' alive=''
    for lock in "${PULUMI_BACKEND_URL#file://}"/.pulumi/locks/organization/*/"$1"/*.json; do
        if [ ! -e "$lock" ]; then continue; fi
        owner=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$lock" | head -n 1)
        host=$(sed -n 's/.*"hostname": *"\([^"]*\)".*/\1/p' "$lock" | head -n 1)
        if [ "$host" = "$(hostname)" ] && [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            stale=$owner
        else
            alive="process ${owner:-?} on ${host:-?}"
        fi
    done
    if [ -n "$alive" ]; then
        echo "Another pulumi command is at work on stack $1 ($alive). Wait for it, or, if it is gone: pulumi cancel --stack $1" >&2
        return 1
    fi
    if [ -n "$stale" ]; then
        echo "Removing the lock of an interrupted run (process $stale)." >&2
        pulumi cancel --stack "$1" --yes >/dev/null 2>&1
    fi
}
