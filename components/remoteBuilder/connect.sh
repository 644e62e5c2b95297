# shellcheck shell=sh
# shellcheck disable=SC2154 # the prefix sets them: see connectScript in remoteBuilder.ts
# Connects this machine to the stack's runners: wakes those asked for, registers them with buildx, and proves that
# they serve. A prefix with the stack's variables and certificates, its wake functions, lock.sh and prove.sh come before
# this text; the whole is the stack output `connect`:
#
#     pulumi stack output connect --show-secrets | sh -s                   all platforms
#     pulumi stack output connect --show-secrets | sh -s -- linux/arm64    some
#
# Options: --prepare          only what has to run besides the runners (the local registry)
#          --keep-awake       prove only: runners that were connected before and are in use stay awake
#
# Running it again, or several at once, is safe. Needs sh, docker with buildx (or buildx alone), and for EC2 runners the
# AWS CLI.

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$@"
    exit 1
}

usage() { fail "usage: connect [--prepare | --keep-awake] [PLATFORM...]; this stack's platforms: $known"; }

# suffix_of PLATFORM: the suffix of its variables.
suffix_of() {
    for candidate in $suffixes; do
        eval "if [ \"\$platform_$candidate\" = \"\$1\" ]; then echo $candidate; fi"
    done
}

parse_arguments() {
    known=
    for suffix in $suffixes; do
        eval "known=\"\$known \$platform_$suffix\""
    done
    known=${known# }
    mode=connect wanted=
    for argument in "$@"; do
        case $argument in
            --prepare) mode=prepare ;;
            --keep-awake) mode=keep-awake ;;
            -*) usage ;;
            *)
                suffix=$(suffix_of "$argument")
                if [ -z "$suffix" ]; then
                    fail "connect: this stack has no runner for platform '$argument'; it has: $known"
                fi
                wanted="$wanted $suffix"
                ;;
        esac
    done
    wanted=${wanted:-$suffixes}
}

find_buildx() {
    if [ -z "${HOME:-}${DOCKER_CONFIG:-}" ]; then
        fail "connect: HOME is not set, so there is no place for buildx's configuration. Set HOME or DOCKER_CONFIG."
    fi
    docker_config=${DOCKER_CONFIG:-$HOME/.docker}
    if docker buildx version >/dev/null 2>&1; then
        buildx='docker buildx'
    elif command -v buildx >/dev/null; then
        buildx=buildx
        if command -v docker >/dev/null; then
            # So that `docker buildx` works by hand as well.
            mkdir -p "$docker_config/cli-plugins" &&
                ln -sf "$(command -v buildx)" "$docker_config/cli-plugins/docker-buildx" &&
                say "docker had no buildx plugin: linked $(command -v buildx) into $docker_config/cli-plugins"
        fi
    else
        fail "connect: docker buildx is needed and was not found. Install Docker's buildx plugin: https://docs.docker.com/go/buildx/"
    fi
    # These would send the commands below somewhere else.
    unset BUILDX_BUILDER BUILDKIT_HOST
}

# put_secret FILE TEXT: whole or not at all, mode 0600, never as an argument of a process (printf is the shell's own).
put_secret() (
    umask 077
    if [ -e "$1" ] && [ "$(cat "$1")" = "$2" ]; then return; fi
    printf '%s\n' "$2" >"$1.$$" && mv "$1.$$" "$1"
)

write_certificates() {
    certificates=$docker_config/native-buildx/$builder
    (umask 077 && mkdir -p "$certificates") || fail "connect: cannot write to $docker_config"
    locked write_certificate_files || fail "connect: cannot write the client certificate to $certificates"
}

write_certificate_files() {
    put_secret "$certificates/ca.pem" "$ca" &&
        put_secret "$certificates/cert.pem" "$client_certificate" &&
        put_secret "$certificates/key.pem" "$client_key"
}

# platforms_of "SUFFIX...": their platforms, each with a space before it.
platforms_of() {
    for suffix in $1; do
        eval "printf ' %s' \"\$platform_$suffix\""
    done
}

# try_each FUNCTION: runs it for every platform asked for, side by side; its standard output goes to
# $work/SUFFIX.FUNCTION. False if one failed: $failed has the suffixes.
try_each() {
    for suffix in $wanted; do
        rm -f "$work/$suffix.failed"
        (
            "$1" "$suffix" >"$work/$suffix.$1" || : >"$work/$suffix.failed"
        ) &
    done
    wait
    failed=
    for suffix in $wanted; do
        if [ -e "$work/$suffix.failed" ]; then failed="$failed $suffix"; fi
    done
    [ -z "$failed" ]
}

each() { try_each "$1" || give_up; }

give_up() { fail "connect: not ready:$(platforms_of "$failed")"; }

# True if one of those that failed is not a process of this machine.
goes_on_its_own() {
    for suffix in $failed; do
        eval "if [ \"\$kind_$suffix\" != local ]; then return 0; fi"
    done
    return 1
}

register_all() {
    if ! locked register; then fail "connect: buildx create: $(grep -v '^$' "$work/create.log" | tail -n 1)"; fi
}

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

wake() {
    eval "kind=\$kind_$1"
    "wake_$kind" "$1"
}

# create BUILDER SUFFIX [OPTION...]: adds or updates one node.
create() {
    builder_name=$1
    eval "platform=\$platform_$2 server_name=\$server_name_$2"
    endpoint=$(cat "$work/$2.wake")
    node=$builder-$2
    shift 2
    $buildx create --name "$builder_name" --node "$node" --driver remote --platform "$platform" --driver-opt \
        "cacert=$certificates/ca.pem,cert=$certificates/cert.pem,key=$certificates/key.pem,servername=$server_name" \
        "$@" "$endpoint" >/dev/null 2>"$work/create.log"
}

# True if the builder's record has nodes that the stack has not (any more), or another's.
stale() {
    record=${BUILDX_CONFIG:-$docker_config/buildx}/instances/$builder
    if [ ! -e "$record" ]; then return 1; fi
    # shellcheck disable=SC2013 # names have no spaces
    for node in $(grep -o '"Name":"[^"]*"' "$record" | sed 's/"Name":"\(.*\)"/\1/'); do
        if [ "$node" = "$builder" ]; then continue; fi
        case " $suffixes " in *" ${node#"$builder-"} "*) ;; *) return 0 ;; esac
    done
    return 1
}

register() {
    if stale; then $buildx rm --keep-state --keep-daemon "$builder" >/dev/null 2>&1; fi
    for suffix in $wanted; do
        # The builder that `pulumi up` uses: one for each platform. A record from an earlier stack goes first.
        create "$builder-$suffix" "$suffix" || {
            $buildx rm --keep-state --keep-daemon "$builder-$suffix" >/dev/null 2>&1
            create "$builder-$suffix" "$suffix" || return 1
        }
        # The builder for people and CI: all of them.
        if buildx_knows "$builder"; then append=--append; else append=; fi
        create "$builder" "$suffix" $append || {
            # Addresses are given out again: another node's old record can have this one's.
            $buildx rm --keep-state --keep-daemon "$builder" >/dev/null 2>&1
            create "$builder" "$suffix" || return 1
        }
    done
}

buildx_knows() { [ -e "${BUILDX_CONFIG:-$docker_config/buildx}/instances/$1" ]; }

main() {
    parse_arguments "$@"
    if [ "$mode" = prepare ]; then
        prepare
        return
    fi
    find_buildx
    work=$(mktemp -d) || exit 1
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$work'" EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    write_certificates
    asked=$wanted
    if [ "$mode" = connect ]; then
        prepare
        each wake
        register_all
    fi
    if [ "$mode" = keep-awake ]; then
        each prove
        return
    fi
    attempt=1
    until try_each prove; do
        if ! renew; then
            # A runner can close its port for its idle stop after it was found serving: it is woken again then. One on
            # this machine cannot.
            if [ "$attempt" -eq 3 ] || ! goes_on_its_own; then give_up; fi
            attempt=$((attempt + 1))
        fi
        wanted=$failed
        each wake
        register_all
    done
    wanted=$asked
    say "builder $builder is ready:$(platforms_of "$asked")"
}

# The script itself may be on standard input: nothing but the shell reads it.
main "$@" </dev/null
