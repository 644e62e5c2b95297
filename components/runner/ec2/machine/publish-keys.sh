#!/bin/sh
# The keys of this start, and how clients come by theirs: in one encrypted parameter of the runner's own, which the
# instance's role can write and not read.
#     publish-keys.sh start    makes keys and publishes those of the clients; tries for $publish_limit seconds, because at
#                              boot the network, the metadata service and permissions may be late
#     publish-keys.sh again    publishes them once more, whatever the parameter holds by now
#     publish-keys.sh renew    publishes new ones, and puts them where BuildKit takes them at its next start
#     publish-keys.sh stop     puts a word in their place
# Secrets go to curl through its standard input: arguments can be read by every process.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
umask 077
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/keys.sh"
metadata=http://169.254.169.254/latest
newline='
'

# Value of a string field of JSON without nested quotes. Credentials hold no other escapes than these.
field() { tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" | sed 's#\\/#/#g; s/\\u003d/=/g; s/\\u002b/+/g'; }

# AWS refuses a signature from a clock that is five minutes wrong, and clients a certificate that is not valid yet. The
# metadata service is the only one that answers without trusting our clock.
set_clock() {
    theirs=$(date -u -d "$1" +%s 2>/dev/null) || return 0
    error=$(($(date +%s) - theirs))
    if [ "${error#-}" -lt 60 ]; then return; fi
    date -u -s "$1" >/dev/null || return 1
    say "the clock was wrong by $error s: set by the metadata service" 2>/dev/null
}

open_session() {
    answer=$(curl -fsS --noproxy '*' -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' \
        -w '\n%header{date}' "$metadata/api/token") || return 1
    session=${answer%%"$newline"*}
    set_clock "${answer##*"$newline"}"
}

read_metadata() {
    printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$session" |
        curl -fsS --noproxy '*' -m 5 -K - "$metadata/meta-data/iam/security-credentials/$1"
}

credentials() {
    open_session && role=$(read_metadata '') && answer=$(read_metadata "${role%%[!A-Za-z0-9+=,.@_-]*}") || return 1
    id=$(printf '%s' "$answer" | field AccessKeyId)
    secret=$(printf '%s' "$answer" | field SecretAccessKey)
    token=$(printf '%s' "$answer" | field Token)
    if [ -z "$id" ] || [ -z "$secret" ] || [ -z "$token" ]; then
        echo "the metadata service has no credentials for role $role yet" >&2
        return 1
    fi
}

# put TEXT: into the parameter. In curl's configuration \\ is one backslash and \" a quote.
put() {
    answer=$(printf 'user = "%s:%s"\nheader = "X-Amz-Security-Token: %s"\ndata = "{%s%s\\"Value\\":\\"%s\\"}"\n' \
        "$id" "$secret" "$token" "\\\"Name\\\":\\\"$parameter\\\",\\\"Type\\\":\\\"SecureString\\\",\\\"Overwrite\\\":true," \
        "${kms_key:+\\\"KeyId\\\":\\\"$kms_key\\\",}" "$1" |
        curl -sS --fail-with-body -m 10 -K - --aws-sigv4 "aws:amz:$region:ssm" -H 'Content-Type: application/x-amz-json-1.1' \
            -H 'X-Amz-Target: AmazonSSM.PutParameter' "$ssm_endpoint/") || {
        # The answer to a refused request names the reason and holds no secret.
        printf '%s: %s\n' "$parameter" "$answer" >&2
        return 1
    }
    version=$(printf '%s' "$answer" | tr -d '\n ' | sed -n 's/.*"Version":\([0-9]*\).*/\1/p')
    last=$(cat "$tls_directory/version" 2>/dev/null) || last=
    printf '%s' "$version" >"$tls_directory/version"
    if [ -n "$last" ] && [ "$version" != $((last + 1)) ]; then
        say "somebody has changed or deleted $parameter: the keys of this runner are there again"
    fi
}

# text FILE: on one line, each newline as \\n.
text() { sed 's/$/\\\\n/' "$1" | tr -d '\n'; }

# shellcheck disable=SC2086 # names
make() { make_keys "$1" $server_names; }

make_and_publish() {
    credentials || return 1
    if [ -z "$made" ]; then make "$tls_directory" && made=yes || return 1; fi
    put "$(text "$tls_directory/client.pem")"
}

start() {
    begin=$(now) made='' said='' pause=0.5
    rm -f "$tls_directory/version"
    until make_and_publish 2>"$tls_directory/reason"; do
        waited=$(($(now) - begin))
        reason=$(tr '\n' ' ' <"$tls_directory/reason")
        [ "$waited" -lt "$publish_limit" ] || fail "could not publish the keys of this start: $reason"
        # Said once for each reason, and not for the first two seconds of a boot.
        if [ "$waited" -ge 3 ] && [ "$reason" != "$said" ]; then
            said=$reason
            say "keys not published yet, trying on: $reason"
        fi
        [ "$waited" -lt 10 ] || pause=3
        sleep "$pause" 2>/dev/null || sleep 1
    done
}

again() { credentials && put "$(text "$tls_directory/client.pem")"; }

renew() {
    renewed=$tls_directory/renewed
    credentials && make "$renewed" && put "$(text "$renewed/client.pem")" && mv "$renewed"/*.pem "$tls_directory"
}

stop() { credentials && put stopped; }

mkdir -p "$tls_directory"
"$1"
