#!/bin/sh
# fetch-certificate.sh DIRECTORY SECONDS: writes ca.pem, cert.pem and key.pem, read from the parameter store with the
# instance's own role. Tries for so many seconds: at boot the network and the metadata service may be late.
# Credentials go to curl through its standard input: arguments can be read by every process.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
umask 077
# shellcheck source=/dev/null
. "${NATIVE_BUILDX_LIB:-/usr/local/lib/native-buildx}/common.sh"
directory=$1
limit=$2
metadata=http://169.254.169.254/latest

# Value of a string field of JSON without nested quotes. Neither PEM nor credentials hold other escapes than these.
field() { tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" | sed 's#\\/#/#g; s/\\u003d/=/g; s/\\u002b/+/g'; }

read_metadata() {
    printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$session" |
        curl -fsS --noproxy '*' -m 5 -K - "$metadata/meta-data/iam/security-credentials/$1"
}

credentials() {
    session=$(curl -fsS --noproxy '*' -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token") &&
        role=$(read_metadata '') && answer=$(read_metadata "${role%%[!A-Za-z0-9+=,.@_-]*}") || return 1
    id=$(printf '%s' "$answer" | field AccessKeyId)
    secret=$(printf '%s' "$answer" | field SecretAccessKey)
    token=$(printf '%s' "$answer" | field Token)
    if [ -z "$id" ] || [ -z "$secret" ] || [ -z "$token" ]; then
        echo "the metadata service has no credentials for role $role yet" >&2
        return 1
    fi
}

parameter() {
    answer=$(printf 'user = "%s:%s"\nheader = "X-Amz-Security-Token: %s"\n' "$id" "$secret" "$token" |
        curl -sS --fail-with-body -m 10 -K - --aws-sigv4 "aws:amz:$region:ssm" \
            -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AmazonSSM.GetParameter' \
            -d "{\"Name\":\"$parameters/$1\",\"WithDecryption\":true}" "$ssm_endpoint/") || {
        # The answer to a refused request names the reason and holds no secret.
        printf '%s/%s: %s\n' "$parameters" "$1" "$answer" >&2
        return 1
    }
    value=$(printf '%s' "$answer" | field Value)
    case $value in
    -----BEGIN*) printf '%b' "$value" >"$directory/new/$2" ;;
    *)
        printf '%s/%s is not a PEM text\n' "$parameters" "$1" >&2
        return 1
        ;;
    esac
}

mkdir -p "$directory/new"
begin=$(now)
said=
while :; do
    if reason=$({ credentials && parameter ca ca.pem && parameter certificate cert.pem && parameter key key.pem; } 2>&1); then
        mv "$directory/new/ca.pem" "$directory/new/cert.pem" "$directory/new/key.pem" "$directory"
        rmdir "$directory/new"
        exit 0
    fi
    reason=$(printf '%s' "$reason" | tr '\n' ' ')
    [ $(($(now) - begin)) -lt "$limit" ] || fail "could not fetch the certificate: $reason"
    # Said once for each reason, and not for the first two seconds of a boot.
    if [ $(($(now) - begin)) -ge 3 ] && [ "$reason" != "$said" ]; then
        said=$reason
        say "no certificate yet, trying on: $reason"
    fi
    sleep 0.5 2>/dev/null || sleep 1
done
