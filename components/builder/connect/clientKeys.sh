# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # set by connect.sh, and used by it and the kinds
# Part of the connect script: the keys of the runners' present starts, in folders of their own:
#
#     $records/native-buildx/BUILDER/NODE/FINGERPRINT/ca.pem cert.pem key.pem
#
# A folder's content never changes, so several connects at once need no lock: whoever reads newer keys makes another
# folder. Once the runner has stopped, its folder is worthless.

# bring_up RUNNER: wakes the runner, and finds the keys that it takes. Prints nothing; $work/RUNNER.endpoint and
# $work/RUNNER.keys (the fingerprint; `none` where the endpoint takes no keys) are what to register.
bring_up() {
    eval "kind=\$kind_$1 server_name=\$server_name_$1"
    name=$(label "$1")
    notes=$work/$1.notes
    "wake_$kind" "$1" >"$work/$1.endpoint" || return 1
    if [ -z "$server_name" ]; then
        echo none >"$work/$1.keys"
        return
    fi
    keys_of_node=$keys_folder/$builder-$1
    # The keys that the node was registered with, if the runner still takes them: asking its kind takes longer.
    fingerprint=$(registered_keys "$1")
    if [ -n "$fingerprint" ] && accepted "$1" "$keys_of_node/$fingerprint"; then
        echo "$fingerprint" >"$work/$1.keys"
    else
        read_keys "$1"
    fi
}

# read_keys RUNNER: the keys of the present start, from where its kind publishes them.
read_keys() {
    waited=0
    until keys=$("keys_$kind" "$1"); do
        result=$?
        if [ "$result" -ne 75 ]; then
            say "$name: the runner's keys cannot be read"
            return 1
        fi
        if [ "$waited" -eq 0 ]; then say "$name: waiting until the runner has published its keys ..."; fi
        waited=$((waited + 1))
        # The runner may have stopped meanwhile, and publishes nothing any more.
        if [ $((waited % 10)) -eq 0 ]; then "wake_$kind" "$1" >"$work/$1.endpoint" || return 1; fi
        if [ "$waited" -eq 120 ]; then
            say "$name: the runner serves, and has not published its keys within two minutes"
            return 1
        fi
        sleep 1
    done
    fingerprint=$(printf '%s\n' "$keys" | cksum | tr ' ' -)
    if ! store_keys "$keys_of_node/$fingerprint"; then
        say "$name: the runner published no usable keys, or they cannot be written to $keys_of_node"
        return 1
    fi
    echo "$fingerprint" >"$work/$1.keys"
}

# store_keys FOLDER: writes the three texts of $keys, each whole or not at all, readable by their owner only, and never
# as an argument of a process (printf is built into the shell).
store_keys() (
    if have_keys "$1"; then return; fi
    umask 077
    mkdir -p "$1" && new=$(mktemp -d "$1/new.XXXXXX") && cd "$new" || return 1
    trap 'cd / && rm -rf "$new"' EXIT
    printf '%s\n' "$keys" | awk '
        /^-----BEGIN CERTIFICATE-----/ { file = ++certificates == 1 ? "ca.pem" : "cert.pem" }
        /^-----BEGIN [A-Z ]*KEY-----/ { file = "key.pem"; keys++ }
        file != "" { print >file }
        /^-----END/ { file = "" }
        END { exit certificates != 2 || keys != 1 }
    ' && mv ca.pem cert.pem .. && mv key.pem ..
)

have_keys() { [ -s "$1/ca.pem" ] && [ -s "$1/cert.pem" ] && [ -s "$1/key.pem" ]; }

# accepted RUNNER FOLDER: true if the runner shows the certificate of these keys, and takes them; false where there is no
# curl. (buildx itself only says that it waited 20 s in vain.)
accepted() {
    if ! have_keys "$2" || ! command -v curl >/dev/null; then return 1; fi
    address=$(sed 's|^tcp://||' "$work/$1.endpoint")
    curl -s --noproxy '*' --max-time 5 --resolve "$server_name:${address##*:}:${address%:*}" -o /dev/null \
        --cacert "$2/ca.pem" --cert "$2/cert.pem" --key "$2/key.pem" "https://$server_name:${address##*:}/" 2>/dev/null
}

# remove_old_keys RUNNER: removes the keys of earlier starts after a day; until then another connect may use them.
remove_old_keys() (
    if ! cd "$keys_folder/$builder-$1" 2>/dev/null; then return; fi
    find . ! -name . -prune -type d -mtime +0 ! -name "$(cat "$work/$1.keys")" -exec rm -rf {} +
)
