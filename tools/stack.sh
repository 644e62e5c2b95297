# shellcheck shell=sh
# Shell functions for what has to be right about a stack before `pulumi up` or `destroy`.

# open_stack STACK [existing]: prepares everything that a pulumi command on it needs, also on a fresh clone. Makes the stack
# if it does not exist, or fails. In the project's folder.
open_stack() {
    tools/setup.sh
    # shellcheck source=tools/env.sh
    . ./tools/env.sh
    select_stack "$@"
    # Runners and registries elsewhere need plugins, which Pulumi fetches itself.
    if needs_plugins "$(stack_file "$1")"; then unset PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION; fi
}

# needs_plugins FILE: true if the stack sets another kind of runners or of registry than the default. It reads the file,
# because asking Pulumi takes a moment at every `up`.
needs_plugins() {
    for setting in runners registry; do
        default=$(sed -n "/^  $setting:/,/default:/s/^ *default: //p" Pulumi.yaml)
        kind=$(sed -n "s/^ *[\"']*[^ :]*:${setting}[\"']*: *//p" "$1" 2>/dev/null | bare)
        case $kind in '' | "$default") ;; *) return 0 ;; esac
    done
    return 1
}

# select_stack STACK [existing]: and cleans up after an `up` that was killed.
select_stack() {
    stale_run=
    find_other_runs "$1"
    mend_state "$1"
    if [ "${2:-}" = existing ]; then
        if ! pulumi stack select "$1" >/dev/null; then
            echo "Nothing was removed. The stacks that there are: pulumi stack ls; of another: make down STACK=NAME" >&2
            return 1
        fi
    elif ! pulumi stack select "$1" >/dev/null 2>&1; then
        # The output is of interest only if this fails.
        make_stack "$1"
    fi
    if [ -n "$stale_run" ]; then
        echo "Removing the lock of an interrupted run (process $stale_run)." >&2
        pulumi cancel --stack "$1" --yes >/dev/null 2>&1
    fi
    clear_pending_operations "$1"
}

# Pulumi rewrites the stack's file, and shortens numbers in it, before the program could tell 1.0 from 1. So the file is
# restored as it was, with the lines that Pulumi needs for secrets.
make_stack() {
    file=$(stack_file "$1") secrets='^(encryptionsalt|encryptedkey|secretsprovider):'
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

# A value of YAML, without quotes and comment.
bare() { sed "s/ *#.*//; s/[\"']//g"; }

# stack_file STACK: prints where Pulumi has its settings. A name may have an organization before it, and a project.
stack_file() {
    folder=$(sed -n "s/^stackConfigDir: *//p" Pulumi.yaml | bare)
    printf '%s\n' "${folder:+${folder%/}/}Pulumi.${1##*/}.yaml"
}

# stack_folder STACK: prints the folder of its runners on this machine, in lower case as in components/stackName.ts.
stack_folder() {
    printf '%s/%s\n' "$NATIVE_BUILDX_HOME" "$(printf '%s-%s' "$(project_name)" "${1##*/}" | tr '[:upper:]' '[:lower:]')"
}

project_name() { sed -n 's/^name: *//p' Pulumi.yaml | bare; }

# Prints the folder of a file backend; fails for any other backend.
state_folder() {
    project=$(sed -n "/^backend:/,/^[^ #]/s/.*url: *[\"']*\([^\"'} ]*\).*/\1/p" Pulumi.yaml)
    login=${PULUMI_HOME:-$HOME/.pulumi}/credentials.json
    backend=${PULUMI_BACKEND_URL:-${project:-$(sed -n 's/^ *"current": *"\(.*\)".*/\1/p' "$login" 2>/dev/null)}}
    case $backend in
        file://\~*) backend=$HOME${backend#file://\~} ;;
        file://*) backend=${backend#file://} ;;
        *) return 1 ;;
    esac
    printf '%s\n' "${backend%%\?*}/.pulumi"
}

# find_other_runs STACK: fails while another command is at work on it. Only file backends leave a lock whose process is
# gone: `stale_run` is that process. A lock names its process and its machine.
find_other_runs() {
    state=$(state_folder) || return 0
    alive=
    for lock in "$state/locks/organization/$(project_name)/${1##*/}"/*.json; do
        if [ ! -e "$lock" ]; then continue; fi
        owner=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$lock" | head -n 1)
        host=$(sed -n 's/.*"hostname": *"\([^"]*\)".*/\1/p' "$lock" | head -n 1)
        if [ "$host" = "$(uname -n)" ] && [ -n "$owner" ] && ! is_pulumi "$owner"; then
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

# is_pulumi PID: true if the process of that id is pulumi, another user's too: after a while the id may be another program's.
is_pulumi() {
    if [ -e /proc/self ]; then
        tr '\0' ' ' <"/proc/$1/cmdline"
    else
        ps -p "$1" -o args=
    fi 2>/dev/null | grep -q pulumi
}

# mend_state STACK: repairs the files of a file backend after a process was killed or the disk was full. Beside each is a file
# NAME.attrs, which Pulumi does not need, but which stops it when it is empty.
mend_state() {
    state=$(state_folder) || return 0
    file=$state/stacks/$(project_name)/${1##*/}.json
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
    echo "The state of stack $1 was damaged. Using $file.bak, which lacks the last step of the interrupted run; the damaged file is $file.damaged." >&2
    mv "$file" "$file.damaged"
    rm -f "$file.attrs"
    cp "$file.bak" "$file.new"
    mv "$file.new" "$file"
}

is_damaged() { printf '%s\n' "$damaged" | grep -qxF "$1"; }

# not_json FILE...: prints those that exist and are not JSON, a line each. In one process: every `make up` waits for it.
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

# clear_pending_operations STACK: Pulumi remembers what was being created when a run was killed, and warns of it at every
# later `up`, even after `refresh --yes`. The next `up` creates it again; in a cloud the first may exist too, so Pulumi's list
# is shown once.
clear_pending_operations() {
    if state=$(state_folder) && ! grep -qs '"pending_operations"' "$state/stacks/$(project_name)/${1##*/}.json"; then return 0; fi
    exported=$(pulumi stack export --stack "$1")
    case $exported in *'"pending_operations"'*) ;; *) return 0 ;; esac
    echo "An interrupted run was creating what follows. It is created again now." >&2
    printf '%s' "$exported" | pulumi stack import --stack "$1" >/dev/null
}
