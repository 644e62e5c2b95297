import { find } from "../../../tests/helpers/find";

/**
 * A stand-in for docker with buildx. Like buildx it changes its records one command at a time, saves a record before it
 * asks the builder's nodes how they are (which takes long if there is a file `silent-HOST`), insists on one node an
 * endpoint, takes a node's platform from the builder's other nodes, and cannot read a broken record. It refuses to change a
 * record while there is a file `refuse-BUILDER`, until that is removed. `buildx build` succeeds unless there is a file
 * `dead-BUILDER`; it does not end with one of `busy-BUILDER`, and with `hangs-BUILDER` nothing does. It notes in `led-astray`
 * what would send buildx elsewhere, and in `stdin` each standard input that is not empty.
 */
export const fakeBuildx = `
[ ! -e "$bench/no-plugin" ] || { echo "docker: 'buildx' is not a docker command." >&2; exit 1; }
[ "\${DOCKER_CONTEXT:-}" = default ] || echo "no context: $*" >>"$bench/led-astray"
export -p | grep -E '[ ](BUILDX_|BUILDKIT_|DOCKER_|OTEL_|EXPERIMENTAL_|SOURCE_DATE|TRACE|DEBUG)' |
    grep -vE '[ ](BUILDX_CONFIG|DOCKER_CONFIG|DOCKER_CONTEXT|BUILDX_NO_DEFAULT_ATTESTATIONS)=' >>"$bench/led-astray"
store=\${BUILDX_CONFIG:-\${DOCKER_CONFIG:-$HOME/.docker}/buildx}/instances
nodes=$store/../nodes
command=$1
shift
if [ "$command" != build ]; then cat >>"$bench/stdin"; fi
append= leave= name= node= endpoint= options= platform=
while [ $# -gt 0 ]; do
    case $1 in
        --name | --builder) name=$2; shift ;;
        --node) node=$2; shift ;;
        --append) append=1 ;;
        --leave) leave=1 ;;
        --platform) platform=$2; shift ;;
        --driver-opt) options=$2; shift ;;
        --driver | --progress | --output) shift ;;
        --keep-state | --keep-daemon | -) ;;
        *) endpoint=$1 ;;
    esac
    shift
done
refuse() {
    printf 'ERROR: %s\\n\\n' "$1" >&2
    exit 1
}
one_at_a_time() {
    exec 9>"$bench/lock"
    ${find("flock")} 9
}
render() {
    list=
    for file in "$nodes/$name"/*; do
        list="$list\${list:+,}{\\"Name\\":\\"\${file##*/}\\",\\"Endpoint\\":\\"$(sed 's/&/\\\\u0026/g' "$file")\\",$(cat "$nodes/$name.\${file##*/}")}"
    done
    printf '{"Name":"%s","Driver":"remote","Nodes":[%s],"Dynamic":false}' "$name" "$list" >"$store/$name.new"
    mv "$store/$name.new" "$store/$name"
}
case $command in
version) echo github.com/docker/buildx v0 ;;
create)
    one_at_a_time
    # A record is changed as a whole or not at all.
    ended=
    trap 'ended=1' TERM
    [ ! -e "$bench/refuse-always" ] || refuse 'no space left'
    [ ! -e "$bench/refuse-$name" ] || refuse "existing instance for \\"$name\\" but has mismatched driver"
    if [ -e "$store/$name" ]; then
        case $(cat "$store/$name") in *'"Dynamic":false}') ;; *) refuse 'unexpected end of JSON input' ;; esac
    elif [ -n "$append" ]; then
        refuse "failed to find instance \\"$name\\" for append"
    fi
    mkdir -p "$store" "$nodes/$name"
    if [ -n "$leave" ]; then
        [ -e "$nodes/$name/$node" ] || refuse "node \\"$node\\" not found for $name"
        set -- "$nodes/$name"/*
        [ $# -gt 1 ] || refuse 'can not leave last node'
        rm "$nodes/$name/$node"
        render
        exit
    fi
    for file in "$nodes/$name"/*; do
        if [ -e "$file" ] && [ "$file" != "$nodes/$name/$node" ] && [ "$(cat "$file")" = "$endpoint" ]; then
            refuse "invalid duplicate endpoint $endpoint"
        fi
    done
    if [ -e "$store/$name" ] && [ -z "$append" ] && [ ! -e "$nodes/$name/$node" ]; then
        refuse "node $node not found, did you mean to append?"
    fi
    printf '%s' "$endpoint" >"$nodes/$name/$node"
    sed -i 's|{"architecture":"'"\${platform#linux/}"'","os":"linux"}||' "$nodes/$name".* 2>/dev/null
    printf '"Platforms":[{"architecture":"%s","os":"linux"}],"DriverOpts":{%s}' "\${platform#linux/}" "$(
        printf '%s' "$options" | sed 's/"\\([a-z]*\\)=\\([^"]*\\)"/"\\1":"\\2"/g; s/servername=\\(.*\\)/"servername":"\\1"/'
    )" >"$nodes/$name.$node"
    render
    trap - TERM
    [ -z "$ended" ] || exit 143
    for file in "$nodes/$name"/*; do
        host=$(sed 's|tcp://||; s|:.*||' "$file")
        if [ -e "$bench/silent-$host" ]; then
            echo "$name" >>"$bench/waits"
            "$bench/programs/sleep" 600 &
            trap 'kill $!; exit 0' TERM
            wait
        fi
    done
    ;;
rm)
    one_at_a_time
    rm -rf "$nodes/$endpoint" "$store/$endpoint" "$bench/refuse-$endpoint"
    ;;
inspect)
    if [ -e "$bench/hangs-$endpoint" ]; then
        exec "$bench/programs/sleep" 600
    fi
    printf 'Name: %s\nDriver: remote\n\nNodes:\nName:     %s\nStatus:   running\n' "$endpoint" "$endpoint"
    ;;
build)
    [ "$(cat)" = 'FROM scratch' ] || refuse 'no Dockerfile on standard input'
    [ -e "$store/$name" ] || refuse "no builder \\"$name\\" found"
    echo "$name $(cat "$nodes/$name/$name")" >>"$bench/proved"
    if [ -e "$bench/hangs-$name" ] || [ -e "$bench/busy-$name" ]; then
        echo 'waiting for the runner' >&2
        echo $$ >"$bench/hanging"
        exec "$bench/programs/sleep" 600
    fi
    if [ -e "$bench/dead-$name" ]; then
        # A number in it is how often it is dead.
        left=$(cat "$bench/dead-$name")
        if [ -n "$left" ]; then
            if [ "$left" = 1 ]; then rm "$bench/dead-$name"; else echo $((left - 1)) >"$bench/dead-$name"; fi
        fi
        refuse 'failed to list workers: context deadline exceeded'
    fi
    ;;
esac
`;

/**
 * A kind of runner. Wakes unless there is a file `asleep-SUFFIX`; waits as long as there is a file `slow-SUFFIX`; each
 * wake is another start, with other keys, if there is a file `restarts-SUFFIX`. Keys are not published as often as
 * `unpublished-SUFFIX` says. A file `served-by-SUFFIX` says what serves in the runner's place.
 */
export const kindScript = (kind: string) => `
start_of() { cat "$bench/start-$1" 2>/dev/null || echo 1; }
wake_${kind}() {
    cat >>"$bench/stdin"
    echo "$1" >>"$bench/woken"
    while [ -e "$bench/slow-$1" ]; do sleep 0.05; done
    if [ -e "$bench/asleep-$1" ]; then
        echo "stub runner $1: no capacity" >&2
        return 1
    fi
    if [ -e "$bench/restarts-$1" ]; then echo "$(($(start_of "$1") + 1))" >"$bench/start-$1"; fi
    echo "for $1, start $(start_of "$1")" >"$notes"
    sed 's/^/served by /' "$bench/served-by-$1" >>"$notes" 2>/dev/null
    echo "$caller" >>"$bench/callers"
    eval "printf '%s\\n' \\"\\$endpoint_$1\\""
}
keys_${kind}() {
    cat >>"$bench/stdin"
    echo "$1" >>"$bench/asked"
    grep -q "^for $1, " "$notes" || { echo 'no notes of wake' >&2; return 1; }
    if [ -e "$bench/no-keys" ]; then
        echo "stub runner $1: access denied" >&2
        return 1
    fi
    left=$(cat "$bench/unpublished-$1" 2>/dev/null)
    if [ "\${left:-0}" -gt 0 ]; then
        echo "$((left - 1))" >"$bench/unpublished-$1"
        return 75
    fi
    if [ -e "$bench/keys-$1" ]; then cat "$bench/keys-$1"; return; fi
    for text in "CA-$1-$(start_of "$1")" CERTIFICATEBODY; do
        printf -- '-----BEGIN CERTIFICATE-----\\n%s\\n-----END CERTIFICATE-----\\n' "$text"
    done
    printf -- '-----BEGIN EC PRIVATE KEY-----\\n%s\\n-----END EC PRIVATE KEY-----\\n' KEYBODY
}
done_${kind}() {
    echo "$1 $caller" >>"$bench/left"
    if [ -e "$bench/cannot-leave-$1" ]; then
        echo "stub runner $1: cannot be left" >&2
        return 1
    fi
}
`;

/** A registry that has to be started. */
export const registryScript = `
prepare_registry_stub() {
    cat >>"$bench/stdin"
    echo registry >>"$bench/prepared"
    if [ -e "$bench/unprepared" ]; then
        echo 'registry: did not start' >&2
        return 1
    fi
}
`;

/**
 * What curl finds: TLS is right if the authority is that of the runner's present start. Without an authority it is asked
 * whether anybody answers: nobody once or more, as file `gone-HOST` says.
 */
export const fakeCurl = `
ca=
while [ $# -gt 0 ]; do
    case $1 in
        --cacert) ca=$2; shift ;;
        https://*) suffix=\${1#https://}; suffix=\${suffix%%[.:]*} ;;
    esac
    shift
done
if [ -z "$ca" ]; then
    left=$(cat "$bench/gone-$suffix" 2>/dev/null)
    if [ "\${left:-0}" -gt 0 ]; then
        echo "$((left - 1))" >"$bench/gone-$suffix"
        printf 0.000000
        exit 28
    fi
    exit 56
fi
grep -q "^CA-$suffix-$(cat "$bench/start-$suffix" 2>/dev/null || echo 1)$" "$ca" || exit 60
`;
