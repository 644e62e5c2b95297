# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # connect.sh sets them; $buildx is one word or two
# Part of the connect script: proves that a runner serves, and finds out why one does not.

# A build of an empty image: shows that the runner answers, with the right certificate, to ours, and builds. It counts
# as activity there.
prove() {
    eval "platform=\$platform_$1"
    printf 'FROM scratch\n' | in_time 25 build_nothing "$1" >"$work/$1.log" 2>&1 && return
    case $? in
        124) reason="no answer within 25 s" ;;
        *) reason=$(grep -v '^$' "$work/$1.log" | tail -n 1) ;;
    esac
    # buildx says only that it waited in vain when TLS is the trouble.
    trouble=$(tls_trouble "$1")
    case $trouble in
        "server "*)
            if [ ! -e "$work/$1.outdated" ]; then
                say "$platform: the runner serves an old certificate (${trouble#server }). pulumi up renews it; waiting two minutes at most until the runner has taken it ..."
                : >"$work/$1.outdated"
            fi
            return 1
            ;;
        "client "*)
            reason="the client certificate of this connect script has expired: run pulumi up, and take the stack output connect anew"
            ;;
    esac
    rm -f "$work/$1.outdated"
    say "$platform: the runner at $(cat "$work/$1.wake" 2>/dev/null || echo 'its last address') does not serve: $reason"
    return 1
}

# tls_trouble SUFFIX: whose certificate is not good any more, `server` or `client`, and curl's words for it; nothing if TLS
# is fine, and where there is no curl.
tls_trouble() {
    if ! command -v curl >/dev/null || [ ! -s "$work/$1.wake" ]; then return; fi
    eval "server_name=\$server_name_$1"
    address=$(sed 's|^tcp://||' "$work/$1.wake")
    words=$(curl -sS --noproxy '*' --max-time 5 --resolve "$server_name:${address##*:}:${address%:*}" -o /dev/null \
        --cacert "$certificates/ca.pem" --cert "$certificates/cert.pem" --key "$certificates/key.pem" \
        "https://$server_name:${address##*:}/" 2>&1)
    # A refusal of the client's comes as an alert. A runner that emulates another only since the last `pulumi up` lacks
    # that one's name for a moment.
    case $words in
        *alert*xpired* | *xpired*alert*) echo "client $words" ;;
        *xpired* | *"subject name"*) echo "server $words" ;;
    esac
}

# True if it is worth trying again because those that failed may take a renewed certificate: `pulumi up` has put it where
# they find it. A runner of this machine is ended for that; another looks for it itself, every minute, or every few
# seconds once its own has expired. (buildx tries for 20 s before it gives a runner up.)
renewals=0
renew() {
    renewals=$((renewals + 1)) pause=0
    for suffix in $failed; do
        eval "kind=\$kind_$suffix"
        if [ ! -e "$work/$suffix.outdated" ] || [ "$renewals" -gt 5 ]; then return 1; fi
        if ! command -v "renew_$kind" >/dev/null; then
            pause=5
        elif [ "$renewals" -gt 1 ] || ! "renew_$kind" "$suffix"; then
            return 1
        fi
    done
    sleep "$pause"
}

build_nothing() {
    export BUILDX_NO_DEFAULT_ATTESTATIONS=1
    # In place of the shell, so that a signal reaches it. $buildx is one word or two.
    exec $buildx build --builder "$builder-$1" --platform "$platform" --progress quiet \
        --output type=cacheonly -
}

# in_time SECONDS COMMAND...: false if it fails, and 124 if it takes longer, as with timeout(1), which runs no functions
# and is not everywhere.
in_time() {
    limit=$1
    shift
    # Standard input of a background command would be /dev/null.
    exec 3<&0
    "$@" <&3 3<&- &
    command=$!
    exec 3<&-
    (
        waited=0
        while [ "$waited" -lt "$limit" ] && kill -0 "$command" 2>/dev/null; do
            sleep 1
            waited=$((waited + 1))
        done
        # Said first: how the command ends then is its own affair.
        if [ "$waited" -eq "$limit" ]; then : >"$work/$command.late"; fi
        kill "$command" 2>/dev/null
    ) >/dev/null 2>&1 &
    watchdog=$!
    wait "$command"
    result=$?
    kill "$watchdog" 2>/dev/null
    if [ "$result" -ne 0 ] && [ -e "$work/$command.late" ]; then return 124; fi
    return "$result"
}
