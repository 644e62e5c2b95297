# shellcheck shell=sh
# Keys of runners and of the local registry, made with openssl (3.0 or later) on the machine that serves with them.
# All keys are EC P-256, and readable by their owner only. Certificates are valid from the day before, so that a client
# whose clock is late takes them.

# Days for which the keys of a start are valid. A stop makes them worthless, so this limit is for runners that never stop:
# they renew their keys when half of the time is left.
keys_days=30

# make_keys FOLDER SERVER_NAME...: keys for one start of a runner: an authority, of which only the certificate is kept (its
# key is never on a disk), a certificate for the server with these names, and a certificate for its clients.
# FOLDER gets:
#     ca.pem cert.pem key.pem   what the server is started with
#     client.pem                what clients are given: the authority's certificate, theirs, and its key
# client.pem appears last and whole. False, and the reason on standard error, if there is no openssl, or no space.
make_keys() {
    keys_folder=$1
    shift
    keys_into "$keys_folder" keys_of_start "$@"
}

# make_server_keys FOLDER AUTHORITY_FOLDER SERVER_NAME...: makes cert.pem and key.pem in FOLDER, valid for ten years, for a
# server whose authority outlives its starts: ca.pem and ca-key.pem in AUTHORITY_FOLDER, which are made if they are missing.
make_server_keys() {
    keys_folder=$1 keys_authority=$2
    shift 2
    if [ ! -s "$keys_authority/ca.pem" ] || [ ! -s "$keys_authority/ca-key.pem" ]; then
        keys_into "$keys_authority" keys_of_authority || return 1
    fi
    keys_authority=$(CDPATH='' cd "$keys_authority" && pwd) || return 1
    keys_into "$keys_folder" keys_of_server "$keys_authority" "$@"
}

# keys_last FOLDER DAYS: true if the server's certificate there is valid for so many days more.
keys_last() { openssl x509 -checkend "$(($2 * 86400))" -noout -in "$1/cert.pem" >/dev/null 2>&1; }

# keys_into FOLDER FUNCTION ARGUMENT...: calls the function in a temporary folder, and moves the keys that it made to FOLDER.
keys_into() (
    umask 077
    folder=$1
    shift
    if ! mkdir -p "$folder" || ! work=$(mktemp -d "$folder/new.XXXXXX") || ! work=$(CDPATH='' cd "$work" && pwd); then return 1; fi
    trap 'rm -rf "$work"' EXIT
    if ! (cd "$work" && "$@") >"$work/said" 2>&1; then
        printf 'keys: cannot be made in %s: %s\n' "$folder" "$(tail -n 1 "$work/said")" >&2
        return 1
    fi
    for made in ca-key ca key cert client; do
        if [ -e "$work/$made.pem" ] && ! mv -f "$work/$made.pem" "$folder"; then return 1; fi
    done
)

keys_of_start() {
    authority=$(keys_new) &&
        keys_certify authority "$keys_days" /dev/stdin ca.pem &&
        keys_new >key.pem &&
        keys_certify server "$keys_days" key.pem cert.pem "$@" &&
        keys_new >client-key &&
        keys_certify client "$keys_days" client-key client-cert &&
        cat ca.pem client-cert client-key >client &&
        mv client client.pem
}

keys_of_authority() {
    authority=$(keys_new) &&
        keys_certify authority 3650 /dev/stdin ca.pem &&
        printf '%s\n' "$authority" >ca-key.pem
}

keys_of_server() {
    authority=$(cat "$1/ca-key.pem") && cp "$1/ca.pem" issuer || return 1
    shift
    keys_new >key.pem && keys_certify server 3650 key.pem cert.pem "$@"
}

keys_new() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }

# keys_certify KIND DAYS KEY CERTIFICATE [SERVER_NAME...]: writes CERTIFICATE for KEY, signed by the key in $authority.
# KIND is authority, server or client. `openssl ca` does it, because `x509` and `req` can set the first day only since 3.4.
keys_certify() {
    kind=$1 days=$2 key=$3 certificate=$4
    shift 4
    names=
    for name in "$@"; do names="$names${names:+,}DNS:$name"; done
    keys_configuration >openssl.cnf
    : >database
    printf '%s\n' "$authority" |
        openssl req -new -config openssl.cnf -subj "/CN=native-buildx $kind" -key "$key" -out request || return 1
    if [ "$kind" = authority ]; then set -- -selfsign; else set -- -cert issuer; fi
    now=$(date +%s)
    printf '%s\n' "$authority" |
        openssl ca -batch -notext -config openssl.cnf -extensions "$kind" -keyfile /dev/stdin "$@" \
            -startdate "$(keys_date $((now - 86400)))" -enddate "$(keys_date $((now + days * 86400)))" \
            -in request -out "$certificate" || return 1
    if [ "$kind" = authority ]; then cp "$certificate" issuer; fi
}

# keys_date SECONDS: prints the time, in seconds since 1970, in openssl's format.
keys_date() { date -u -d "@$1" +%Y%m%d%H%M%SZ; }

keys_configuration() {
    cat <<END
[req]
distinguished_name = subject
[subject]
[ca]
default_ca = files
[files]
database = database
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = subject_policy
[subject_policy]
commonName = supplied
[authority]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
END
    if [ "$kind" = server ]; then
        cat <<END
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = $names
END
    fi
}
