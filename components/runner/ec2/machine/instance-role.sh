# Read by the scripts that call AWS: the credentials of this instance's role.
# Secrets go to curl through its standard input: arguments can be read by every process.

# shellcheck shell=sh
metadata=http://169.254.169.254/latest
newline='
'

# Value of a string field of JSON without nested quotes. Credentials have no other escapes than these.
field() { tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" | sed 's#\\/#/#g; s/\\u003d/=/g; s/\\u002b/+/g'; }

# With a clock that is five minutes wrong, AWS refuses a signature, and clients refuse a certificate that is not valid yet.
# Only the metadata service answers without trusting our clock.
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

# Prints the credentials, which are secret, as lines of curl's configuration, for its standard input.
curl_login() { printf 'user = "%s:%s"\nheader = "X-Amz-Security-Token: %s"\n' "$id" "$secret" "$token"; }
