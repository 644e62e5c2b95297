# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # set by the prefix (see connectScript.ts), and used by the other parts
# Connects this machine to the stack's runners: wakes those asked for, reads the keys of their present start, registers
# them with buildx, and proves that they serve. A prefix with the stack's variables, the functions of its kinds of runner
# (see ConnectNode in components/runner/runner.ts), and the other parts come before this text; the whole is the stack
# output `connect`. There is no secret in it:
#
#     pulumi stack output connect | sh -s                   all platforms
#     pulumi stack output connect | sh -s -- linux/arm64    some
#
# Option: --prepare    only what has to run besides the runners (the local registry)
#
# Running it again, or several at once, is safe. Needs sh, docker with buildx (or buildx alone), and for EC2 runners the
# AWS CLI; with curl it is faster.

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$@"
    exit 1
}

usage() { fail "usage: connect [--prepare] [PLATFORM...]; this stack's platforms: $known"; }

# suffix_of PLATFORM: the suffix of its variables.
suffix_of() {
    for candidate in $suffixes; do
        eval "if [ \"\$platform_$candidate\" = \"\$1\" ]; then echo $candidate; fi"
    done
}

parse_arguments() {
    known=$(platforms_of "$suffixes")
    known=${known# }
    mode=connect wanted=
    for argument in "$@"; do
        case $argument in
            --prepare) mode=prepare ;;
            -*) usage ;;
            *)
                suffix=$(suffix_of "$argument")
                if [ -z "$suffix" ]; then
                    fail "connect: this stack has no runner for platform '$argument'; it has: $known"
                fi
                case " $wanted " in *" $suffix "*) ;; *) wanted="$wanted $suffix" ;; esac
                ;;
        esac
    done
    wanted=${wanted:-$suffixes}
}

# Sets buildx, the command, and the folders where its records and our keys are.
find_buildx() {
    # A remote builder has nothing to do with docker's daemon, wherever that is and whether it is there or not; and
    # these would send the commands below somewhere else.
    unset BUILDX_BUILDER BUILDKIT_HOST DOCKER_HOST DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION
    export DOCKER_CONTEXT=default
    if [ -z "${HOME:-}${DOCKER_CONFIG:-}" ]; then
        fail "connect: HOME is not set, so there is no place for buildx's configuration. Set HOME or DOCKER_CONFIG."
    fi
    docker_config=${DOCKER_CONFIG:-$HOME/.docker}
    records=${BUILDX_CONFIG:-$docker_config/buildx}
    # Whole paths in the records: they are read from other folders, too.
    case $records in /*) ;; *) records=$PWD/$records ;; esac
    keys_folder=$records/native-buildx/$builder
    if docker buildx version >/dev/null 2>&1; then
        buildx='docker buildx'
    elif command -v buildx >/dev/null; then
        buildx=buildx
        if command -v docker >/dev/null; then
            # So that `docker buildx` works by hand as well.
            mkdir -p "$docker_config/cli-plugins" 2>/dev/null &&
                ln -sf "$(command -v buildx)" "$docker_config/cli-plugins/docker-buildx" 2>/dev/null &&
                say "docker had no buildx plugin: linked $(command -v buildx) into $docker_config/cli-plugins"
        fi
    else
        fail "connect: docker buildx is needed and was not found. Install Docker's buildx plugin: https://docs.docker.com/go/buildx/"
    fi
    (umask 077 && mkdir -p "$keys_folder" && probe=$(mktemp "$keys_folder/probe.XXXXXX") && rm "$probe") 2>/dev/null ||
        fail "connect: cannot write to $records, where buildx keeps its builders. Set BUILDX_CONFIG to a folder of yours."
}

# platforms_of "SUFFIX...": their platforms, each with a space before it.
platforms_of() {
    for suffix in $1; do
        eval "printf ' %s' \"\$platform_$suffix\""
    done
}

# try_each FUNCTION: runs it for every platform wanted, side by side. False if one failed: $failed has the suffixes.
try_each() {
    for suffix in $wanted; do
        rm -f "$work/$suffix.failed"
        ("$1" "$suffix" || : >"$work/$suffix.failed") &
        children="$children $!"
    done
    wait
    failed='' children=''
    for suffix in $wanted; do
        if [ -e "$work/$suffix.failed" ]; then failed="$failed $suffix"; fi
    done
    [ -z "$failed" ]
}

give_up() { fail "connect: not ready:$(platforms_of "$failed")"; }

prepare() {
    done=
    for suffix in $suffixes; do
        eval "kind=\$kind_$suffix"
        case " $done " in *" $kind "*) continue ;; esac
        done="$done $kind"
        if command -v "prepare_$kind" >/dev/null; then
            "prepare_$kind" || fail "connect: could not prepare"
        fi
    done
}

# connect_all: until all are proved in one round: a runner can stop while another is woken.
connect_all() {
    asked=$wanted round=1
    while :; do
        try_each bring_up || give_up
        for suffix in $wanted; do
            register "$suffix" ||
                fail "connect: buildx create: $(grep -v '^$' "$work/create.log" | tail -n 1)"
        done
        wanted=$asked
        if try_each prove; then break; fi
        if fails_again || [ "$round" -eq 5 ]; then give_up; fi
        wanted=$failed round=$((round + 1))
    done
    for suffix in $asked; do remove_old_keys "$suffix"; done
    only=
    if [ "$(platforms_of "$asked" | wc -w)" -lt "$(platforms_of "$suffixes" | wc -w)" ]; then only=' only'; fi
    say "builder $builder is ready:$(platforms_of "$asked")$only"
}

# fails_again: true if one of those that failed is at the same address with the same keys as when it failed before. A
# runner may close its port for its idle stop after it was found serving; it is another start then that is proved.
fails_again() {
    again=1
    for suffix in $failed; do
        start=$(cat "$work/$suffix.endpoint" "$work/$suffix.keys")
        if [ "$start" = "$(cat "$work/$suffix.failed_before" 2>/dev/null)" ]; then again=0; fi
        printf '%s\n' "$start" >"$work/$suffix.failed_before"
    done
    return "$again"
}

main() {
    parse_arguments "$@"
    if [ "$mode" = prepare ]; then
        prepare
        return
    fi
    find_buildx
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    children=
    # shellcheck disable=SC2086 # numbers
    trap 'kill $children 2>/dev/null; exit 130' INT
    # shellcheck disable=SC2086
    trap 'kill $children 2>/dev/null; exit 143' TERM
    prepare
    connect_all
}

# The script itself may be on standard input: nothing but the shell reads it.
main "$@" </dev/null
