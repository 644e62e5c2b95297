# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # set by the prefix (see connectScript.ts), and used by the other parts
# Connects this machine to the stack's runners: wakes those asked for, reads the keys of their present start, registers
# them with buildx, and proves that they serve. The stack output `connect` is the whole: a prefix with the stack's
# variables, the functions of its kinds of runner (see ConnectNode in components/runner/runner.ts), the other parts, and
# this text. There is no secret in it:
#
#     pulumi stack output connect | sh -s                   all platforms
#     pulumi stack output connect | sh -s -- linux/arm64    some
#     pulumi stack output connect | sh -s -- arm64_2        a runner by its name
#     pulumi stack output connect | sh -s -- --done         no build follows
#
# Options: --prepare     starts only what has to run besides the runners (the local registry)
#          --for NAME    chooses where a platform has several runners: the same NAME gets the same runner, whose cache is
#                        warm. Default: the repository and the name of the CI job, if there is one
#          --buildx FILE uses this buildx, and does not ask docker for its own: `pulumi up` does, which has found it
#          --records FOLDER  registers the builders there, and not where buildx looks by itself: `pulumi up` does
#          --done        gives back what was taken for this caller, such as a port that was opened
#
# Prints `RUNNER is served by TYPE of RUNNER` where that is not the runner's own machine; all else is on standard error.
# Running it again, or several at once, is safe. Needs sh, docker with buildx (or buildx alone), and what the runners' kind
# is woken with, such as the AWS CLI or kubectl. With curl it is faster.

# What fails is looked at and said here: a caller's -e would end the script without a word.
set +e

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$@"
    exit 1
}

usage() { fail "usage: connect [--prepare | --done] [--for NAME] [PLATFORM | RUNNER]...; this stack's platforms: $platforms"; }

# runners_for PLATFORM: their names, each with a space before it.
runners_for() {
    for candidate in $runners; do
        eval "if [ \"\$platform_$candidate\" = \"\$1\" ]; then printf ' %s' $candidate; fi"
    done
}

# pick PLATFORM: sets `picked` to its runner, which the checksum of $for_name chooses where there are several.
pick() {
    choice=$(printf '%s' "$for_name" | cksum)
    # shellcheck disable=SC2046 # names
    set -- $(runners_for "$1")
    if [ -n "$for_name" ] && [ $# -gt 0 ]; then shift $((${choice%% *} % $#)); fi
    picked=${1:-}
}

# want RUNNER: appends it to $wanted, unless it is there.
want() { case " $wanted " in *" $1 "*) ;; *) wanted="$wanted $1" ;; esac; }

# job_name: the CI system's name of the job, after its repository: many have a job of the same name. Empty outside of CI.
job_name() {
    name=${GITHUB_JOB:-${CIRCLE_JOB:-${CI_JOB_NAME:-${BUILDKITE_STEP_KEY:-${BUILDKITE_LABEL:-}}}}}
    # Of a project on GitLab CircleCI says the id only.
    project=${CIRCLE_PROJECT_USERNAME:+$CIRCLE_PROJECT_USERNAME/}${CIRCLE_PROJECT_REPONAME:-${CIRCLE_PROJECT_ID:-}}
    repository=${GITHUB_REPOSITORY:-}$project${CI_PROJECT_PATH:-}${BUILDKITE_PIPELINE_SLUG:-}
    printf '%s' "${name:+$repository $name}"
}

parse_arguments() {
    platforms=$(platforms_of "$runners") mode=connect wanted='' by_name='' asked_for='' buildx='' plugin='' records=
    for_name=$(job_name)
    while [ $# -gt 0 ]; do
        case $1 in
            --prepare) mode=prepare ;;
            --done) mode=leave ;;
            --for)
                [ $# -gt 1 ] || usage
                for_name=$2
                shift
                ;;
            --buildx)
                [ $# -gt 1 ] || usage
                buildx=$2
                shift
                ;;
            --records)
                [ $# -gt 1 ] || usage
                records=$2
                shift
                ;;
            -*) usage ;;
            *) asked_for="$asked_for $1" ;;
        esac
        shift
    done
    for name in ${asked_for:-$platforms}; do
        case " $runners " in
            *" $name "*)
                want "$name"
                by_name="$by_name $name"
                ;;
            *)
                pick "$name"
                [ -n "$picked" ] || fail "connect: this stack has no runner for platform '$name'; it has: $platforms"
                want "$picked"
                ;;
        esac
    done
}

# Sets the folders where buildx's records and our keys are.
find_folders() {
    if [ -z "${HOME:-}${DOCKER_CONFIG:-}${BUILDX_CONFIG:-}" ]; then
        fail "connect: HOME is not set, so there is no place for buildx's configuration. Set HOME, DOCKER_CONFIG or BUILDX_CONFIG."
    fi
    docker_config=${DOCKER_CONFIG:-${HOME:+$HOME/.docker}}
    usual_records=${BUILDX_CONFIG:-$docker_config/buildx}
    records=${records:-$usual_records}
    # Absolute paths in the records: they are read from other folders, too.
    case $records in /*) ;; *) records=$PWD/$records ;; esac
    if [ "$records" != "$usual_records" ]; then export BUILDX_CONFIG="$records"; fi
    keys_folder=$records/native-buildx/$builder
    # With other records the caller is the same, so that --done gives back what any call took.
    caller_folder=$usual_records/native-buildx/$builder
    for folder in "$keys_folder" "$caller_folder"; do
        (umask 077 && mkdir -p "$folder" && probe=$(mktemp "$folder/probe.XXXXXX") && rm "$probe") 2>/dev/null ||
            fail "connect: cannot write to ${folder%/native-buildx/*}, where buildx keeps its builders. Set BUILDX_CONFIG to a folder of yours."
    done
}

# job_id: what the CI system's job differs by from others that may run on this machine now, and what all of its steps have;
# empty outside of CI.
job_id() {
    # GitHub's jobs of one matrix have one name. A runner has one job at a time, and a folder of its own.
    printf '%s' "${GITHUB_RUN_ID:-}${GITHUB_JOB:-}${GITHUB_RUN_ID:+${RUNNER_NAME:-}${RUNNER_TEMP:-}}"
    printf '%s' "${CIRCLE_WORKFLOW_JOB_ID:-}${CIRCLE_NODE_INDEX:-}${CI_JOB_ID:-}${BUILDKITE_JOB_ID:-}"
    # Others use the name BUILD_TAG too, also for what changes within a job.
    case ${BUILD_TAG:-} in jenkins-*) printf '%s' "$BUILD_TAG${EXECUTOR_NUMBER:-}" ;; esac
}

# Sets caller: see ConnectNode. Connects that begin at the same time agree on a name.
find_caller() {
    if [ ! -s "$caller_folder/caller" ]; then
        new=$(mktemp "$caller_folder/new.XXXXXX") && printf '%s' "${new##*.}" >"$new" || exit 1
        ln "$new" "$caller_folder/caller" 2>/dev/null || [ -s "$caller_folder/caller" ] || printf '%s' "${new##*.}" >"$caller_folder/caller"
        rm "$new"
    fi
    job=$(job_id)
    caller=$(cat "$caller_folder/caller")${job:+-$(printf '%s' "$job" | cksum | tr ' ' -)}
}

# What sends buildx elsewhere, gives it what a builder of ours does not have, or stops it: the same variables as in
# provider/buildx/environment.ts. A remote builder has nothing to do with docker's daemon, either.
unbend_buildx() {
    # shellcheck disable=SC2013 # a name with a space cannot be unset by a shell
    for variable in $(awk 'BEGIN { for (name in ENVIRON) print name }'); do
        case $variable in
            *[!A-Za-z0-9_]* | BUILDX_CONFIG | DOCKER_CONFIG) ;;
            BUILDX_* | BUILDKIT_* | DOCKER_* | OTEL_* | EXPERIMENTAL_BUILDKIT_*) unset "$variable" ;;
            SOURCE_DATE_EPOCH | TRACEPARENT | TRACESTATE | JAEGER_TRACE | DEBUG) unset "$variable" ;;
            TTY_DISPLAY_RATE | PROGRESS_NO_TRUNC) unset "$variable" ;;
        esac
    done
    export DOCKER_CONTEXT=default
}

# Sets buildx and plugin: the command is "$buildx" $plugin.
find_buildx() {
    unbend_buildx
    if [ -n "$buildx" ]; then return; fi
    version=$(docker buildx version 2>/dev/null)
    case $version in
        # podman, which may be called docker, answers too, and has no buildx.
        *github.com/docker/buildx*)
            buildx=docker plugin=buildx
            return
            ;;
    esac
    if ! command -v buildx >/dev/null; then
        fail "connect: docker buildx is needed and was not found. Install Docker's buildx plugin: https://docs.docker.com/go/buildx/"
    fi
    buildx=buildx
    if [ -z "$version" ] && [ -n "$docker_config" ] && command -v docker >/dev/null; then
        # So that `docker buildx` works by hand as well.
        mkdir -p "$docker_config/cli-plugins" 2>/dev/null &&
            ln -sf "$(command -v buildx)" "$docker_config/cli-plugins/docker-buildx" 2>/dev/null &&
            say "docker had no buildx plugin: linked $(command -v buildx) into $docker_config/cli-plugins"
    fi
}

# platforms_of "RUNNER...": their platforms, each once.
platforms_of() {
    found=
    for runner in $1; do
        eval "platform=\$platform_$runner"
        case " $found " in *" $platform "*) ;; *) found="$found${found:+ }$platform" ;; esac
    done
    printf '%s' "$found"
}

# label RUNNER: its platform for people, with the runner's name where a platform has several.
label() {
    eval "platform=\$platform_$1"
    case $(runners_for "$platform") in
        *' '*' '*) printf '%s' "$platform ($1)" ;;
        *) printf '%s' "$platform" ;;
    esac
}

# labels "RUNNER...": the label of each, with a space before it.
labels() {
    for runner in $1; do printf ' %s' "$(label "$runner")"; done
}

# try_each FUNCTION: runs it for every wanted runner, side by side. False if it failed for some: $failed has these.
try_each() {
    for runner in $wanted; do
        rm -f "$work/$runner.failed"
        ("$1" "$runner" || : >"$work/$runner.failed") &
        children="$children $!"
    done
    wait
    failed='' children=''
    for runner in $wanted; do
        if [ -e "$work/$runner.failed" ]; then failed="$failed $runner"; fi
    done
    [ -z "$failed" ]
}

give_up() { fail "connect: not ready:$(labels "$failed")"; }

# prepare: starts what has to run besides the runners.
prepare() {
    if [ -z "$registry_kind" ]; then return; fi
    "prepare_registry_$registry_kind" || fail "connect: could not prepare the registry"
}

# connect_all: tries until all are proved in one round, for a runner can stop while another is woken.
connect_all() {
    asked=$wanted round=1
    while :; do
        try_each bring_up || give_up
        for runner in $wanted; do
            register "$runner" ||
                fail "connect: buildx create: $(grep -v '^$' "$work/create.log" | tail -n 1)"
        done
        wanted=$asked
        if try_each prove; then break; fi
        if fails_again || [ "$round" -eq 5 ]; then give_up; fi
        wanted=$failed round=$((round + 1))
    done
    for runner in $asked; do
        remove_old_keys "$runner"
        sed -n "s/^served by /$runner is &/p" "$work/$runner.notes" 2>/dev/null
    done
    only=
    for platform in $platforms; do
        case " $(platforms_of "$asked") " in *" $platform "*) ;; *) only=' only' ;; esac
    done
    say "builder $builder is ready:$(labels "$asked")$only"
}

# leave RUNNER: gives back what was taken for this caller.
leave() {
    eval "kind=\$kind_$1"
    "done_$kind" "$1"
}

# fails_again: true if a runner that failed has the same address, keys and notes as when it failed before. A runner that
# was found serving may stop because it was idle; then the next round proves another start of it.
fails_again() {
    again=1
    for runner in $failed; do
        start=$(cat "$work/$runner.endpoint" "$work/$runner.keys" "$work/$runner.notes" 2>/dev/null)
        if [ "$start" = "$(cat "$work/$runner.failed_before" 2>/dev/null)" ]; then again=0; fi
        printf '%s\n' "$start" >"$work/$runner.failed_before"
    done
    return "$again"
}

main() {
    parse_arguments "$@"
    if [ "$mode" = prepare ]; then
        prepare
        return
    fi
    find_folders
    find_caller
    if [ "$mode" = connect ]; then find_buildx; fi
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    children=
    # shellcheck disable=SC2086 # numbers
    trap 'kill $children 2>/dev/null; exit 130' INT
    # shellcheck disable=SC2086
    trap 'kill $children 2>/dev/null; exit 143' TERM HUP
    if [ "$mode" = leave ]; then
        try_each leave
        return
    fi
    prepare
    connect_all
}

# The script itself may be on standard input, which nothing but the shell may read.
main "$@" </dev/null
