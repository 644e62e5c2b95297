#!/bin/sh
# Makes the keys of this start, and publishes those of the clients in an encrypted parameter of the runner's own, which
# the instance's role can write and not read.
#     publish-keys.sh start    makes keys and publishes those of the clients; tries for $publish_limit seconds, because at
#                              boot the network, the metadata service and permissions may be late
#     publish-keys.sh again    publishes them once more, whatever the parameter holds now
#     publish-keys.sh renew    publishes new keys, and puts them where BuildKit reads them at its next start
#     publish-keys.sh stop     puts a word in their place
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
umask 077
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/keys.sh"
# shellcheck source=/dev/null
. "$lib/instance-role.sh"

# put TEXT: writes it into the parameter. In curl's configuration \\ is one backslash and \" a quote.
put() {
    answer=$({ curl_login && printf 'data = "{%s%s\\"Value\\":\\"%s\\"}"\n' \
        "\\\"Name\\\":\\\"$parameter\\\",\\\"Type\\\":\\\"SecureString\\\",\\\"Overwrite\\\":true," \
        "${kms_key:+\\\"KeyId\\\":\\\"$kms_key\\\",}" "$1"; } |
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
        # Each reason once, and none in the first two seconds of a boot.
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
