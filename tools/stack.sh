# shellcheck shell=sh
# Shell functions for what has to be right about a stack before `pulumi up` or `destroy`.

# open_stack STACK: everything that a pulumi command on it needs, from a fresh clone on. In the project's folder.
open_stack() {
    tools/setup.sh
    # shellcheck source=tools/env.sh
    . ./tools/env.sh
    select_stack "$1"
    # What is not on this machine needs plugins, which Pulumi fetches itself.
    if needs_plugins "Pulumi.$1.yaml"; then unset PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION; fi
}

# needs_plugins FILE: true if the stack's runners or its registry are of another kind than where nothing is set. Read here:
# asking Pulumi takes a moment, at every `up`.
needs_plugins() {
    for setting in runners registry; do
        default=$(sed -n "/^  $setting:/,/default:/s/^ *default: //p" Pulumi.yaml)
        kind=$(sed -n "s/^ *[\"']*[^ :]*:${setting}[\"']*: *//p" "$1" 2>/dev/null | sed "s/ *#.*//; s/[\"']//g")
        case $kind in '' | "$default") ;; *) return 0 ;; esac
    done
    return 1
}

# select_stack STACK: creates it where there is none, and gets over what an `up` that was killed has left.
select_stack() {
    stale_run=
    find_other_runs "$1"
    mend_state "$1"
    # Others' output, and ours where nothing is the matter, is not of interest.
    if ! pulumi stack select "$1" >/dev/null 2>&1; then make_stack "$1"; fi
    if [ -n "$stale_run" ]; then
        echo "Removing the lock of an interrupted run (process $stale_run)." >&2
        pulumi cancel --stack "$1" --yes >/dev/null 2>&1
    fi
    clear_pending_operations "$1"
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

# The folder of a file backend; fails for any other.
state_folder() {
    backend=${PULUMI_BACKEND_URL:-$(sed -n 's/^ *"current": *"\(.*\)".*/\1/p' "${PULUMI_HOME:-$HOME/.pulumi}/credentials.json" 2>/dev/null)}
    case $backend in
        file://\~*) backend=$HOME${backend#file://\~} ;;
        file://*) backend=${backend#file://} ;;
        *) return 1 ;;
    esac
    printf '%s\n' "${backend%%\?*}/.pulumi"
}

# find_other_runs STACK: fails while another command is at work on it. Only file backends leave a lock whose owner is
# gone: `stale_run` is that process. A lock says whose it is, the process and its machine.
find_other_runs() {
    state=$(state_folder) || return 0
    alive=
    for lock in "$state"/locks/organization/*/"$1"/*.json; do
        if [ ! -e "$lock" ]; then continue; fi
        owner=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$lock" | head -n 1)
        host=$(sed -n 's/.*"hostname": *"\([^"]*\)".*/\1/p' "$lock" | head -n 1)
        if [ "$host" = "$(hostname)" ] && [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            stale_run=$owner
        else
            alive="process ${owner:-?} on ${host:-?}"
        fi
    done
    if [ -n "$alive" ]; then
        echo "Another pulumi command is at work on stack $1 ($alive). Wait for it, or, if it is gone: pulumi cancel --stack $1" >&2
        return 1
    fi
}

# mend_state STACK: what a process that was killed, or a full disk, did to the files of a file backend. Each has another
# beside it, NAME.attrs, that Pulumi can do without, but that it does not read over where it is empty.
mend_state() {
    state=$(state_folder) || return 0
    file=$state/stacks/$(sed -n 's/^name: *//p' Pulumi.yaml)/$1.json
    damaged=$(not_json "$state/meta.yaml.attrs" "$file.attrs" "$file.bak.attrs" "$file" "$file.bak")
    if [ -z "$damaged" ]; then return 0; fi
    for attributes in "$state/meta.yaml.attrs" "$file.attrs" "$file.bak.attrs"; do
        if is_damaged "$attributes"; then
            echo "Removing $attributes, which an interrupted run left unfinished." >&2
            rm -f "$attributes"
        fi
    done
    if ! is_damaged "$file"; then return 0; fi
    if [ ! -e "$file.bak" ] || is_damaged "$file.bak"; then
        echo "The state of stack $1 is damaged: $file, and so is $file.bak. Copy the newest whole file of $state/backups over it." >&2
        return 1
    fi
    echo "The state of stack $1 was damaged. Going on from $file.bak, which misses the last step of the interrupted run; what was there is $file.damaged." >&2
    mv "$file" "$file.damaged"
    rm -f "$file.attrs"
    cp "$file.bak" "$file.new"
    mv "$file.new" "$file"
}

is_damaged() { printf '%s\n' "$damaged" | grep -qxF "$1"; }

# not_json FILE...: those that are there and no JSON, a line each. In one process: every `make up` waits for it.
not_json() {
    node -e 'const { existsSync, readFileSync } = require("node:fs");
        for (const file of process.argv.slice(1)) {
            try {
                if (existsSync(file)) JSON.parse(readFileSync(file, "utf8"));
            } catch {
                console.log(file);
            }
        }' "$@"
}

# clear_pending_operations STACK: Pulumi remembers what was being created when a run was killed, and says so at every
# later `up`, also after `refresh --yes`. It is created again; on EC2 what was being made may exist too, so Pulumi says
# what it forgets, once.
clear_pending_operations() {
    if state=$(state_folder) && ! grep -qs '"pending_operations"' "$state"/stacks/*/"$1".json; then return 0; fi
    exported=$(pulumi stack export --stack "$1")
    case $exported in *'"pending_operations"'*) ;; *) return 0 ;; esac
    echo "An interrupted run was at what follows. It is gone through again now." >&2
    printf '%s' "$exported" | pulumi stack import --stack "$1" >/dev/null
}
